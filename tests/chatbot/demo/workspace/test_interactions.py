"""Presses, answers to presses, and modals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.errors import ApiError
from tests.chatbot.demo.workspace.conftest import Connected

Json = dict[str, Any]
Ask = Callable[..., Any]

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
ROW = {"type": "actions", "block_id": "row", "elements": [{**BUTTON, "value": "7"}]}
FORM = {
    "type": "modal",
    "callback_id": "form",
    "private_metadata": "t_1",
    "title": {"type": "plain_text", "text": "Changes"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "changes",
            "label": {"type": "plain_text", "text": "What?"},
            "element": {"type": "plain_text_input", "action_id": "words"},
        }
    ],
}


def _words(text: str) -> Json:
    return {"changes": {"words": {"type": "plain_text_input", "value": text}}}


@pytest.fixture
async def posted(client: AsyncWebClient) -> str:
    sent = await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[ROW])
    return str(sent["ts"])


@pytest.fixture
async def opened(workspace: Workspace, app: Connected, posted: str) -> Json:
    @app.bolt.action("go")
    async def go(ack: Ask, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    await workspace.click("grace", "shop", posted, "go")
    (view,) = await workspace.wait_for(lambda: workspace.views("grace"))
    return dict(view)


async def test_a_press(workspace: Workspace, app: Connected, posted: str) -> None:
    bodies = []

    @app.bolt.action("go")
    async def go(ack: Ask, body: Json, respond: Ask) -> None:
        await ack()
        bodies.append(body)
        await respond("Only you see it.")
        await respond("All see it.", response_type="in_channel", replace_original=False)

    await workspace.click("ada", "shop", posted, "go")
    await workspace.wait_for(lambda: len(workspace.messages("shop")) == 2)
    (body,) = bodies
    assert body["user"] == {"id": "U0ADA", "username": "ada", "name": "ada", "team_id": "T0LOCAL"}
    assert body["container"]["message_ts"] == body["message"]["ts"] == posted
    (action,) = body["actions"]
    assert (action["block_id"], action["action_id"], action["value"]) == ("row", "go", "7")
    (private,) = workspace.ephemerals("ada")
    assert private["text"] == "Only you see it."
    assert workspace.ephemerals("grace") == []


async def test_there_is_no_such_button(workspace: Workspace, posted: str) -> None:
    with pytest.raises(ApiError, match="action_not_found"):
        await workspace.click("ada", "shop", posted, "stop")


async def test_a_form_is_sent(workspace: Workspace, app: Connected, opened: Json) -> None:
    bodies = []

    @app.bolt.view("form")
    async def take(ack: Ask, body: Json) -> None:
        bodies.append(body)
        await ack()

    assert await workspace.submit_view("grace", opened["id"], _words("smaller")) == {}
    (body,) = bodies
    assert body["view"]["state"]["values"] == _words("smaller")
    assert body["view"]["private_metadata"] == "t_1"
    assert workspace.views("grace") == []


async def test_a_form_with_errors_stays(workspace: Workspace, app: Connected, opened: Json) -> None:
    @app.bolt.view("form")
    async def take(ack: Ask) -> None:
        await ack(response_action="errors", errors={"changes": "Too short."})

    answer = await workspace.submit_view("grace", opened["id"], _words("x"))
    assert answer["errors"] == {"changes": "Too short."}
    empty = await workspace.submit_view("grace", opened["id"], {})
    assert empty["errors"] == {"changes": "Please complete this required field."}
    assert len(workspace.views("grace")) == 1


async def test_a_form_can_change(workspace: Workspace, app: Connected, opened: Json) -> None:
    @app.bolt.view("form")
    async def take(ack: Ask) -> None:
        title = {"type": "plain_text", "text": "Again"}
        await ack(response_action="update", view={**FORM, "title": title})

    await workspace.submit_view("grace", opened["id"], _words("x"))
    (view,) = workspace.views("grace")
    assert (view["id"], view["title"]["text"]) == (opened["id"], "Again")


async def test_another_person_cannot_send_it(workspace: Workspace, opened: Json) -> None:
    with pytest.raises(ApiError, match="view_not_found"):
        await workspace.submit_view("ada", opened["id"], _words("x"))


@pytest.mark.parametrize(
    "change",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"private_metadata": "x" * 3001},
        {"submit": {"type": "plain_text", "text": "x" * 25}},
        {"blocks": [{"type": "unheard_of"}]},
    ],
)
async def test_modals_have_limits(client: AsyncWebClient, opened: Json, change: Json) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_update(view_id=opened["id"], view={**FORM, **change})


async def test_a_trigger_is_spent_once(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2", view=FORM)
