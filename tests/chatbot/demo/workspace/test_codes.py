"""Each refusal carries Slack's own word for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.rates import METHOD_TIERS, TIERS, RateLimited, Rates
from chatbot.demo.workspace.responses import SECONDS, USES
from tests.chatbot.demo.workspace.conftest import Connected

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


SECTION = {"type": "section", "text": plain("s")}
MODAL: Json = {"type": "modal", "title": plain("t"), "blocks": [SECTION]}
ROW = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": plain("Go"), "value": "7"}],
}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"blocks": [SECTION], "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "y" * 12_001}, "msg_too_long"),
        ({"text": "x", "blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "markdown", "text": "m" * 6001}] * 2}, "msg_blocks_too_long"),
        (
            {"text": "x", "metadata": {"event_type": "t", "event_payload": {"a": "x" * 17_000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    ],
)
async def test_messages(client: AsyncWebClient, message: Json, code: str) -> None:
    for method in ("chat.postMessage", "chat.postEphemeral"):
        with pytest.raises(SlackApiError) as refused:
            await client.api_call(method, json={"channel": "C0SHOP", "user": "U0ADA", **message})
        assert refused.value.response["error"] == code


async def test_places(client: AsyncWebClient, workspace: Workspace) -> None:
    said = str((await client.chat_postMessage(channel="C0SHOP", text="x"))["ts"])
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C0SHOP", ts="1.1", text="x")
    hers = await workspace.post("ada", "shop", "mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel="C0SHOP", ts=hers, text="x")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel="C0NONE", text="x")
    workspace.state.channel("shop").is_archived = True
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel="C0SHOP", text="x")
    # Edits have a word of their own for it.
    with pytest.raises(SlackApiError, match="is_inactive"):
        await client.chat_update(channel="C0SHOP", ts=said, text="x")


async def opened(workspace: Workspace, app: Connected, client: AsyncWebClient) -> Callable[[], Any]:
    """Answers what makes a fresh trigger."""
    triggers: list[str] = []

    @app.bolt.action("go")
    async def go(ack: Callable[..., Any], body: Json) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    ts = str((await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[ROW]))["ts"])

    async def press() -> str:
        await workspace.click("ada", "shop", ts, "go")
        return triggers[-1]

    return press


async def test_views(workspace: Workspace, app: Connected, client: AsyncWebClient) -> None:
    press = await opened(workspace, app, client)
    large = {**MODAL, "blocks": [{"type": "section", "text": plain("é" * 3000)}] * 15}
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(trigger_id=await press(), view=large)
    view = await client.views_open(trigger_id=await press(), view={**MODAL, "external_id": "e"})
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await client.views_push(trigger_id=await press(), view={**MODAL, "external_id": "e"})
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view["view"]["id"], hash="1.2", view=MODAL)
    for _ in range(2):
        await client.views_push(trigger_id=await press(), view=MODAL)
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=await press(), view=MODAL)
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V0NONE", view=MODAL)


async def test_an_address_for_answers_is_good_five_times_for_half_an_hour(
    workspace: Workspace, app: Connected, client: AsyncWebClient
) -> None:
    urls: list[str] = []

    @app.bolt.action("go")
    async def go(ack: Callable[..., Any], body: Json) -> None:
        await ack()
        urls.append(body["response_url"])

    ts = str((await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[ROW]))["ts"])
    await workspace.click("ada", "shop", ts, "go")
    await workspace.click("ada", "shop", ts, "go")
    spent, old = urls
    async with aiohttp.ClientSession() as session:

        async def answer(url: str) -> tuple[int, str]:
            async with session.post(url, json={"text": "x"}) as answered:
                return answered.status, await answered.text()

        assert [(await answer(spent))[0] for _ in range(USES)] == [200] * 5
        status, said = await answer(spent)
        assert status == 404
        assert "used_url" in said
        clock = workspace.state.clock
        workspace.state.clock = lambda: clock() + SECONDS + 1
        status, said = await answer(old)
        assert status == 404
        assert "expired_url" in said


@pytest.mark.parametrize("method", [*METHOD_TIERS, "views.open", "views.publish", "users.info"])
def test_each_method_has_its_rate(method: str) -> None:
    rates = Rates(lambda: 0.0)
    for _ in range(TIERS[METHOD_TIERS.get(method, 4)]):
        rates.check(method, "C1")
    with pytest.raises(RateLimited):
        rates.check(method, "C1")
