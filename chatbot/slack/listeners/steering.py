"""Steer, try again, and Slack's own Stop."""

from __future__ import annotations

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.slack.listeners.forms import refuse
from chatbot.slack.people import People
from chatbot.slack.steering import STEER_BLOCK, STEER_VIEW, Steering
from sandbox.errors import ThreadsmithError


def register(
    app: AsyncApp,
    steering: Steering,
    actions: Actions,
    people: People,
    client: AsyncWebClient,
    *,
    team: str,
) -> None:
    @app.action("steer")
    async def open_form(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        view = await steering.form(action["value"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view(STEER_VIEW)
    async def steer(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            await steering.take(view, body["user"]["id"])
        except ThreadsmithError as error:
            await refuse(ack, STEER_BLOCK, error)
        else:
            await ack()

    @app.action("try_again")
    async def again(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await steering.again(action["value"], body["user"]["id"])

    @app.event("agent_session_stopped")
    async def stop(event: dict[str, Any]) -> None:
        task = await actions.history.read(
            partial(
                queries.find_task_by_thread,
                team=team,
                channel=str(event["channel"]),
                thread_ts=str(event["thread_ts"]),
            )
        )
        if task is not None:
            key = f"stopped:{event['channel']}:{event['event_ts']}"
            await actions.stop_task(task.id, await people.get(str(event["user"])), key=key)
