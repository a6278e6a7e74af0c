"""Where Slack's own requests come in, when it is to call us: signed, and not older than minutes.

Events, presses, forms and commands all come to one address. What is not answered, or not with
200, Slack brings again. Beside it are the two pages by which a workspace installs the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

log = structlog.get_logger(__name__)

PATH = "/slack/events"
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"

CLOSING_SECONDS = 3.0
"""Slack waits no longer for an answer."""

Dispatch = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


class HttpDoor:
    """Closed (503) until somebody stands behind it, and again when that ends."""

    def __init__(self) -> None:
        self._answering: set[asyncio.Task[Any]] = set()
        self._dispatch: Dispatch | None = None
        self._install: Dispatch | None = None
        self._redirect: Dispatch | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PATH, self.receive),
            web.get(INSTALL_PATH, self.install),
            web.get(REDIRECT_PATH, self.redirect),
        ]

    def open(
        self,
        dispatch: Dispatch,
        *,
        install: Dispatch | None = None,
        redirect: Dispatch | None = None,
    ) -> None:
        """``dispatch`` checks the signature of every request."""
        self._dispatch = dispatch
        self._install = install
        self._redirect = redirect

    async def close(self) -> None:
        """What came in before is answered to its end, while what it needs is still there."""
        self._dispatch = self._install = self._redirect = None
        if self._answering:
            await asyncio.wait(self._answering, timeout=CLOSING_SECONDS)

    async def receive(self, request: web.Request) -> web.Response:
        if self._dispatch is None:
            raise web.HTTPServiceUnavailable
        answering = asyncio.ensure_future(self._dispatch(await to_bolt_request(request)))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        answer = await asyncio.shield(answering)
        if answer.status == 401:
            log.warning("slack_request_refused", reason="signature")
        return await to_aiohttp_response(answer)

    async def install(self, request: web.Request) -> web.Response:
        return await _page(self._install, request)

    async def redirect(self, request: web.Request) -> web.Response:
        return await _page(self._redirect, request)


async def _page(answer: Dispatch | None, request: web.Request) -> web.Response:
    if answer is None:
        raise web.HTTPNotFound
    return await to_aiohttp_response(await answer(await to_bolt_request(request)))
