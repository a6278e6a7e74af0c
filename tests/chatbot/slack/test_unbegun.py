"""Forms are acknowledged before Slack is asked for anything, and what they ask for is not lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from chatbot.history import unbegun
from tests.chatbot.slack.ways import Json, Ways, filled, ways_in

pytestmark = pytest.mark.slack_modes(both=True)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


def stored(team: str, key: str, words: str, thread_ts: str = "") -> Json:
    """As an earlier process left it."""
    place = {"channel": "C0SHOP", "thread_ts": thread_ts, "message_ts": thread_ts}
    person = {"id": "U0ADA", "name": "Ada Young"}
    what = {"place": place, "person": person, "wanted": {"words": words}}
    return {"key": key, "team": team, "what": what, "at": time.time()}


async def left(ways: Ways) -> int:
    team = ways.workspace.team_id
    return len(await ways.history.read(partial(unbegun.left, team=team)))


async def none_left(ways: Ways) -> None:
    async with asyncio.timeout(60):
        while await left(ways):
            await asyncio.sleep(0.02)


async def test_slack_that_answers_nothing_keeps_no_form_open(ways: Ways) -> None:
    await ways.workspace.command("ada", "shop", "/code")
    view = ways.view()
    for method in ("conversations.history", "chat.postMessage"):
        ways.workspace.fail_next(method, status=503)
    assert await ways.workspace.submit_view("ada", view["id"], filled("fix acme/api")) == {}
    # It stands in no channel yet, and is not lost.
    assert await left(ways) == 1
    await ways.task()
    await none_left(ways)
    assert len(ways.workspace.messages("shop")) == 1


async def test_a_post_that_was_made_unheard_is_found(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.slack.starting.PAUSES_SECONDS", (0.05, 0.05))
    ts = await ways.workspace.post("grace", "shop", "the retry test of acme/api is flaky")
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    ways.workspace.fail_next("chat.postMessage", status=500, after=True)
    await ways.workspace.submit_view("ada", ways.view()["id"], filled("fix it in acme/api"))
    await ways.task()
    await none_left(ways)
    said = [message["text"] for message in ways.workspace.messages("shop", ts)]
    assert said.count("<@U0ADA> asks: fix it in acme/api") == 1


async def test_where_slack_stays_at_fault_the_person_has_the_words_back(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.slack.starting.PAUSES_SECONDS", (0.05,))
    await ways.workspace.command("ada", "shop", "/code")
    ways.workspace.fail_next("conversations.history", status=503, times=2)
    await ways.workspace.submit_view("ada", ways.view()["id"], filled("fix acme/api"))
    told = await ways.said_in(None, "No thread can be begun", channel="D0ADA")
    assert told.endswith("&gt; fix acme/api")
    await none_left(ways)
    assert await ways.tasks() == []


@pytest.mark.parametrize("done", ["nothing", "the post", "all but the note of it"])
async def test_what_an_earlier_process_left_is_begun_once(ways: Ways, done: str) -> None:
    team, key = ways.workspace.team_id, "slack:view:T:V1"
    if done == "the post":
        await ways.front.open_thread("C0SHOP", "fix acme/api", key)
    elif done != "nothing":
        await ways.history.write(partial(unbegun.put, **stored(team, key, "fix acme/api")))
        await ways.start_again()
        await none_left(ways)
    await ways.history.write(partial(unbegun.put, **stored(team, key, "fix acme/api")))
    await ways.start_again()
    await none_left(ways)
    assert len(ways.workspace.messages("shop")) == 1
    assert len(await ways.tasks()) == 1


@pytest.mark.parametrize("is_known", [False, True])
async def test_so_is_what_was_asked_on_a_message(ways: Ways, is_known: bool) -> None:
    team = ways.workspace.team_id
    words = "@Threadsmith fix acme/api" if is_known else "acme/api is broken"
    ts = await ways.workspace.post("grace", "shop", words)
    if is_known:
        await ways.task()
    for _ in range(2):
        # The second time all of it was done but for the note that it was.
        row = stored(team, "slack:view:T:V2", "mend it in acme/api", thread_ts=ts)
        await ways.history.write(partial(unbegun.put, **row))
        await ways.start_again()
        await none_left(ways)
    assert len(await ways.tasks()) == 1
    said = [message["text"] for message in ways.workspace.messages("shop", ts)]
    assert said.count("<@U0ADA> asks: mend it in acme/api") == 1
