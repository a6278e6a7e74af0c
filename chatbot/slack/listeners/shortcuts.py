"""The shortcuts on a message and everywhere, and the form that both open."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.models import Thread
from chatbot.request import plain
from chatbot.slack.blocks.new_task import (
    CHANNEL_BLOCK,
    NEW_TASK_VIEW,
    WORDS_BLOCK,
    make_new_task,
    read_new_task,
)
from chatbot.slack.listeners.forms import refuse
from chatbot.slack.people import People
from chatbot.slack.starting import Starting
from chatbot.slack.threads import ThreadNotOpened
from sandbox.errors import ThreadsmithError


def register(
    app: AsyncApp, starting: Starting, people: People, client: AsyncWebClient, *, team: str
) -> None:
    @app.shortcut("new_task")
    async def ask_anywhere(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=make_new_task())

    @app.shortcut("fix_this")
    async def fix_this(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        message, channel = body["message"], body["channel"]["id"]
        view = make_new_task(
            channel=channel,
            message_ts=message.get("thread_ts") or message["ts"],
            repository=await starting.channel_repository(channel),
            words=plain(str(message.get("text") or "")),
        )
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view(NEW_TASK_VIEW)
    async def start(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        channel, message_ts, wanted = read_new_task(view)
        person = await people.get(body["user"]["id"])
        key = f"slack:view:{view['team_id']}:{view['id']}"
        try:
            if message_ts:
                thread = Thread(
                    team=team, channel=channel, thread_ts=message_ts, message_ts=message_ts
                )
                await starting.begin_at(thread, person, wanted, key=key)
            else:
                await starting.begin(channel, person, wanted, key=key)
        except ThreadNotOpened as error:
            # The form stays, with the person's words in it.
            has_channel = CHANNEL_BLOCK in view["state"]["values"]
            await refuse(ack, CHANNEL_BLOCK if has_channel else WORDS_BLOCK, error)
        except ThreadsmithError as error:
            await refuse(ack, WORDS_BLOCK, error)
        else:
            await ack()
