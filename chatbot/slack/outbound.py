"""Calls to Slack on behalf of threads: its refusals told apart, its pauses kept, nothing awaited.

A call that cannot be made now raises TryLater at once, so that no thread waits for another.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Thread
from chatbot.slack.blocks.text import Block
from chatbot.slack.lanes import Lanes
from chatbot.slack.refused_blocks import RefusedBlocks

log = structlog.get_logger(__name__)

MAX_PAUSE_SECONDS = 60.0
CLOSED_SECONDS = 3600.0

_BUSY = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_UNKNOWN_KIND = re.compile(r"unsupported type: (\w+)")
_LIMITED = frozenset({"ratelimited", "rate_limited"})
_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"}
)
_UNREACHABLE = frozenset(
    {
        *("channel_not_found", "is_archived", "is_inactive", "not_in_channel"),
        *("restricted_action", "thread_not_found", "cannot_reply_to_message"),
        "messages_tab_disabled",
    }
)
_NO_TOKEN = frozenset(
    {
        *("account_inactive", "invalid_auth", "not_authed", "team_access_not_granted"),
        *("token_expired", "token_revoked"),
    }
)
"""No word about the thread: what it has to show is kept until there is a token that is taken."""


class TryLater(Exception):
    """Slack cannot take it now."""

    def __init__(self, seconds: float, *, ambiguous: bool = False) -> None:
        self.seconds = seconds
        self.ambiguous = ambiguous
        """Whether Slack may have done it all the same."""
        super().__init__(f"again in {seconds:.1f} s")


class ThreadUnreachable(Exception):
    """Nothing can be said in this thread: archived, or the bot removed."""


class CallRefused(Exception):
    """Slack refuses the call for good; a message that was deleted, for one."""


class BlocksRefused(CallRefused):
    """Slack does not take these blocks."""

    def __init__(self, code: str, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        """Those that Slack says it does not know."""
        super().__init__(code)


class Outbound:
    """The bot's calls. ``client`` must not retry by itself: a retried post can be posted twice."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self.refused = RefusedBlocks()
        self._lanes = Lanes()
        self._free_at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._closed: dict[str, tuple[float, str]] = {}
        """Channels that are not asked again with every event, until when, and why."""
        self._opened: dict[str, float] = {}
        """When they were opened again."""

    def close(self, channel: str, reason: str) -> None:
        """Nothing can be said there until `reopen`: Slack is not asked in vain.

        But for once in a while: the word that it is open again may be lost.
        """
        self._close(channel, reason, CLOSED_SECONDS)

    def _close(self, channel: str, reason: str, seconds: float) -> None:
        closed_until = asyncio.get_running_loop().time() + seconds
        known_until, _ = self._closed.get(channel, (0.0, ""))
        self._closed[channel] = (max(known_until, closed_until), reason)

    def reopen(self, channel: str) -> None:
        """Something may be said there again."""
        self._closed.pop(channel, None)
        self._opened[channel] = asyncio.get_running_loop().time()

    async def post(
        self, thread: Thread, text: str, blocks: list[Block], metadata: dict[str, Any]
    ) -> str:
        """Say something in the thread; answers the message's ts."""
        answer = await self._call(
            f"chat.postMessage {thread.channel}",
            thread,
            lambda: self._client.chat_postMessage(
                channel=thread.channel,
                thread_ts=thread.thread_ts,
                text=text,
                blocks=blocks or None,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            ),
        )
        return str(answer["ts"])

    async def update(
        self, thread: Thread, ts: str, text: str, blocks: list[Block], metadata: dict[str, Any]
    ) -> None:
        await self._call(
            "chat.update",
            thread,
            lambda: self._client.chat_update(
                channel=thread.channel, ts=ts, text=text, blocks=blocks, metadata=metadata
            ),
        )

    async def upload(self, thread: Thread, name: str, title: str, data: bytes) -> None:
        """Share a file in the thread; a patch is shown as one."""
        kind = "diff" if name.endswith(".diff") else None
        await self._call(
            "files.upload",
            thread,
            lambda: self._client.files_upload_v2(
                channel=thread.channel,
                thread_ts=thread.thread_ts,
                filename=name,
                title=title,
                content=data,
                snippet_type=kind,
            ),
        )

    async def react(self, thread: Thread, ts: str, name: str) -> None:
        """Set a reaction; it may be there already."""
        await self._call(
            "reactions.add",
            thread,
            lambda: self._client.reactions_add(channel=thread.channel, timestamp=ts, name=name),
            settled="already_reacted",
        )

    async def unreact(self, thread: Thread, ts: str, name: str) -> None:
        await self._call(
            "reactions.remove",
            thread,
            lambda: self._client.reactions_remove(channel=thread.channel, timestamp=ts, name=name),
            settled="no_reaction",
        )

    async def set_session(self, thread: Thread, status: str, *, title: str, initiator: str) -> None:
        """The thread's agent session; CallRefused where the workspace has none."""
        await self._call(
            "agents.sessions.setStatus",
            thread,
            lambda: self._client.agents_sessions_setStatus(
                channel_id=thread.channel,
                thread_ts=thread.thread_ts,
                status=status,
                title=title or None,
                initiator_user_id=initiator or None,
            ),
        )

    async def set_status(self, thread: Thread, words: str) -> None:
        """The line under the thread; empty: none."""
        await self._call(
            "assistant.threads.setStatus",
            thread,
            lambda: self._client.assistant_threads_setStatus(
                channel_id=thread.channel, thread_ts=thread.thread_ts, status=words
            ),
        )

    async def replies(self, thread: Thread) -> list[dict[str, Any]]:
        """Every message of the thread, with its metadata."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = await self._call(
                "conversations.replies",
                thread,
                lambda cursor=cursor: self._client.conversations_replies(  # type: ignore[misc]
                    channel=thread.channel,
                    ts=thread.thread_ts,
                    cursor=cursor,
                    limit=200,
                    include_all_metadata=True,
                ),
            )
            found += answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found

    async def _call(
        self,
        lane: str,
        thread: Thread,
        request: Callable[[], Awaitable[Any]],
        *,
        settled: str = "",
    ) -> dict[str, Any]:
        """``lane`` is what Slack counts together; ``settled`` the error that means: done before."""
        own = f"{thread.channel} {thread.thread_ts} {lane}"
        now = asyncio.get_running_loop().time()
        closed_until, code = self._closed.get(thread.channel, (0.0, ""))
        if closed_until > now:
            raise ThreadUnreachable(code)
        if (free_at := self._free_at.get(own, 0.0)) > now:
            raise TryLater(free_at - now)
        if wait := self._lanes.wait(lane, own, now):
            raise TryLater(wait)
        try:
            answer = await request()
        except SlackApiError as error:
            if settled and _code(error) == settled:
                self._lanes.taken(lane)
                return {}
            self._refused(error, lane, own, thread, now)
        except (aiohttp.ClientError, SlackRequestError, TimeoutError, OSError) as error:
            # A connection that never came about carried nothing.
            unsent = isinstance(error, aiohttp.ClientConnectorError)
            raise self._broken(own, ambiguous=not unsent) from error
        self._lanes.taken(lane)
        self._failures.pop(own, None)
        self._free_at.pop(own, None)
        self._closed.pop(thread.channel, None)
        data: dict[str, Any] = answer.data
        return data

    def _refused(
        self, error: SlackApiError, lane: str, own: str, thread: Thread, began_at: float
    ) -> None:
        code, status = _code(error), _status(error)
        if status == 429 or code in _LIMITED:
            seconds = _retry_after(error)
            self._lanes.refused(lane, seconds, asyncio.get_running_loop().time())
            raise TryLater(seconds) from error
        if status >= 500 or code in _BUSY:
            raise self._broken(own, ambiguous=True) from error
        if code in _NO_TOKEN:
            log.error("token_refused", reason=code)
            raise self._broken(own, ambiguous=False) from error
        if code in _BLOCKS:
            raise BlocksRefused(code, _unknown_kinds(error)) from error
        if code in _UNREACHABLE and self._opened.get(thread.channel, 0.0) >= began_at:
            raise self._broken(own, ambiguous=False) from error  # said before it was opened
        if code in _UNREACHABLE:
            log.warning("thread_unreachable", channel=thread.channel, reason=code)
            self._close(thread.channel, code, MAX_PAUSE_SECONDS)
            raise ThreadUnreachable(code) from error
        raise CallRefused(code or str(error)) from error

    def _broken(self, own: str, *, ambiguous: bool) -> TryLater:
        """Longer after each failure in a row, and never in step with the other threads."""
        failures = self._failures[own] = self._failures.get(own, 0) + 1
        seconds = min(MAX_PAUSE_SECONDS, 0.5 * 2 ** min(failures, 10)) * random.uniform(0.8, 1.2)  # noqa: S311
        self._free_at[own] = asyncio.get_running_loop().time() + seconds
        return TryLater(seconds, ambiguous=ambiguous)


def is_busy(error: SlackApiError) -> bool:
    """Slack is limited or at fault: the same may go through later."""
    code, status = _code(error), _status(error)
    return status == 429 or status >= 500 or code in _BUSY | _LIMITED


def _code(error: SlackApiError) -> str:
    # Where the body is no JSON the response is aiohttp's own and holds no words of Slack's.
    data = getattr(error.response, "data", error.response)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _unknown_kinds(error: SlackApiError) -> frozenset[str]:
    data = getattr(error.response, "data", error.response)
    told = data.get("response_metadata") or {} if isinstance(data, dict) else {}
    messages = told.get("messages") if isinstance(told, dict) else ()
    found = (_UNKNOWN_KIND.search(str(message)) for message in messages or ())
    return frozenset(match[1] for match in found if match)


def _status(error: SlackApiError) -> int:
    response: Any = error.response
    return int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)


def _retry_after(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    found = {str(name).lower(): str(value) for name, value in headers.items()}
    value = found.get("retry-after", "")
    return float(value) if value.isdigit() else 1.0
