"""Addresses at which the app may answer a press: five times, within half an hour."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.state import Channel, State, User

Json = dict[str, Any]

USES = 5
SECONDS = 1800.0


@dataclass(slots=True, kw_only=True)
class Response:
    """Where an answer goes."""

    user: User
    channel: Channel
    message: Json
    since: float
    left: int = USES


class Responses:
    def __init__(self, state: State, *, url: str) -> None:
        self._state = state
        self._url = url
        self._known: dict[str, Response] = {}

    def make_url(self, user: User, channel: Channel, message: Json) -> str:
        token = secrets.token_urlsafe(16)
        since = self._state.clock()
        self._known[token] = Response(user=user, channel=channel, message=message, since=since)
        return f"{self._url}/response/{token}"

    def spend(self, token: str) -> Response:
        """Raises ApiError where the address is unknown, old or used up."""
        found = self._known.get(token)
        if found is None or self._state.clock() - found.since > SECONDS:
            raise ApiError("expired_url")
        if not found.left:
            raise ApiError("used_url")
        found.left -= 1
        return found
