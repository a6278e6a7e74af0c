"""The log's button where not everybody may read it: the link goes to the one who may."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.blocks.text import link
from chatbot.slack.decisions import Decisions


def register(
    app: AsyncApp, decisions: Decisions, client: AsyncWebClient, *, public_url: str
) -> None:
    @app.action("show_log")
    async def show_log(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        task = await decisions.log_of(action["value"], body["user"]["id"])
        url = f"{public_url.rstrip('/')}/t/{task.id}/{task.share_token}"
        await client.chat_postEphemeral(
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            thread_ts=(body.get("message") or {}).get("thread_ts"),
            text=f"{link(url, 'The task page')}: whoever has this link may read it.",
        )
