"""Who a Slack user is: the name people see, and how they belong to the workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Person

log = structlog.get_logger(__name__)

LOOKUP_SECONDS = 1.5
"""A name is not worth a late acknowledgement: without one the id stands for it."""
KEPT_SECONDS = 3600.0
"""Members become guests, and names change."""
MAX_NAMES = 2000

Standing = Literal["member", "guest", "outside", "app"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    name: str
    standing: Standing
    until: float


class People:
    """Looks everybody up once an hour; ``team``: whose people are members."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        team: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._team = team
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def get(self, user_id: str) -> Person:
        known = await self._look_up(user_id)
        return Person(user_id, (known.name if known else "") or user_id)

    async def standing(self, user_id: str) -> Standing | None:
        """None where Slack did not say."""
        known = await self._look_up(user_id)
        return None if known is None else known.standing

    async def _look_up(self, user_id: str) -> _Known | None:
        known = self._known.get(user_id)
        if known is not None and known.until > self._clock():
            return known
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                answer = await self._client.users_info(user=user_id)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("name_unknown", user=user_id, reason=str(error))
            return None
        user: dict[str, Any] = answer.get("user") or {}
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("name") or ""
        if len(self._known) >= MAX_NAMES:
            self._known.clear()
        self._known[user_id] = _Known(
            name=str(name)[:100],
            standing=_standing(user, self._team),
            until=self._clock() + KEPT_SECONDS,
        )
        return self._known[user_id]


def _standing(user: dict[str, Any], team: str) -> Standing:
    home = str(user.get("team_id") or team)
    # In an organisation of several workspaces a member's own may be another one.
    teams = (user.get("enterprise_user") or {}).get("teams") or ()
    if user.get("is_stranger") or (team and home != team and team not in teams):
        return "outside"
    if user.get("is_bot"):
        return "app"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guest"
    return "member"
