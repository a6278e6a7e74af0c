"""Presses of our buttons, and the form behind one of them."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.blocks.gate import CHANGES_BLOCK, CHANGES_INPUT, CHANGES_VIEW, make_changes_modal
from chatbot.slack.decisions import Decisions
from sandbox.errors import ThreadsmithError


def register(app: AsyncApp, decisions: Decisions, client: AsyncWebClient) -> None:
    @app.action("open_pr")
    async def open_pull_request(
        ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]
    ) -> None:
        await ack()
        await decisions.open_pull_request(action["value"], body["user"]["id"])

    @app.action("discard")
    async def discard(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.discard(action["value"], body["user"]["id"])

    @app.action("approve_setup")
    async def approve_setup(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.approve_setup(action["value"], body["user"]["id"])

    @app.action("skip_setup")
    async def skip_setup(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.skip_setup(action["value"], body["user"]["id"])

    @app.action("fix_feedback")
    async def fix(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.fix(action["value"], body["user"]["id"])

    @app.action("update_work")
    async def update(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        # Once for each message that asks, however often it is pressed.
        key = f"slack:press:{body['message']['ts']}:{action['value']}"
        await decisions.update(action["value"], body["user"]["id"], key=key)

    @app.action(re.compile(r"answer_\d"))
    async def answer(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.answer(action["value"], body["user"]["id"])

    @app.action("stop")
    async def stop(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.stop(action["value"], body["user"]["id"])

    @app.action("log")
    async def follow_link(ack: AsyncAck) -> None:
        # Slack tells of a link's press too.
        await ack()

    @app.action("request_changes")
    async def open_form(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.check_open(action["value"], body["user"]["id"])
        await client.views_open(
            trigger_id=body["trigger_id"], view=make_changes_modal(action["value"])
        )

    @app.view(CHANGES_VIEW)
    async def request_changes(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        words = view["state"]["values"][CHANGES_BLOCK][CHANGES_INPUT]["value"] or ""
        try:
            await decisions.request_changes(
                view["private_metadata"],
                body["user"]["id"],
                words,
                key=f"slack:view:{view['team_id']}:{view['id']}",
            )
        except ThreadsmithError as error:
            # The form stays, with the person's words in it.
            await ack(response_action="errors", errors={CHANGES_BLOCK: error.brief[:150]})
        else:
            await ack()
