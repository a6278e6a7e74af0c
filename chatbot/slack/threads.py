"""Threads as places: their addresses, and new ones that the program itself begins."""

from __future__ import annotations

from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Thread
from chatbot.slack.blocks.text import escape
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

BEGUN = "threadsmith_begun"
"""Kind of the metadata that says which thread was begun for what."""
LOOKED_AT = 200
"""Messages of the channel among which a thread that was begun before is looked for."""


class ThreadNotOpened(ThreadsmithError):
    """Slack did not let a thread be begun there."""

    code = "thread_not_opened"
    resolution = "Invite the bot to that channel, or name another one in the settings."


class MessageGone(ThreadsmithError):
    """That message is not there any more, or the bot is not in its channel."""

    code = "message_gone"
    resolution = "Invite the bot to that channel, or ask in a new message."


class Threads:
    """``client`` may retry what it reads; posts are looked for before they are made again."""

    def __init__(self, client: AsyncWebClient, *, team: str, bot_id: str) -> None:
        self._client = client
        self._team = team
        self._bot_id = bot_id

    async def permalink(self, thread: Thread) -> str:
        try:
            answer = await self._client.chat_getPermalink(
                channel=thread.channel, message_ts=thread.thread_ts
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("no_permalink", channel=thread.channel, reason=str(error))
            return ""
        return str(answer.get("permalink") or "")

    async def open(self, channel: str, words: str, key: str, *, by: str = "") -> Thread:
        """Say it in the channel, unless that was done for this key before; ``by``: who asks."""
        try:
            ts = await self._find(channel, key)
            if ts is None:
                answer = await self._client.chat_postMessage(
                    channel=channel,
                    text=f"<@{by}> asks: {escape(words)}" if by else escape(words),
                    metadata={"event_type": BEGUN, "event_payload": {"key": key}},
                    unfurl_links=False,
                    unfurl_media=False,
                )
                ts = str(answer["ts"])
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ThreadNotOpened(
                f"No thread can be begun in {channel}.", details=str(error)
            ) from error
        return Thread(team=self._team, channel=channel, thread_ts=ts, message_ts=ts)

    async def note(self, thread: Thread, words: str, *, by: str) -> None:
        """Say in a thread what somebody asks for there."""
        try:
            await self._client.chat_postMessage(
                channel=thread.channel,
                thread_ts=thread.thread_ts,
                text=f"<@{by}> asks: {escape(words)}",
                unfurl_links=False,
                unfurl_media=False,
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ThreadNotOpened(
                f"Nothing can be said in {thread.channel}.", details=str(error)
            ) from error

    async def message(self, thread: Thread) -> dict[str, Any]:
        """The one that the thread is about, as it stands now; raises MessageGone."""
        try:
            answer = await self._client.conversations_replies(
                channel=thread.channel,
                ts=thread.thread_ts,
                oldest=thread.message_ts,
                latest=thread.message_ts,
                inclusive=True,
                limit=2,
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise MessageGone(details=str(error)) from error
        # Slack adds the message that began the thread, whatever was asked for.
        found: list[dict[str, Any]] = answer.get("messages") or []
        for one in found:
            if one.get("ts") == thread.message_ts:
                return one
        raise MessageGone

    async def _find(self, channel: str, key: str) -> str | None:
        answer = await self._client.conversations_history(
            channel=channel, limit=LOOKED_AT, include_all_metadata=True
        )
        messages: list[dict[str, Any]] = answer.get("messages") or []
        for message in messages:
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            is_ours = message.get("bot_id") == self._bot_id and metadata.get("event_type") == BEGUN
            if is_ours and payload.get("key") == key:
                return str(message["ts"])
        return None
