"""The forms behind the gate's buttons: opened, and sent."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.gate_changes import EditRefused
from chatbot.named import ImageRefused
from chatbot.slack.access import NotAllowed
from chatbot.slack.blocks.forms import (
    CHANGES_BLOCK,
    CHANGES_INPUT,
    CHANGES_VIEW,
    EDIT_VIEW,
    read_field,
)
from chatbot.slack.blocks.task_fields import (
    IMAGE_BLOCK,
    MODEL_BLOCK,
    REF_BLOCK,
    REPOSITORY_BLOCK,
)
from chatbot.slack.choices import RepositoryUnclear
from chatbot.slack.decisions import Decisions
from sandbox.errors import RefNotFound, SourceError, ThreadsmithError

_ERROR_LIMIT = 150


def register(app: AsyncApp, decisions: Decisions, client: AsyncWebClient) -> None:
    @app.action("request_changes")
    async def open_changes(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        view = await decisions.changes_form(action["value"], body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.action("edit_pr")
    async def open_edit(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        view = await decisions.edit_form(action["value"], body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view(CHANGES_VIEW)
    async def request_changes(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            await decisions.request_changes(
                view["private_metadata"],
                body["user"]["id"],
                read_field(view, CHANGES_BLOCK, CHANGES_INPUT),
                key=f"slack:view:{view['team_id']}:{view['id']}",
            )
        except ThreadsmithError as error:
            # The form stays, with the person's words in it.
            await refuse(ack, CHANGES_BLOCK, error)
        else:
            await ack()

    @app.view(EDIT_VIEW)
    async def edit(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            await decisions.edit(view, body["user"]["id"])
        except ThreadsmithError as error:
            await refuse(ack, error.field if isinstance(error, EditRefused) else "title", error)
        else:
            await ack()


async def refuse(ack: AsyncAck, block: str, error: ThreadsmithError) -> None:
    # Plain words: nothing in them is markup.
    words = error.brief.replace("`", "")[:_ERROR_LIMIT]
    await ack(response_action="errors", errors={block: words})


async def refuse_at_field(
    ack: AsyncAck, view: dict[str, Any], error: ThreadsmithError, otherwise: str
) -> None:
    """At the field that is wrong, where the form has it; the person's words stay in it."""
    has_field = any(part.get("block_id") == _field_of(error) for part in view["blocks"])
    await refuse(ack, _field_of(error) if has_field else otherwise, error)


def _field_of(error: ThreadsmithError) -> str:
    match error:
        case RefNotFound():
            return REF_BLOCK
        case ImageRefused():
            return IMAGE_BLOCK
        case _ if error.code in {"model_refused", "agent_refused"}:
            return MODEL_BLOCK
        case SourceError() | NotAllowed() | RepositoryUnclear():
            return REPOSITORY_BLOCK
    return ""
