"""Before every press, form, command and shortcut: whether the person may use the bot at all.

Messages are asked about where it is known whether they are for us, see `chatbot.slack.reception`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.admission import Admission
from chatbot.slack.afterwards import Afterwards

log = structlog.get_logger(__name__)


def register(
    app: AsyncApp, admission: Admission, client: AsyncWebClient, afterwards: Afterwards
) -> None:
    @app.use
    async def admit(
        body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse | None]]
    ) -> BoltResponse | None:
        user_id = body.get("user_id") or (body.get("user") or {}).get("id")
        if "event" in body or not user_id:
            return await next()
        words = await admission.refusal(str(user_id))
        if words is None:
            return await next()
        log.info("not_admitted", user=user_id, kind=body.get("type") or "command")
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})
        if body.get("type") == "block_suggestion":
            return BoltResponse(status=200, body={"options": []})
        afterwards.do(_tell(client, body, str(user_id), words))
        return BoltResponse(status=200, body="")


async def _tell(client: AsyncWebClient, body: dict[str, Any], user_id: str, words: str) -> None:
    try:
        if channel := (body.get("channel") or {}).get("id"):
            thread_ts = (body.get("message") or {}).get("thread_ts")
            await client.chat_postEphemeral(
                channel=channel, user=user_id, text=words, thread_ts=thread_ts
            )
        else:
            await client.chat_postMessage(channel=user_id, text=words)
    except SlackApiError as error:
        log.warning("refusal_untold", reason=str(error))
