"""Delivery over HTTP: signed requests to the app's one address, as Slack makes them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp

Json = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class HttpRefused(Exception):
    """The app answered otherwise than with 200, or not at all."""


class HttpDelivery:
    """Events as JSON; presses and forms in a form's `payload`; commands as a form."""

    def __init__(self, url: str, *, signing_secret: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._secret = signing_secret.encode()
        self._clock = clock

    async def verify_address(self) -> None:
        """What Slack does when the address is set: the challenge must come back."""
        answer = await self.deliver("events_api", {"type": "url_verification", "challenge": "c4"})
        if answer.get("challenge") != "c4":
            raise HttpRefused("The challenge did not come back.")

    async def deliver(self, kind: str, payload: Json, more: Json | None = None) -> Json:
        """Answers what the app answered with; raises HttpRefused."""
        if kind == "events_api":
            body, content_type = json.dumps(payload), JSON
        elif kind == "interactive":
            body, content_type = urlencode({"payload": json.dumps(payload)}), FORM
        else:
            body, content_type = urlencode(payload), FORM
        headers = {"Content-Type": content_type, **self.sign(body)}
        if attempt := (more or {}).get("retry_attempt"):
            headers["X-Slack-Retry-Num"] = str(attempt)
            headers["X-Slack-Retry-Reason"] = "http_timeout"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._url, data=body.encode(), headers=headers) as answer,
            ):
                text = await answer.text()
                if answer.status != 200:
                    raise HttpRefused(f"{answer.status} {text[:200]}")
        except aiohttp.ClientError as error:
            raise HttpRefused(str(error)) from error
        try:
            given = json.loads(text or "{}")
        except ValueError:
            return {"text": text}
        return given if isinstance(given, dict) else {}

    def sign(self, body: str) -> dict[str, str]:
        at = str(int(self._clock()))
        signed = hmac.new(self._secret, f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signed}"}
