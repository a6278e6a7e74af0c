"""The outer wall: only this machine's own pages and programs, and errors in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from chatbot.demo.workspace.errors import ApiError

HOSTS = {"127.0.0.1", "localhost", "::1"}


@web.middleware
async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """A name that another site makes point here is refused, and so are its pages."""
    origin = request.headers.get("Origin", "")
    is_foreign = bool(origin) and origin != f"http://{request.host}"
    if is_foreign or urlsplit(f"//{request.host}").hostname not in HOSTS:
        raise web.HTTPForbidden
    try:
        answer: web.StreamResponse = await handler(request)
    except ApiError as error:
        return web.json_response({"ok": False, "error": error.error})
    return answer
