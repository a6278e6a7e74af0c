"""The shortcuts on a message and everywhere, and the form that both open."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.afterwards import Afterwards
from chatbot.slack.blocks.new_task import NEW_TASK_VIEW, WORDS_BLOCK, read_new_task
from chatbot.slack.listeners.forms import refuse_at_field
from chatbot.slack.people import People
from chatbot.slack.starting import Starting
from sandbox.errors import ThreadsmithError


def register(
    app: AsyncApp,
    starting: Starting,
    people: People,
    client: AsyncWebClient,
    afterwards: Afterwards,
) -> None:
    @app.shortcut("new_task")
    async def ask_anywhere(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        view = await starting.form(body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.shortcut("fix_this")
    async def fix_this(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        view = await starting.form(
            body["user"]["id"],
            channel=body["channel"]["id"],
            message=body["message"],
        )
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view(NEW_TASK_VIEW)
    async def start(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        place, wanted = read_new_task(view)
        person = await people.get(body["user"]["id"])
        key = f"slack:view:{view['team_id']}:{view['id']}"
        try:
            asked = await starting.take(place, person, wanted, key=key)
        except ThreadsmithError as error:
            await refuse_at_field(ack, view, error, WORDS_BLOCK)
        else:
            await ack()
            afterwards.do(starting.go_on(asked))
