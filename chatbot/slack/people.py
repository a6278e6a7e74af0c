"""Who a Slack user is, by the name people see."""

from __future__ import annotations

import asyncio

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Person

log = structlog.get_logger(__name__)

LOOKUP_SECONDS = 1.5
"""A name is not worth a late acknowledgement: without one the id stands for it."""
MAX_NAMES = 2000


class People:
    """Looks names up, once each."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._names: dict[str, str] = {}

    async def get(self, user_id: str) -> Person:
        name = self._names.get(user_id)
        if name is None:
            name = await self._look_up(user_id)
        return Person(user_id, name or user_id)

    async def _look_up(self, user_id: str) -> str:
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                answer = await self._client.users_info(user=user_id)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("name_unknown", user=user_id, reason=str(error))
            return ""
        user = answer.get("user") or {}
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("name") or ""
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        self._names[user_id] = str(name)[:100]
        return self._names[user_id]
