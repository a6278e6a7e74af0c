"""The slash command."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.afterwards import Afterwards
from chatbot.slack.blocks.elements import Content
from chatbot.slack.choices import Choices
from chatbot.slack.command_line import CommandLine, read_command
from chatbot.slack.commands import Commands
from chatbot.slack.faults import explain
from chatbot.slack.starting import Starting
from sandbox.errors import ThreadsmithError

PATIENCE_SECONDS = 2.0
"""Slack waits three seconds for an answer; what takes longer is answered at the response's URL."""


def register(
    app: AsyncApp,
    commands: Commands,
    starting: Starting,
    choices: Choices,
    client: AsyncWebClient,
    afterwards: Afterwards,
) -> None:
    async def answer(line: CommandLine, body: dict[str, Any]) -> Content:
        try:
            return await commands.run(
                line,
                channel=str(body["channel_id"]),
                user_id=body["user_id"],
                # Slack sends a command once; the trigger is its only name.
                key=f"slack:command:{body['trigger_id']}",
            )
        except ThreadsmithError as error:
            return Content(text=explain(error), blocks=())

    async def tell_later(work: asyncio.Task[Content], respond: AsyncRespond) -> None:
        told = await work
        await respond(text=told.text, blocks=list(told.blocks) or None)

    @app.command("/code")
    async def code(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        line = read_command(str(body.get("text") or ""))
        channel = str(body["channel_id"])
        if line.order in {"form", "config"}:
            await ack()
            user_id = str(body["user_id"])
            if line.order == "config":
                view = await choices.form(user_id, channel)
            else:
                view = await starting.form(user_id, channel=channel)
            await client.views_open(trigger_id=body["trigger_id"], view=view)
            return
        work = asyncio.create_task(answer(line, body))
        done, _ = await asyncio.wait({work}, timeout=PATIENCE_SECONDS)
        if not done:
            afterwards.do(tell_later(work, respond))
            await ack(text="On it: Slack is slow just now.")
            return
        told = work.result()
        await ack(text=told.text, blocks=list(told.blocks) or None)
