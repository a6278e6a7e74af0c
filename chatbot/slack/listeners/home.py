"""The app's home, and its direct messages: opened, paged, pressed in."""

from __future__ import annotations

import re
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.admission import Admission
from chatbot.slack.blocks.defaults import DEFAULTS_VIEW
from chatbot.slack.blocks.elements import section
from chatbot.slack.blocks.task_fields import REPOSITORY_BLOCK
from chatbot.slack.choices import Choices
from chatbot.slack.homes import Homes
from chatbot.slack.listeners.forms import refuse_at_field
from chatbot.slack.starting import Starting
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

PROMPTS = [
    {"title": "Fix a bug", "message": "Fix this in owner/name: "},
    {"title": "Explain code", "message": "Explain how … works in owner/name"},
    {"title": "Review a branch", "message": "Review the branch … of owner/name"},
    {"title": "My tasks", "message": "list"},
]


def register(
    app: AsyncApp,
    homes: Homes,
    choices: Choices,
    starting: Starting,
    client: AsyncWebClient,
    admission: Admission,
) -> None:
    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        words = await admission.refusal(event["user"])
        if words is not None:
            if event.get("tab") == "home":
                nothing = {"type": "home", "blocks": [section(words)]}
                await client.views_publish(user_id=event["user"], view=nothing)
            return
        if event.get("tab") == "home":
            await homes.look(event["user"], mark=(event.get("view") or {}).get("hash", ""))
            return
        try:
            await client.assistant_threads_setSuggestedPrompts(
                channel_id=event["channel"], prompts=PROMPTS
            )
        except SlackApiError as error:
            # Workspaces without it show the bare conversation.
            log.info("no_prompts", reason=str(error))

    @app.action(re.compile(r"home_(older|newer)"))
    async def turn(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        mark = (body.get("view") or {}).get("hash", "")
        await homes.look(body["user"]["id"], offset=int(action["value"]), mark=mark)

    @app.action(re.compile(r"home_repositories_(previous|next)"))
    async def turn_repositories(
        ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]
    ) -> None:
        await ack()
        mark = (body.get("view") or {}).get("hash", "")
        await homes.look(body["user"]["id"], repositories=int(action["value"]), mark=mark)

    @app.action("home_new")
    async def new(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        view = await starting.form(body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.action("home_defaults")
    async def open_defaults(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        view = await choices.form(body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view(DEFAULTS_VIEW)
    async def save_defaults(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            await choices.save(view, body["user"]["id"])
        except ThreadsmithError as error:
            await refuse_at_field(ack, view, error, REPOSITORY_BLOCK)
        else:
            await ack()

    @app.action("home_stop")
    async def stop(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await choices.stop(action["value"], body["user"]["id"])

    @app.action("home_unallow")
    async def unallow(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await choices.unallow(action["value"], body["user"]["id"])

    @app.action("home_unmend")
    async def unmend(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await choices.unmend(action["value"], body["user"]["id"])
