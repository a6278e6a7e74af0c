"""Channels that are archived, deleted, renamed, left and joined: nothing goes astray."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.config import RuleSettings
from chatbot.history import queries
from chatbot.models import Run, Status, Task
from sandbox.recorder import Outcome
from tests.chatbot.slack.stage import until
from tests.chatbot.slack.ways import Ways, texts, ways_in

pytestmark = pytest.mark.slack_modes(both=True)

CLOSED = {"is_archived", "is_inactive", "not_in_channel", "channel_not_found"}


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


async def at_work(ways: Ways) -> tuple[str, Task, Run]:
    """A task whose living message stands in its thread."""
    ts = await ways.workspace.post("ada", "shop", "@Threadsmith fix it in acme/api")
    task = await ways.task()
    run = await ways.history.read(lambda db: queries.newest_run(db, task.id))
    await ways.actions.resolve_run(run.id, branch="main", base_commit="0" * 40, detail={})
    claimed = await ways.actions.claim_run(run.id, "o_test")
    assert claimed is not None
    await ways.actions.record_event(run.id, "container_started", {"phase": "agent"})
    await ways.workspace.wait_for(lambda: "Steer" in thread(ways, ts))
    return ts, task, claimed


async def answer(ways: Ways, run: Run) -> None:
    outcome = Outcome(kind="answer", title="Why", answer="Because of the tides.")
    await ways.actions.finish_run(run.id, outcome)


def thread(ways: Ways, ts: str) -> str:
    return texts(list(ways.workspace.messages("shop", ts)))


def refused(ways: Ways) -> int:
    """Things said where nobody can hear them."""
    return sum(call.answer.get("error") in CLOSED for call in ways.workspace.calls)


@pytest.mark.parametrize("way", ["archived", "bot removed"])
async def test_what_ends_in_a_closed_channel_is_told_once_it_opens(ways: Ways, way: str) -> None:
    ts, task, run = await at_work(ways)
    workspace = ways.workspace
    await (workspace.archive if way == "archived" else workspace.remove_bot)("shop")
    await workspace.settle()
    await answer(ways, run)
    # The work went on and is kept.
    found = await ways.history.read(lambda db: queries.get_task(db, task.id))
    assert found.status == Status.READY
    # Another channel's thread shows that the story was followed: here nothing was tried.
    other = await workspace.post("ada", "general", "@Threadsmith fix it in acme/web")
    await workspace.wait_for(lambda: workspace.reactions("general", other))
    assert "tides" not in thread(ways, ts)
    assert refused(ways) == 0
    await (workspace.unarchive if way == "archived" else workspace.invite_bot)("shop")
    await workspace.wait_for(lambda: "tides" in thread(ways, ts))
    await workspace.wait_for(lambda: workspace.reactions("shop", ts) == {"white_check_mark"})
    await workspace.wait_for(lambda: "Steer" not in thread(ways, ts))
    # Opened once more: it is told once.
    await workspace.archive("shop")
    await workspace.unarchive("shop")
    await workspace.settle()
    last = await workspace.post("ada", "general", "@Threadsmith fix it in acme/web")
    await workspace.wait_for(lambda: workspace.reactions("general", last))
    said = [message["text"] for message in workspace.messages("shop", ts)]
    assert len(said) == 4, said


async def test_a_channel_that_opened_while_the_program_was_down_is_caught_up_with(
    ways: Ways,
) -> None:
    ts, _, run = await at_work(ways)
    await ways.workspace.archive("shop")
    await ways.workspace.settle()
    await answer(ways, run)
    await ways.front.stop()
    ways.workspace.state.channel("shop").is_archived = False
    await ways.front.start()
    await ways.workspace.wait_for(lambda: "tides" in thread(ways, ts))


async def test_where_nobody_tells_of_it_the_refusals_do(ways: Ways) -> None:
    ts, _, run = await at_work(ways)
    ways.workspace.state.channel("shop").is_archived = True
    await answer(ways, run)
    await until(lambda: refused(ways), 60)
    await ways.workspace.unarchive("shop")
    await ways.workspace.wait_for(lambda: "tides" in thread(ways, ts))
    await ways.workspace.wait_for(lambda: "Steer" not in thread(ways, ts))


async def test_a_run_ends_with_its_channel(ways: Ways) -> None:
    _, task, run = await at_work(ways)
    await ways.workspace.delete_channel("shop")
    await ways.workspace.settle()
    events = await ways.history.read(lambda db: queries.task_events(db, task.id))
    why = [event.payload.get("why") for event in events if event.kind == "stop_requested"]
    assert why == ["channel"]
    await ways.actions.finish_run(run.id, Outcome(kind="stopped"))
    other = await ways.workspace.post("ada", "general", "@Threadsmith fix it in acme/web")
    await ways.workspace.wait_for(lambda: ways.workspace.reactions("general", other))
    assert refused(ways) == 0


async def test_a_channel_of_another_name_is_the_same_channel(ways: Ways) -> None:
    ts, _, run = await at_work(ways)
    await ways.workspace.rename("shop", "store")
    await answer(ways, run)
    await ways.workspace.wait_for(
        lambda: "tides" in texts(list(ways.workspace.messages("store", ts)))
    )


async def test_who_leaves_a_channel_may_at_once_no_more_and_who_joins_may(tmp_path: Path) -> None:
    rules = (RuleSettings(match="acme/*", ask=("C0GENERAL",)),)
    async with ways_in(tmp_path, rules=rules) as ways:
        assert "Begun" in await ways.code("fix it in acme/api", user="grace")
        await ways.workspace.leave("general", "grace")
        await ways.workspace.settle()
        assert "Begun" not in await ways.code("fix it in acme/web", user="grace")
        await ways.workspace.join("general", "grace")
        await ways.workspace.settle()
        assert "Begun" in await ways.code("fix it in acme/web", user="grace")


async def test_nothing_is_made_of_what_slack_says_of_the_channel(ways: Ways) -> None:
    """Its words name the bot: it has joined, it has left."""
    await ways.workspace.remove_bot("shop")
    await ways.workspace.invite_bot("shop")
    await ways.workspace.rename("shop", "store")
    await ways.workspace.archive("store")
    await ways.workspace.unarchive("store")
    await ways.workspace.settle()
    assert await ways.tasks() == []
    assert refused(ways) == 0


@pytest.mark.parametrize("way", ["uninstalled", "revoked"])
async def test_the_only_installation_that_ends_is_in_the_log(
    ways: Ways, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if way == "uninstalled":
        await ways.workspace.uninstall()
    else:
        ways.workspace.revoke_tokens(users=("U0ADA",))
        await ways.workspace.settle()
        assert "slack_app_removed" not in capsys.readouterr().out
        ways.workspace.revoke_tokens(bots=("U0BOT",))
    await ways.workspace.settle()
    assert "slack_app_removed" in capsys.readouterr().out
