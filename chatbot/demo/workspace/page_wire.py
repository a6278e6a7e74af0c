"""What all of the page's requests share: who asks, what was sent, how it is answered."""

from __future__ import annotations

from typing import Any

from aiohttp import web

Json = dict[str, Any]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


async def given(request: web.Request) -> Json:
    check(request)
    sent = await request.json()
    return sent if isinstance(sent, dict) else {}


def check(request: web.Request) -> None:
    """A header that no page of another site can set without asking."""
    if request.headers.get("X-Page") != "1":
        raise web.HTTPForbidden


def answer(value: Json, *, ok: bool = True) -> web.Response:
    return web.json_response({"ok": ok, **value}, headers=HEADERS)


def asking(sent: Any) -> str:
    """The name of whoever sits before the page."""
    return str(sent.get("as") or "ada")
