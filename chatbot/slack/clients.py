"""Slack's web client, set up for who waits on it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RetryAfter(AsyncRetryHandler):
    """Waits as long as Slack asks, once.

    The SDK's own handler (3.47) reads only the first digit of `Retry-After`.
    """

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        del state, request, error
        return response is not None and response.status_code == 429

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        del request, error
        state.next_attempt_requested = True
        headers = response.headers if response is not None else {}
        values = [str(value) for name, value in headers.items() if name.lower() == "retry-after"]
        await asyncio.sleep(float(values[0]) if values and values[0].isdigit() else 1.0)
        state.increment_current_attempt()


def make_client(
    token: str | None,
    api_url: str,
    session: aiohttp.ClientSession,
    *,
    retries: bool,
    team: str | None = None,
) -> AsyncWebClient:
    """``retries``: for calls that may be made twice; the reporter repeats its posts itself.

    ``team``: the workspace that each call means, where the token is good for several.
    """
    handlers: list[AsyncRetryHandler] = [AsyncConnectionErrorRetryHandler(), RetryAfter()]
    client = AsyncWebClient(
        token=token,
        base_url=api_url,
        session=session,
        team_id=team,
        retry_handlers=handlers if retries else [],
    )
    if urlsplit(api_url).hostname in _LOOPBACK:
        # The SDK takes any proxy of the environment, and knows no exceptions to it.
        client.proxy = None
    return client
