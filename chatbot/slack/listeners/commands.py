"""The slash command."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.blocks.new_task import make_new_task
from chatbot.slack.command_line import read_command
from chatbot.slack.commands import Commands
from chatbot.slack.faults import explain
from chatbot.slack.starting import Starting
from sandbox.errors import ThreadsmithError


def register(app: AsyncApp, commands: Commands, starting: Starting, client: AsyncWebClient) -> None:
    @app.command("/code")
    async def code(ack: AsyncAck, body: dict[str, Any]) -> None:
        line = read_command(str(body.get("text") or ""))
        channel = str(body["channel_id"])
        if line.order == "form":
            await ack()
            view = make_new_task(
                channel=channel, repository=await starting.channel_repository(channel)
            )
            await client.views_open(trigger_id=body["trigger_id"], view=view)
            return
        try:
            answer = await commands.run(
                line,
                channel=channel,
                user_id=body["user_id"],
                # Slack sends a command once; the trigger is its only name.
                key=f"slack:command:{body['trigger_id']}",
            )
        except ThreadsmithError as error:
            await ack(text=explain(error))
        else:
            await ack(text=answer.text, blocks=list(answer.blocks))
