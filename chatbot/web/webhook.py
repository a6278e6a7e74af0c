"""Where the forge tells that something has happened: proven by its signature, taken as a nudge.

What a delivery says is not used: the forge is asked, with our own token, what is new. So a
delivery that is lost, doubled or late does no harm.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable

import structlog
from aiohttp import web
from pydantic import SecretStr

log = structlog.get_logger(__name__)

PATH = "/github/webhook"
EVENTS = frozenset(
    {
        *("check_run", "check_suite", "status", "pull_request", "pull_request_review"),
        *("pull_request_review_comment", "issue_comment", "issues"),
    }
)
MAX_BYTES = 25 * 1024**2
"""GitHub's own limit."""
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class Webhook:
    """``wake`` is called with the repository's name."""

    def __init__(self, secret: SecretStr | None, wake: Callable[[str], None]) -> None:
        self._secret = secret
        self._wake = wake

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        if self._secret is None:
            raise web.HTTPNotFound
        # Signed as a whole, and larger than other requests may be.
        data = bytearray()
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > MAX_BYTES:
                raise web.HTTPRequestEntityTooLarge(max_size=MAX_BYTES, actual_size=len(data))
        key = self._secret.get_secret_value().encode()
        expected = f"sha256={hmac.new(key, bytes(data), hashlib.sha256).hexdigest()}"
        given = request.headers.get("X-Hub-Signature-256", "")
        if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
            log.warning("webhook_refused", reason="signature")
            raise web.HTTPUnauthorized
        try:
            payload = json.loads(bytes(data))
            name = str(payload["repository"]["full_name"])
        except (ValueError, KeyError, TypeError):
            # A ping has no repository.
            return web.json_response({"status": "ignored"})
        if request.headers.get("X-GitHub-Event") in EVENTS and _NAME.fullmatch(name):
            self._wake(name)
            return web.json_response({"status": "taken"}, status=202)
        return web.json_response({"status": "ignored"})
