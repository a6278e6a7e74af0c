"""Where Slack's own requests come in, when it is to call us: signed, and not older than minutes.

Events, presses, forms and commands all come to one address. What is not answered, or not with
200, Slack brings again.
"""

from __future__ import annotations

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

log = structlog.get_logger(__name__)

PATH = "/slack/events"


class HttpDoor:
    """Closed (503) until the app stands behind it, and again when it ends."""

    def __init__(self) -> None:
        self._app: AsyncApp | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.receive)]

    def open(self, app: AsyncApp) -> None:
        """``app`` checks the signature of every request."""
        self._app = app

    def close(self) -> None:
        self._app = None

    async def receive(self, request: web.Request) -> web.Response:
        if self._app is None:
            raise web.HTTPServiceUnavailable
        answer = await self._app.async_dispatch(await to_bolt_request(request))
        if answer.status == 401:
            log.warning("slack_request_refused", reason="signature")
        return await to_aiohttp_response(answer)
