"""Menus that the app fills while a person types, over the real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.socket_mode import NotAcknowledged
from tests.chatbot.demo.workspace.conftest import Connected

Json = dict[str, Any]
Ask = Callable[..., Any]
MENU: Json = {"type": "external_select", "action_id": "repository", "min_query_length": 0}


def option(name: str) -> Json:
    return {"text": {"type": "plain_text", "text": name}, "value": name}


@pytest.fixture
async def posted(client: AsyncWebClient) -> str:
    row = {"type": "actions", "block_id": "row", "elements": [MENU]}
    sent = await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row])
    return str(sent["ts"])


async def test_what_was_offered_can_be_chosen(
    workspace: Workspace, app: Connected, posted: str
) -> None:
    chosen = []

    @app.bolt.options("repository")
    async def offer(ack: Ask, payload: Json) -> None:
        assert "trigger_id" not in payload
        assert (payload["block_id"], payload["container"]["message_ts"]) == ("row", posted)
        await ack(options=[option(f"acme/{payload['value']}")])

    @app.bolt.action("repository")
    async def choose(ack: Ask, action: Json) -> None:
        await ack()
        chosen.append(action["selected_option"]["value"])

    offered = await workspace.suggest("ada", "repository", "api", channel="shop", ts=posted)
    assert offered == [option("acme/api")]
    with pytest.raises(ApiError, match="option_not_offered"):
        await workspace.choose("ada", "shop", posted, "repository", option("acme/web"))
    await workspace.choose("ada", "shop", posted, "repository", offered[0])
    assert chosen == ["acme/api"]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"options": [option("x" * 76)]}, "less than 76"),
        ({"options": [option(str(n)) for n in range(101)]}, "no more than 100"),
        ({}, "either"),
    ],
)
async def test_answers_that_slack_would_not_take(
    workspace: Workspace, app: Connected, posted: str, answer: Json, fault: str
) -> None:
    @app.bolt.options("repository")
    async def offer(ack: Ask) -> None:
        await ack(**answer) if answer else await ack()

    with pytest.raises(ApiError, match=fault):
        await workspace.suggest("ada", "repository", "api", channel="shop", ts=posted)


async def test_nobody_answers(workspace: Workspace, posted: str) -> None:
    with pytest.raises(NotAcknowledged):
        await workspace.suggest("ada", "repository", "api", channel="shop", ts=posted)


async def test_such_a_menu_has_no_options_of_its_own(client: AsyncWebClient) -> None:
    row = {"type": "actions", "elements": [{**MENU, "options": [option("a")]}]}
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row])
