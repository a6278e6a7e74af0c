"""*Change*: another repository, branch, mode or model for a task that was begun."""

from __future__ import annotations

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.slack.blocks.change import CHANGE_VIEW, make_change_form, read_change
from chatbot.slack.blocks.task_fields import REPOSITORY_BLOCK
from chatbot.slack.listeners.forms import refuse_at_field
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError


def register(
    app: AsyncApp, history: History, intake: Intake, people: People, client: AsyncWebClient
) -> None:
    @app.action("change_task")
    async def open_form(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        task = await history.read(partial(queries.get_task, task_id=action["value"]))
        await intake.check_change(task, await people.get(body["user"]["id"]))
        await client.views_open(trigger_id=body["trigger_id"], view=make_change_form(task))

    @app.view(CHANGE_VIEW)
    async def begin_anew(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        task = await history.read(partial(queries.get_task, task_id=view["private_metadata"]))
        chosen = read_change(view, task)
        try:
            await intake.change(
                task,
                repository=chosen.repository,
                ref=chosen.ref or None,
                mode=chosen.mode,
                model=chosen.model,
                author=await people.get(body["user"]["id"]),
                key=f"slack:view:{view['team_id']}:{view['id']}",
            )
        except ThreadsmithError as error:
            await refuse_at_field(ack, view, error, REPOSITORY_BLOCK)
        else:
            await ack()
