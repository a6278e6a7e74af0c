"""Who may use the bot, and how people in a thread speak past it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.history import muting, queries
from chatbot.models import Task
from chatbot.request.asides import find_mute, is_aside
from chatbot.slack.incoming import find_incoming
from tests.chatbot.slack.ways import Ways, texts, ways_in

pytestmark = pytest.mark.slack_modes(both=True)

BOT = "<@U0BOT>"


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


def become(ways: Ways, **more: Any) -> None:
    """Grace is somebody else from now on."""
    users = ways.workspace.state.users
    users["U0GRACE"] = replace(users["U0GRACE"], **more)


async def told(ways: Ways, words: str, count: int = 1) -> None:
    """Wait until Grace alone was told this, so many times."""

    def found() -> bool:
        heard = [m["text"] for m in ways.workspace.ephemerals("grace") if words in m["text"]]
        return len(heard) >= count

    await ways.workspace.wait_for(found)


async def heard(ways: Ways, task: Task, words: str) -> None:
    """Wait until this is in the task's story."""
    while True:
        version = ways.history.version
        said = await ways.history.read(lambda db: queries.pending_messages(db, task.id))
        if words in [message.text for message in said]:
            return
        await ways.history.changed(version)


@pytest.mark.parametrize(
    ("who", "words"), [("is_guest", "guests"), ("is_stranger", "other organisations")]
)
async def test_guests_and_strangers_are_refused_at_every_door(
    ways: Ways, who: str, words: str
) -> None:
    await ways.code("fix the retry test in acme/api")
    task = await ways.task()
    assert task.thread is not None
    ts = task.thread.thread_ts
    become(ways, **{who: True})
    workspace = ways.workspace
    await workspace.post("grace", "shop", "@Threadsmith fix the rest in acme/api")
    await told(ways, words)
    await workspace.post("grace", "shop", "and delete all of it", thread_ts=ts)
    await told(ways, words, 2)
    assert words in await ways.code("fix it in acme/api", user="grace")
    await workspace.shortcut("grace", "fix_this", "shop", ts)
    await told(ways, words, 4)
    assert workspace.views("grace") == []
    await workspace.open_home("grace")
    await workspace.wait_for(lambda: words in texts(workspace.home("grace")))
    assert "acme/api" not in texts(workspace.home("grace"))
    assert [one.id for one in await ways.tasks()] == [task.id]
    assert await ways.history.read(lambda db: queries.pending_messages(db, task.id)) == []


async def test_guests_may_where_that_is_set(tmp_path: Path) -> None:
    async with ways_in(tmp_path, allow_guests=True) as ways:
        become(ways, is_guest=True)
        assert "Begun" in await ways.code("fix it in acme/api", user="grace")


async def test_people_speak_past_it(ways: Ways) -> None:
    await ways.code("fix the retry test in acme/api")
    task = await ways.task()
    assert task.thread is not None
    ts, workspace = task.thread.thread_ts, ways.workspace

    async def say(words: str) -> None:
        await workspace.post("grace", "shop", words, thread_ts=ts)

    await say("aside: it is Bob's test, is it not?")
    await say("aside from that, mend the docs")
    await heard(ways, task, "aside from that, mend the docs")
    await say("mute")
    await told(ways, "stay out")
    assert await ways.history.read(lambda db: muting.is_muted(db, task.id))
    await say("we talk among ourselves")
    await say("unmute")
    await told(ways, "listen again")
    await say("mute")
    await told(ways, "stay out", 2)
    # Named, it listens again.
    await say("@Threadsmith and the colours")
    await heard(ways, task, "and the colours")
    await say("and one more")
    await heard(ways, task, "and one more")
    said = await ways.history.read(lambda db: queries.pending_messages(db, task.id))
    assert [message.text for message in said] == [
        "aside from that, mend the docs",
        "and the colours",
        "and one more",
    ]
    events = await ways.history.read(lambda db: queries.task_events(db, task.id))
    acts = [(e.kind, e.payload["by"]["name"]) for e in events if e.kind in {"muted", "unmuted"}]
    assert acts == [("muted", "Grace Park"), ("unmuted", "Grace Park")] * 2


@pytest.mark.parametrize(
    ("words", "aside"),
    [
        ("aside: no", True),
        ("(aside) no", True),
        ("（aside）不是", True),
        ("!aside no", True),
        ("Aside we should ask Bob", True),
        ("aside from the tests mend the docs", False),
        ("put the aside element first", False),
        ("asides are rendered twice", False),
    ],
)
def test_asides(words: str, aside: bool) -> None:
    assert is_aside(words) is aside


