"""Who may use the HTTP API: whoever has the configured token."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import SecretStr

from chatbot.web.refusals import ApiDisabled, Unauthorized
from chatbot.web.wall import Handler, is_api


def make_guard(token: SecretStr | None) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_api(request):
            _check(request, token)
        return await handler(request)

    return guard


def _check(request: web.Request, token: SecretStr | None) -> None:
    if token is None or not token.get_secret_value():
        raise ApiDisabled
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    expected = token.get_secret_value().encode()
    matches = hmac.compare_digest(given.strip().encode(errors="replace"), expected)
    if scheme.lower() != "bearer" or not matches:
        raise Unauthorized
