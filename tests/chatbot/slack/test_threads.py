"""Threads that the program begins itself: once for each reason, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from chatbot.demo.workspace import Workspace
from chatbot.models import Thread
from chatbot.slack.clients import make_client
from chatbot.slack.threads import ThreadNotOpened, Threads

KEY = "issue:acme/api#3:17"


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    workspace = Workspace()
    await workspace.start()
    yield workspace
    await workspace.stop()


@pytest.fixture
async def threads(workspace: Workspace) -> AsyncIterator[Threads]:
    async with aiohttp.ClientSession() as session:
        client = make_client(workspace.bot_token, workspace.api_url, session, retries=False)
        me = await client.auth_test()
        yield Threads(client, team=me["team_id"], bot_id=me["bot_id"])


async def test_the_same_reason_begins_one_thread(workspace: Workspace, threads: Threads) -> None:
    channel = workspace.state.channel("shop").id
    first = await threads.open(channel, "Issue #3: <!channel> & more", KEY)
    assert await threads.open(channel, "Issue #3", KEY) == first
    other = await threads.open(channel, "Issue #4", "issue:acme/api#4:18")
    assert other != first
    said = [message["text"] for message in workspace.messages("shop")]
    assert said == ["Issue #3: &lt;!channel&gt; &amp; more", "Issue #4"]


async def test_an_answer_that_was_lost_begins_no_second_one(
    workspace: Workspace, threads: Threads
) -> None:
    channel = workspace.state.channel("shop").id
    workspace.fail_next("chat.postMessage", status=500, after=True)
    with pytest.raises(ThreadNotOpened):
        await threads.open(channel, "Issue #3", KEY)
    thread = await threads.open(channel, "Issue #3", KEY)
    assert [message["ts"] for message in workspace.messages("shop")] == [thread.thread_ts]


async def test_where_it_may_not_speak_that_is_said(threads: Threads) -> None:
    with pytest.raises(ThreadNotOpened, match="C0NOWHERE"):
        await threads.open("C0NOWHERE", "Issue #3", KEY)


async def test_the_address_of_a_thread(workspace: Workspace, threads: Threads) -> None:
    channel = workspace.state.channel("shop").id
    ts = await workspace.post("ada", "shop", "hello")
    thread = Thread(team="T", channel=channel, thread_ts=ts, message_ts=ts)
    assert (await threads.permalink(thread)).startswith("http")
    gone = Thread(team="T", channel="C0NOWHERE", thread_ts=ts, message_ts=ts)
    assert await threads.permalink(gone) == ""
