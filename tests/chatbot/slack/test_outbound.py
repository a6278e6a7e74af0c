"""Slack's answers told apart: now, later, never, not here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from chatbot.slack.clients import make_client
from chatbot.slack.outbound import (
    BlocksRefused,
    CallRefused,
    Outbound,
    ThreadUnreachable,
    TryLater,
)
from tests.chatbot.slack.stories import THREAD


class Answers:
    """Gives each call the next answer."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def handle(self, _: web.Request) -> web.StreamResponse:
        self.calls += 1
        return self.answers.pop(0)


def refuse(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})


@asynccontextmanager
async def serve(
    answers: Answers, *, retries: bool = False
) -> AsyncIterator[tuple[Outbound, str, aiohttp.ClientSession]]:
    app = web.Application()
    app.router.add_route("*", "/api/{method}", answers.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession() as session:
        yield Outbound(make_client("xoxb-1", url, session, retries=retries)), url, session
    await runner.cleanup()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_blocks", BlocksRefused),
        ("msg_blocks_too_long", BlocksRefused),
        ("message_not_found", CallRefused),
        ("missing_scope", CallRefused),
        ("is_archived", ThreadUnreachable),
        ("is_inactive", ThreadUnreachable),
        ("channel_not_found", ThreadUnreachable),
        ("not_in_channel", ThreadUnreachable),
        ("invalid_auth", TryLater),
        ("token_revoked", TryLater),
        ("internal_error", TryLater),
        ("ratelimited", TryLater),
    ],
)
async def test_each_refusal_is_known_for_what_it_is(error: str, kind: type[Exception]) -> None:
    async with serve(Answers(refuse(error))) as (outbound, _, _):
        with pytest.raises(kind):
            await outbound.post(THREAD, "hi", [], {})


async def test_retry_after_is_kept_whole_and_for_its_channel_only() -> None:
    limited = web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"}
    )
    posted = web.json_response({"ok": True, "ts": "2.0"})
    answers = Answers(limited, posted)
    async with serve(answers) as (outbound, _, _):
        with pytest.raises(TryLater) as first:
            await outbound.post(THREAD, "hi", [], {})
        assert (first.value.seconds, first.value.ambiguous) == (30.0, False)
        with pytest.raises(TryLater) as second:
            await outbound.post(THREAD, "hi", [], {})
        assert 29 < second.value.seconds <= 30
        other = type(THREAD)(team="T1", channel="C2", thread_ts="1.0", message_ts="1.0")
        assert await outbound.post(other, "hi", [], {}) == "2.0"
    assert answers.calls == 2


async def test_a_broken_answer_may_have_been_a_success_and_pauses_grow() -> None:
    answers = Answers(web.Response(status=502, text="<html>"))
    async with serve(answers) as (outbound, _, _):
        with pytest.raises(TryLater) as broken:
            await outbound.post(THREAD, "hi", [], {})
    assert broken.value.ambiguous


async def test_where_nothing_listens_nothing_was_done() -> None:
    async with serve(Answers()) as (outbound, _, _):
        pass
    async with aiohttp.ClientSession() as session:
        outbound = Outbound(make_client("x", "http://127.0.0.1:9/api/", session, retries=False))
        with pytest.raises(TryLater) as unsent:
            await outbound.post(THREAD, "hi", [], {})
    assert not unsent.value.ambiguous


async def test_reactions_that_are_there_or_gone_are_fine() -> None:
    answers = Answers(refuse("already_reacted"), refuse("no_reaction"))
    async with serve(answers) as (outbound, _, _):
        await outbound.react(THREAD, "1.0", "eyes")
        await outbound.unreact(THREAD, "1.0", "eyes")
    assert answers.calls == 2


async def test_a_thread_is_read_to_its_end() -> None:
    answers = Answers(
        web.json_response(
            {"ok": True, "messages": [{"ts": "1"}], "response_metadata": {"next_cursor": "x"}}
        ),
        web.json_response({"ok": True, "messages": [{"ts": "2"}]}),
    )
    async with serve(answers) as (outbound, _, _):
        assert [message["ts"] for message in await outbound.replies(THREAD)] == ["1", "2"]


async def test_listeners_wait_as_long_as_slack_asks_and_try_again() -> None:
    limited = web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"}
    )
    answers = Answers(limited, web.json_response({"ok": True, "user": {}}))
    async with serve(answers, retries=True) as (_, url, session):
        client = make_client("x", url, session, retries=True)
        assert (await client.users_info(user="U1"))["ok"]
    assert answers.calls == 2


async def test_a_loopback_address_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    async with aiohttp.ClientSession() as session:
        here = make_client("x", "http://127.0.0.1:9/api/", session, retries=False)
        there = make_client("x", "https://slack.com/api/", session, retries=False)
    assert (here.proxy, there.proxy) == (None, "http://proxy.example:3128")


async def test_a_refusal_from_before_it_was_opened_closes_nothing() -> None:
    """Its answer was on its way when the word came."""
    answers = Answers(refuse("is_archived"), web.json_response({"ok": True, "ts": "2.0"}))
    async with serve(answers) as (outbound, _, _):
        posting = asyncio.create_task(outbound.post(THREAD, "hi", [], {}))
        await asyncio.sleep(0)
        outbound.reopen(THREAD.channel)
        with pytest.raises(TryLater):
            await posting
