"""What a client that is slow, gone or one too many meets."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import until


async def _connect(client: AsyncWebClient, workspace: Workspace) -> aiohttp.ClientWebSocketResponse:
    url = str((await client.apps_connections_open(app_token=workspace.app_token))["url"])
    assert client.session is not None
    socket = await client.session.ws_connect(url)
    assert (await socket.receive_json(timeout=60))["type"] == "hello"
    return socket


async def _envelope(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=60)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.demo.workspace.socket_mode.ACK_SECONDS", 0.2)
    monkeypatch.setattr("chatbot.demo.workspace.socket_mode.RETRY_SECONDS", (0.0, 0.1, 0.1))


@pytest.mark.usefixtures("_impatient")
async def test_a_late_acknowledgement_brings_it_again(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    socket = await _connect(client, workspace)
    await workspace.post("ada", "shop", "hello")
    seen = [await _envelope(socket) for _ in range(4)]
    assert [envelope["retry_attempt"] for envelope in seen] == [0, 1, 2, 3]
    assert [envelope["retry_reason"] for envelope in seen] == ["", *["timeout"] * 3]
    assert len({envelope["payload"]["event_id"] for envelope in seen}) == 1
    assert len({envelope["envelope_id"] for envelope in seen}) == 4
    with pytest.raises(TimeoutError):
        await socket.receive_json(timeout=0.6)


@pytest.mark.usefixtures("_impatient")
async def test_an_acknowledged_event_comes_once(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    socket = await _connect(client, workspace)
    await workspace.post("ada", "shop", "hello")
    envelope = await _envelope(socket)
    await socket.send_json({"envelope_id": envelope["envelope_id"]})
    with pytest.raises(TimeoutError):
        await socket.receive_json(timeout=0.6)


async def test_a_lost_connection_gives_its_payload_to_the_next(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    first = await _connect(client, workspace)
    await workspace.post("ada", "shop", "hello")
    taken = await _envelope(first)
    await first.close()
    second = await _connect(client, workspace)
    again = await _envelope(second)
    assert again["payload"]["event_id"] == taken["payload"]["event_id"]


async def test_each_payload_goes_to_one_connection(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    sockets = [await _connect(client, workspace) for _ in range(3)]
    seen: list[Any] = []

    async def take(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            seen.append(frame.json())
            await socket.send_json({"envelope_id": frame.json()["envelope_id"]})

    async with asyncio.TaskGroup() as group:
        for socket in sockets:
            group.create_task(take(socket))
        for number in range(12):
            await workspace.post("ada", "shop", f"{number}")
        await until(lambda: len(seen) >= 12)
        for socket in sockets:
            await socket.close()
    assert sorted(int(e["payload"]["event"]["text"]) for e in seen) == list(range(12))


async def test_a_ticket_is_for_one_connection(workspace: Workspace, client: AsyncWebClient) -> None:
    url = str((await client.apps_connections_open(app_token=workspace.app_token))["url"])
    assert client.session is not None
    await client.session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.session.ws_connect(url)


async def test_ten_connections_at_most(workspace: Workspace, client: AsyncWebClient) -> None:
    kept = [await _connect(client, workspace) for _ in range(10)]
    with pytest.raises(SlackApiError, match="too_many_websockets"):
        await client.apps_connections_open(app_token=workspace.app_token)
    assert not any(socket.closed for socket in kept)


async def test_the_bot_token_opens_no_socket(workspace: Workspace, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=workspace.bot_token)
