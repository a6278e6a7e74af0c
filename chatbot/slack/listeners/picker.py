"""The menu that searches repositories, and the answer to which one is meant."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from chatbot.slack.blocks.picker import ASK_AGAIN, PICK, REPOSITORY_MENU, repository_options
from chatbot.slack.picking import Picking


def register(app: AsyncApp, picking: Picking) -> None:
    @app.options(REPOSITORY_MENU)
    async def offer(ack: AsyncAck, body: dict[str, Any], payload: dict[str, Any]) -> None:
        typed = str(payload.get("value") or "").strip()
        await ack(options=repository_options(await picking.offer(body, typed), typed))

    @app.action({"type": "block_actions", "action_id": REPOSITORY_MENU})
    async def choose(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        if "message" in body:
            await picking.pick(body, str(action["selected_option"]["value"]))

    @app.action(re.compile(rf"{PICK}\d"))
    async def press(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await picking.pick(body, str(action["value"]))

    @app.action(ASK_AGAIN)
    async def ask_again(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        await ack()
        await picking.ask_again(str(action["value"]), body["user"]["id"])
