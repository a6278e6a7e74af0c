"""Too much at once is answered with 429."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.errors import RateLimited
from chatbot.demo.workspace.rates import POSTS_BURST, Rates


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_post_a_second_in_each_channel() -> None:
    clock = Clock()
    rates = Rates(clock)
    for _ in range(POSTS_BURST):
        rates.check("chat.postMessage", "C1")
    with pytest.raises(RateLimited) as limited:
        rates.check("chat.postMessage", "C1")
    rates.check("chat.postMessage", "C2")
    clock.now += limited.value.retry_after
    rates.check("chat.postMessage", "C1")


def test_fifty_updates_a_minute_over_all_channels() -> None:
    clock = Clock()
    rates = Rates(clock)
    for number in range(50):
        rates.check("chat.update", f"C{number}")
    with pytest.raises(RateLimited):
        rates.check("chat.update", "C50")
    clock.now += 60
    for number in range(50):
        rates.check("chat.update", f"C{number}")


async def test_the_wire_says_when_to_come_back(client: AsyncWebClient) -> None:
    for number in range(POSTS_BURST):
        await client.chat_postMessage(channel="C0SHOP", text=f"{number}")
    posts = (client.chat_postMessage(channel="C0SHOP", text="more") for _ in range(5))
    with pytest.raises(SlackApiError) as refused:
        await asyncio.gather(*posts)
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    assert int(refused.value.response.headers["Retry-After"]) >= 1


async def test_the_sdks_own_handler_comes_back_in_time(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    workspace.fail_next("chat.postMessage", status=429, retry_after=1)
    await client.chat_postMessage(channel="C0SHOP", text="a")
    assert [call.answer["ok"] for call in workspace.calls] == [False, True]
    assert len(workspace.messages("shop")) == 1
