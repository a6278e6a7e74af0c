"""What the chat page may ask for, and who may not ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import Connected

Json = dict[str, Any]


@pytest.fixture
async def page(workspace: Workspace) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(workspace.url, headers={"X-Page": "1"}) as session:
        yield session


async def _get(page: aiohttp.ClientSession, path: str, **query: str) -> Json:
    async with page.get(f"/page/{path}", params=query) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def _post(page: aiohttp.ClientSession, path: str, **given: Any) -> Json:
    async with page.post(f"/page/{path}", json=given) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def test_state(page: aiohttp.ClientSession) -> None:
    state = await _get(page, "state", **{"as": "grace"})
    assert (state["me"]["id"], state["notice"]) == ("U0GRACE", "Recorded.")
    assert state["suggestions"] == ["fix it"]
    kinds = {channel["id"]: channel["kind"] for channel in state["channels"]}
    assert kinds == {"C0SHOP": "channel", "C0GENERAL": "channel", "D0GRACE": "im"}


async def test_said_and_seen(page: aiohttp.ClientSession, client: AsyncWebClient) -> None:
    ada = {"as": "ada", "channel": "C0SHOP"}
    async with page.ws_connect("/page/socket?as=grace") as socket:
        said = await _post(page, "post", **ada, text="hello")
        change = await socket.receive_json(timeout=60)
        assert change == {
            "type": "message",
            "channel": "C0SHOP",
            "ts": said["ts"],
            "thread_ts": None,
        }
    form = aiohttp.FormData({**ada, "thread_ts": said["ts"], "text": "see"})
    form.add_field("file", b"some words", filename="notes #1.txt")
    async with page.post("/page/upload", data=form) as answer:
        assert (await answer.json())["ok"]
    await client.chat_postEphemeral(channel="C0SHOP", user="U0ADA", text="psst")
    top = (await _get(page, "messages", **ada))["messages"]
    assert [(m["text"], m.get("ephemeral", False)) for m in top] == [
        ("hello", False),
        ("psst", True),
    ]
    grace = {"as": "grace", "channel": "C0SHOP"}
    assert len((await _get(page, "messages", **grace))["messages"]) == 1
    _, reply = (await _get(page, "messages", **grace, thread_ts=said["ts"]))["messages"]
    (file,) = reply["files"]
    assert file["preview"] == "some words"
    async with page.get(file["url"] + "?page=1") as answer:
        assert await answer.read() == b"some words"


async def test_nobody_reads_the_direct_messages_of_another(page: aiohttp.ClientSession) -> None:
    async with page.get("/page/messages?as=grace&channel=D0ADA") as answer:
        assert await answer.json() == {"ok": False, "error": "not_in_channel"}


async def test_a_press_that_nobody_hears(
    page: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    text = {"type": "plain_text", "text": "Go"}
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": text}]}
    sent = await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row])
    block_id = sent["message"]["blocks"][0]["block_id"]
    where = {"channel": "C0SHOP", "ts": sent["ts"], "block_id": block_id, "action_id": "go"}
    answer = await _post(page, "click", **{"as": "ada"}, **where)
    assert answer == {"ok": False, "error": "The app did not answer in time."}


async def test_a_press_that_is_heard(
    page: aiohttp.ClientSession, client: AsyncWebClient, app: Connected
) -> None:
    @app.bolt.action("go")
    async def go(ack: Any) -> None:
        await ack()

    text = {"type": "plain_text", "text": "Go"}
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": text}]}
    sent = await client.chat_postMessage(channel="C0SHOP", text="?", blocks=[row])
    where = {"channel": "C0SHOP", "ts": sent["ts"], "action_id": "go"}
    assert await _post(page, "click", **{"as": "ada"}, **where) == {"ok": True}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/page/state", {"X-Page": "0"}),
        ("/page/state", {"Origin": "https://evil.example"}),
        ("/page/state", {"Host": "evil.example"}),
        ("/page/socket", {"Origin": "https://evil.example"}),
    ],
)
async def test_pages_of_others_are_refused(
    page: aiohttp.ClientSession, path: str, headers: dict[str, str]
) -> None:
    async with page.get(path, headers=headers) as answer:
        assert answer.status == 403


async def test_no_file_outside_the_page_is_served(page: aiohttp.ClientSession) -> None:
    for name in ("..%2fserver.py", "server.py", "%2fetc%2fpasswd"):
        async with page.get(f"/page/static/{name}") as answer:
            assert answer.status == 404
