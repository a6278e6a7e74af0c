"""What people are told when something goes wrong in a listener; the log gets all of it."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.history.store import HistoryUnavailable
from chatbot.slack.access import MembersUnknown, NotAllowed
from chatbot.slack.afterwards import Afterwards
from chatbot.slack.blocks.text import escape
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)


_TOO_LATE = frozenset(
    {
        *("expired_trigger_id", "trigger_expired"),
        *("exchanged_trigger_id", "trigger_exchanged", "invalid_trigger_id"),
    }
)
"""What Slack says to a form whose press is too long ago."""


def register(
    app: AsyncApp,
    client: AsyncWebClient,
    actions: Actions,
    afterwards: Afterwards,
    *,
    team: str,
) -> None:
    @app.error
    async def tell(
        error: Exception, body: dict[str, Any], request: AsyncBoltRequest
    ) -> BoltResponse | None:
        words = explain(error)
        if isinstance(error, HistoryUnavailable):
            if "x-slack-retry-num" not in request.headers:
                await _say(client, body, words)
            # Not acknowledged: Slack delivers it again, and nothing is lost.
            return None
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})
        event = body.get("event")
        # A mention comes as a message too: one answer to both.
        if event and "ts" not in event:
            return BoltResponse(status=200, body="")  # nobody said anything: the log has it
        if not event:
            afterwards.do(_say(client, body, words))
        elif await actions.first_sight(f"slack:{team}:{event['channel']}:{event['ts']}"):
            await _say(client, body, words, alone=isinstance(error, NotAllowed | MembersUnknown))
        return BoltResponse(status=200, body="")


def explain(error: Exception) -> str:
    """A brief and what to do; of anything unforeseen only an id."""
    if isinstance(error, ThreadsmithError):
        log.warning("request_refused", code=error.code, brief=error.brief, details=error.details)
        return escape("\n".join(part for part in (error.brief, error.resolution) if part))
    if isinstance(error, SlackApiError) and str(error.response.get("error")) in _TOO_LATE:
        log.warning("form_too_late", reason=str(error))
        return "The form came too late: Slack waits three seconds for one. Try again."
    error_id = f"e_{secrets.token_hex(4)}"
    log.error("listener_failed", error_id=error_id, exc_info=error)
    return f"Something went wrong on my side. The log has the details under `{error_id}`."


async def _say(
    client: AsyncWebClient, body: dict[str, Any], words: str, *, alone: bool = False
) -> None:
    """In the thread for a message, to the person ``alone`` for a press or a refusal."""
    event: dict[str, Any] = body.get("event") or {}
    user = event.get("user") or (body.get("user") or {}).get("id")
    channel = str(event.get("channel") or (body.get("channel") or {}).get("id") or "")
    try:
        if event and not alone:
            ts = event.get("thread_ts") or event.get("ts")
            await client.chat_postMessage(channel=channel, thread_ts=ts, text=words)
        elif channel and user:
            at = event or body.get("message") or {}
            thread_ts = at.get("thread_ts") or (body.get("container") or {}).get("thread_ts")
            await _tell_alone(client, channel, user, thread_ts, words)
        elif user:
            # Of a modal or the home tab: there is no place but the person's own.
            await client.chat_postMessage(channel=user, text=words)
    except SlackApiError as error:
        log.warning("fault_untold", reason=str(error))


async def _tell_alone(
    client: AsyncWebClient, channel: str, user: str, thread_ts: str | None, words: str
) -> None:
    try:
        await client.chat_postEphemeral(channel=channel, user=user, thread_ts=thread_ts, text=words)
    except SlackApiError as error:
        # Shortcuts are offered in channels that the bot is not in, too.
        log.info("not_told_there", channel=channel, reason=str(error))
        await client.chat_postMessage(channel=user, text=words)
