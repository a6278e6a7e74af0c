"""The app's home: what it shows to whom, that it keeps up, and what is settled there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.demo.workspace.limits import check_view
from chatbot.history import defaults, queries, setup_approvals
from chatbot.models import Person, Source, Status, Task
from chatbot.slack.blocks.home import HomeView, make_home
from chatbot.slack.blocks.listing import Row
from tests.chatbot.slack.ways import Ways, filled, texts, ways_in

pytestmark = pytest.mark.slack_modes(both=True)

Json = dict[str, Any]
ADA = Person("U0ADA", "Ada Young")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.slack.homes.PACE_SECONDS", 0.05)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path, approvers=("U0GRACE",)) as found:
        yield found


async def shows(ways: Ways, user: str, *words: str, never: str = "\0") -> Json:
    """Wait until the home holds all of these words."""

    def found() -> Json | None:
        home = ways.workspace.home(user)
        said = texts(home)
        return home if home and all(word in said for word in words) and never not in said else None

    return dict(await ways.workspace.wait_for(found))


async def press(ways: Ways, user: str, home: Json, action: str) -> None:
    await ways.workspace.click_view(user, home["id"], action)


async def test_it_keeps_up_with_what_works_and_what_came_of_it(ways: Ways) -> None:
    await ways.workspace.open_home("ada")
    await shows(ways, "ada", "Nothing waits for you", "Nothing of yours is at work")
    await ways.code("fix the retry test in acme/api")
    await ways.code("read the plans in acme/web", user="grace")
    home = await shows(ways, "ada", "fix the retry test", "acme/api", never="read the plans")
    await press(ways, "ada", home, "home_stop")
    await shows(ways, "ada", "Nothing of yours is at work", "stopped")
    # Whoever does not look is not told.
    assert ways.workspace.home("grace") is None


async def begun(ways: Ways, task: Task) -> str:
    run = await ways.history.read(lambda db: queries.newest_run(db, task.id))
    await ways.actions.resolve_run(run.id, branch="main", base_commit="0" * 40, detail={})
    assert await ways.actions.claim_run(run.id, "o_test") is not None
    return run.id


async def test_an_allowance_is_taken_back_by_whoever_gave_it(ways: Ways) -> None:
    await ways.code("fix it in acme/api")
    run_id = await begun(ways, await ways.task())
    asked = {"repository": "acme/api", "sha256": "f" * 64, "content": "{}", "shown": {"path": "s"}}
    assert await ways.actions.ask_setup(run_id, **asked) == "pending"
    await ways.workspace.open_home("ada")
    await ways.workspace.open_home("grace")
    await shows(ways, "ada", "Waiting for you", "waits for an answer")
    # Where a rule names who decides, it waits for them.
    await shows(ways, "grace", "Others wait for you", "fix it")
    task = await ways.task()
    pending = await ways.history.read(lambda db: setup_approvals.pending_of(db, task.id))
    assert pending is not None
    await ways.actions.settle_setup(pending.id, "approved", ADA)
    home = await shows(ways, "ada", "What you allowed always", "ffffffffffff")
    await press(ways, "ada", home, "home_unallow")
    await shows(ways, "ada", "At work", never="ffffffffffff")
    standing = await ways.history.read(
        lambda db: setup_approvals.standing(db, "acme/api", "f" * 64)
    )
    assert standing is None


async def test_what_waits_in_a_closed_channel_is_shown_to_nobody_outside(tmp_path: Path) -> None:
    rules = (RuleSettings(match="*", approve_setup=("U0GRACE",)),)
    async with ways_in(tmp_path, rules=rules) as ways:
        channels = ways.workspace.state.channels
        for name, is_private in (("shop", True), ("general", False)):
            await ways.code(f"mend the {name} in acme/api", channel=name)
            task = next(each for each in await ways.tasks() if name in each.request)
            run_id = await begun(ways, task)
            asked = {"repository": "acme/api", "sha256": "f" * 64, "content": "{}"}
            assert await ways.actions.ask_setup(run_id, **asked, shown={"path": "s"}) == "pending"
            place = channels[f"C0{name.upper()}"]
            place.is_private, place.members = is_private, ["U0ADA", "U0BOT"]
        await ways.workspace.open_home("grace")
        # Of an open channel she may know, though she is not in it.
        await shows(ways, "grace", "Others wait for you", "the general", never="the shop")
        channels["C0SHOP"].members.append("U0GRACE")
        await ways.start_again()
        await ways.workspace.open_home("grace")
        await shows(ways, "grace", "the general", "the shop")


async def test_own_defaults_hold_where_nothing_is_named(ways: Ways) -> None:
    await ways.workspace.open_home("ada")
    home = await shows(ways, "ada", "none of your own")
    await press(ways, "ada", home, "home_defaults")
    refused = await ways.workspace.submit_view(
        "ada", ways.view()["id"], filled("", repository="acme", model="")
    )
    assert "owner/name" in refused["errors"]["repository"]
    refused = await ways.workspace.submit_view(
        "ada", ways.view()["id"], filled("", repository="", model="replay:/etc")
    )
    assert "anthropic" in refused["errors"]["model"]
    fields = filled("", repository="acme/api", model="openai:gpt-6-sol")
    await ways.workspace.submit_view("ada", ways.view()["id"], fields)
    await shows(ways, "ada", "acme/api", "openai:gpt-6-sol")
    await ways.code("fix the retry test")
    task = await ways.task()
    assert (task.source.repository, task.model) == ("acme/api", "openai:gpt-6-sol")
    other = await ways.history.read(lambda db: defaults.get(db, "T0LOCAL", "person", "U0GRACE"))
    assert other == defaults.Defaults()


async def test_its_results_are_paged(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    # Few: Slack lets a channel have one post a second.
    monkeypatch.setattr("chatbot.slack.homes.SHOWN", 2)
    monkeypatch.setattr("chatbot.slack.blocks.home.SHOWN", 2)
    for name in ("first", "second", "third"):
        assert "Begun" in await ways.code(f"mend the {name} in acme/api")
        await ways.code("stop")
    await ways.workspace.open_home("ada")
    home = await shows(ways, "ada", "the third", "the second", "Older", never="the first")
    await press(ways, "ada", home, "home_older")
    home = await shows(ways, "ada", "the first", "Newer", never="the third")
    await press(ways, "ada", home, "home_newer")
    await shows(ways, "ada", "the third", "Older", never="the first")


async def test_in_direct_messages_it_suggests_what_to_say(ways: Ways) -> None:
    channel = await ways.workspace.open_dm("ada")
    prompts = await ways.workspace.wait_for(lambda: ways.workspace.state.prompts.get(channel))
    assert prompts["prompts"][0]["title"] == "Fix a bug"
    await ways.code("fix the retry test in acme/api")
    # The last of them is answered, and begins nothing.
    asked = await ways.workspace.post("ada", channel, prompts["prompts"][-1]["message"])

    def shown() -> bool:
        return "retry test" in texts(ways.workspace.messages(channel, asked)[1:])

    await ways.workspace.wait_for(shown)
    assert len(await ways.tasks()) == 1


def test_the_fullest_home_keeps_slacks_limits() -> None:
    odd = "`<!channel>` [x](http://y) & \u202eabc " * 40
    task = Task(
        id="t_1",
        created_at=1.0,
        updated_at=1.0,
        status=Status.RUNNING,
        deadline_at=None,
        origin="slack",
        mode="change",
        model="m",
        request=odd,
        title=odd,
        author=Person("U0ADA", odd),
        source=Source(kind="git", repository=odd),
        share_token="s",
    )
    rows = [Row(task=task, cost_usd=1.5)] * 20
    view = HomeView(
        at_work=rows,
        waiting=rows,
        others=rows,
        ended=rows,
        offset=10,
        repositories=[odd] * 400,
        model=odd,
        spent_today=3.0,
    )
    home = make_home(view, "https://acme.slack.com")
    check_view(home)
    assert "<!channel>" not in texts(home)
