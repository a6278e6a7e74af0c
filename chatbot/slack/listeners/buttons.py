"""Presses of our buttons."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from chatbot.slack.decisions import Decisions


def register(app: AsyncApp, decisions: Decisions) -> None:
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

    @app.action("ask_again")
    async def ask_again(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.ask_again(action["value"], body["user"]["id"])

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

    @app.action(re.compile(r"choose_\d{1,2}"))
    async def choose(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.choose(action["value"], body["user"]["id"])

    @app.action("no_attempt")
    async def choose_none(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.choose_none(action["value"], body["user"]["id"])

    @app.action("stop")
    async def stop(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await decisions.stop(action["value"], body["user"]["id"])

    @app.action("log")
    async def follow_link(ack: AsyncAck) -> None:
        # Slack tells of a link's press too.
        await ack()
