"""The review: opened, paged through, sent."""

from __future__ import annotations

import re
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import STEERED
from chatbot.slack.blocks.review import REVIEW_VIEW
from chatbot.slack.listeners.forms import refuse
from chatbot.slack.reviews import RemarkRefused, Reviews
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)


def register(app: AsyncApp, reviews: Reviews, client: AsyncWebClient) -> None:
    @app.action("review")
    async def open_review(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        view = await reviews.open(action["value"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.action(re.compile(r"review_(previous|next|add|file)"))
    async def press(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        shown = body["view"]
        view = await reviews.press(shown, action)
        try:
            await client.views_update(view_id=shown["id"], hash=shown["hash"], view=view)
        except SlackApiError as error:
            # Pressed twice, or closed meanwhile: what stands there is right.
            log.info("review_not_updated", reason=str(error))

    @app.view(REVIEW_VIEW)
    async def send(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        key = f"{STEERED}:{view['team_id']}:{view['id']}"
        try:
            await reviews.send(view, body["user"]["id"], key=key)
        except ThreadsmithError as error:
            fields = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
            field = error.field if isinstance(error, RemarkRefused) else fields[-1]
            await refuse(ack, field, error)
        else:
            await ack()
