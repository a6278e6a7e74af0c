"""Threads as places: their addresses, and new ones that the program itself begins."""

from __future__ import annotations

from typing import Any, Self

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Thread
from chatbot.slack.blocks.text import escape
from chatbot.slack.outbound import is_busy
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

BEGUN = "threadsmith_begun"
"""Kind of the metadata that says which thread was begun for what."""
LOOKED_AT = 200
"""Messages of the channel among which a thread that was begun before is looked for."""


class PlaceRefused(ThreadsmithError):
    """Slack refused a place in it."""

    is_passing = False
    """Slack could not be reached, or is at fault: it may go through later."""

    @classmethod
    def of(cls, error: Exception, brief: str | None = None) -> Self:
        found = cls(brief, details=str(error))
        found.is_passing = not isinstance(error, SlackApiError) or is_busy(error)
        return found


class ThreadNotOpened(PlaceRefused):
    """Slack did not let a thread be begun there."""

    code = "thread_not_opened"
    resolution = "Invite the bot to that channel, or name another one in the settings."


class MessageGone(PlaceRefused):
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
            raise ThreadNotOpened.of(error, f"No thread can be begun in {channel}.") from error
        return Thread(team=self._team, channel=channel, thread_ts=ts, message_ts=ts)

    async def note(
        self, thread: Thread, words: str, key: str, *, by: str, is_again: bool = False
    ) -> None:
        """Say in a thread what somebody asks for there.

        ``is_again``: it may stand there for this key.
        """
        try:
            if is_again and await self._stands(thread, key):
                return
            await self._client.chat_postMessage(
                channel=thread.channel,
                thread_ts=thread.thread_ts,
                text=f"<@{by}> asks: {escape(words)}",
                metadata={"event_type": BEGUN, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ThreadNotOpened.of(error, f"Nothing can be said in {thread.channel}.") from error

    async def tell(self, user_id: str, text: str) -> None:
        """In the messages with the app, where there is no better place."""
        try:
            await self._client.chat_postMessage(channel=user_id, text=text)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("not_told", user=user_id, reason=str(error))

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
            raise MessageGone.of(error) from error
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
        return self._ts_of(key, answer.get("messages") or [])

    async def _stands(self, thread: Thread, key: str) -> bool:
        cursor: str | None = None
        while True:
            answer = await self._client.conversations_replies(
                channel=thread.channel,
                ts=thread.thread_ts,
                cursor=cursor,
                limit=LOOKED_AT,
                include_all_metadata=True,
            )
            if self._ts_of(key, answer.get("messages") or []) is not None:
                return True
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return False

    def _ts_of(self, key: str, messages: list[dict[str, Any]]) -> str | None:
        """Of our message for that key."""
        for message in messages:
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            is_ours = message.get("bot_id") == self._bot_id and metadata.get("event_type") == BEGUN
            if is_ours and payload.get("key") == key:
                return str(message["ts"])
        return None