def test_muting_is_a_word_of_its_own() -> None:
    assert (find_mute("mute"), find_mute(" Unmute. "), find_mute("mute the bell")) == (
        True,
        False,
        None,
    )


def test_other_apps_speak_where_they_are_named() -> None:
    event = {"user": "U9", "bot_id": "B9", "channel": "C1", "ts": "1.0", "text": f"{BOT} fix it"}
    event |= {"bot_profile": {"name": "Alerts"}}  # type: ignore[dict-item]
    assert find_incoming(event, team="T", bot_user_id="U0BOT") is None
    said = find_incoming(event, team="T", bot_user_id="U0BOT", bots=("B9",))
    assert said is not None
    assert (said.user, said.app_name, said.words) == ("U9", "Alerts", "fix it")
    # Its own words it never takes for somebody's.
    own = {**event, "user": "U0BOT", "bot_id": "B0BOT"}
    assert find_incoming(own, team="T", bot_user_id="U0BOT", bots=("B0BOT",)) is None
    # Nor where it speaks as no user, and somebody has named it as another app.
    nobody = {**own, "user": None, "subtype": "bot_message"}
    mine = find_incoming(nobody, team="T", bot_user_id="U0BOT", bot_id="B0BOT", bots=("B0BOT",))
    assert mine is None


@pytest.mark.parametrize("user_id", ["", "U0CI"])
async def test_an_app_that_is_named_begins_a_task_and_no_other(
    tmp_path: Path, user_id: str
) -> None:
    async with ways_in(tmp_path, allow_bots=("B0CI",)) as ways:
        words = "@Threadsmith fix it in acme/api"
        await ways.workspace.post_as_app("shop", words, bot_id="B0SPAM", user_id=user_id)
        await ways.workspace.settle()
        assert await ways.tasks() == []
        ts = await ways.workspace.post_as_app("shop", words, user_id=user_id)
        task = await ways.task()
        assert (task.author.name, task.request) == ("CI", "fix it")
        await ways.workspace.wait_for(lambda: "eyes" in ways.workspace.reactions("shop", ts))
        # In its thread the other one is not heard either.
        await ways.workspace.post_as_app("shop", "and x", bot_id="B0SPAM", thread_ts=ts)
        await ways.workspace.post_as_app("shop", "and y", user_id=user_id, thread_ts=ts)
        await heard(ways, task, "and y")
        said = await ways.history.read(lambda db: queries.pending_messages(db, task.id))
        assert [message.text for message in said] == ["and y"]


async def test_rules_hold_for_apps_too(tmp_path: Path) -> None:
    rules = (RuleSettings(match="acme/*", ask=("U0ADA",)),)
    rules += (RuleSettings(match="acme/web", ask=("B0CI",)),)
    async with ways_in(tmp_path, rules=rules, allow_bots=("B0CI",)) as ways:
        await ways.workspace.post_as_app("shop", "@Threadsmith fix it in acme/api")
        await ways.workspace.post_as_app("shop", "@Threadsmith fix it in acme/web")
        task = await ways.task()
        await ways.workspace.settle()
        assert [one.id for one in await ways.tasks()] == [task.id]
        assert task.source.repository == "acme/web"


async def test_two_apps_do_not_keep_each_other_at_work(tmp_path: Path) -> None:
    async with ways_in(tmp_path, allow_bots=("B0CI", "B0BUG")) as ways:
        workspace = ways.workspace
        ts = await workspace.post("ada", "shop", "@Threadsmith fix it in acme/api")
        task = await ways.task()
        for number in range(6):
            bot_id = ("B0CI", "B0BUG")[number % 2]
            await workspace.post_as_app("shop", f"no {number}", bot_id=bot_id, thread_ts=ts)
            await workspace.settle()
        said = await ways.history.read(lambda db: queries.pending_messages(db, task.id))
        assert [message.text for message in said] == ["no 0", "no 1", "no 2"]
        told = [m["text"] for m in workspace.messages("shop", ts) if "in turn" in m["text"]]
        assert len(told) == 1
        # A person's word lets them speak again.
        await workspace.post("grace", "shop", "go on", thread_ts=ts)
        await heard(ways, task, "go on")
        await workspace.post_as_app("shop", "yes", thread_ts=ts)
        await heard(ways, task, "yes")


async def test_an_app_begins_so_many_tasks_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.slack.reception.APP_TASKS_PER_HOUR", 2)
    async with ways_in(tmp_path, allow_bots=("B0CI",)) as ways:
        for _ in range(4):
            await ways.workspace.post_as_app("shop", "@Threadsmith fix it in acme/api")
            await ways.workspace.settle()
        assert len(await ways.tasks()) == 2
