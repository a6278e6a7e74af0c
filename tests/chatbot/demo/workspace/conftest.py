"""The workspace, and a real Bolt app connected to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.installed import EVENTS, SCOPES

Json = dict[str, Any]

ALL_SCOPES = (*SCOPES, "reactions:read", "team:read")
ALL_EVENTS = (
    *(*EVENTS, "reaction_added", "reaction_removed", "app_home_opened"),
    "agent_session_stopped",
)


@dataclass(slots=True, kw_only=True)
class Connected:
    """What the app heard, in order."""

    bolt: AsyncApp
    handler: AsyncSocketModeHandler
    bodies: list[Json] = field(default_factory=list)

    def events(self, kind: str) -> list[Json]:
        return [body for body in self.bodies if body.get("event", {}).get("type") == kind]


async def until(found: Callable[[], Any], seconds: float = 15.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (answer := found()):
            await asyncio.sleep(0.01)
    return answer


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    workspace = Workspace(
        notice="Recorded.", suggestions=("fix it",), scopes=ALL_SCOPES, events=ALL_EVENTS
    )
    await workspace.start()
    yield workspace
    await workspace.stop()


@pytest.fixture
async def client(workspace: Workspace) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=workspace.bot_token, base_url=workspace.api_url, session=session
        )
        client.proxy = None
        yield client


@pytest.fixture
async def app(workspace: Workspace, client: AsyncWebClient) -> AsyncIterator[Connected]:
    """Takes whatever comes; tests add what they answer."""
    bolt = AsyncApp(client=client, token=workspace.bot_token, ignoring_self_events_enabled=False)
    handler = AsyncSocketModeHandler(bolt, workspace.app_token, web_client=client, ping_interval=1)
    connected = Connected(bolt=bolt, handler=handler)

    @bolt.use
    async def note(body: Json, next: Callable[[], Any]) -> None:
        connected.bodies.append(body)
        await next()

    for kind in {name.partition(".")[0] for name in ALL_EVENTS}:

        async def take() -> None:
            """Heard."""

        bolt.event(kind)(take)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    yield connected
    await handler.close_async()  # type: ignore[no-untyped-call]
