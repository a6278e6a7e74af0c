"""The app may do, and hears, what its manifest asks for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

import manifests
from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.installed import EVENTS, NEEDED, SCOPES
from tests.chatbot.demo.workspace.conftest import Connected, until

MANIFEST = Path(manifests.__file__).parent / "slack-app.yaml"


def listed(name: str) -> list[str]:
    """The plain list under that key of the manifest."""
    found = re.search(rf"^( +){name}:\n((?:\1  ? ?- .+\n)+)", MANIFEST.read_text(), re.MULTILINE)
    assert found is not None
    return re.findall(r"- (\S+)", found[2])


def test_by_default_it_is_installed_as_the_manifest_says() -> None:
    assert sorted(SCOPES) == sorted(listed("bot"))
    assert sorted(EVENTS) == sorted(listed("bot_events"))


@pytest.fixture
async def narrow() -> AsyncIterator[tuple[Workspace, AsyncWebClient]]:
    workspace = Workspace(scopes=("chat:write",), events=("app_mention",))
    await workspace.start()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(workspace.bot_token, workspace.api_url, session=session)
        client.proxy = None
        yield workspace, client
    await workspace.stop()


async def test_a_scope_that_was_not_granted_is_named(
    narrow: tuple[Workspace, AsyncWebClient],
) -> None:
    workspace, client = narrow
    ts = await workspace.post("ada", "shop", "look")
    with pytest.raises(SlackApiError) as caught:
        await client.reactions_add(channel="C0SHOP", timestamp=ts, name="eyes")
    answer = caught.value.response
    assert answer["error"] == "missing_scope"
    assert (answer["needed"], answer["provided"]) == ("reactions:write", "chat:write")
    assert workspace.reactions("shop", ts) == set()
    said = await client.chat_postMessage(channel="C0SHOP", text="a")
    assert said.headers["X-OAuth-Scopes"] == "chat:write"
    with pytest.raises(SlackApiError, match=r"chat:write\.customize"):
        await client.chat_postMessage(channel="C0SHOP", text="a", username="Somebody")


async def test_only_what_was_subscribed_to_is_sent(workspace: Workspace, app: Connected) -> None:
    ts = await workspace.post("ada", "shop", "hello")
    await until(lambda: app.events("message"))
    workspace._installed = workspace._events._installed = type(workspace._installed)(
        scopes=SCOPES, events=("app_mention",)
    )
    await workspace.react("ada", "shop", ts, "eyes")
    await workspace.post("ada", "shop", "@Threadsmith hello")
    await until(lambda: app.events("app_mention"))
    assert len(app.bodies) == 2


async def test_places_it_is_not_in_are_silent(workspace: Workspace, app: Connected) -> None:
    workspace.state.channel("general").members.remove(workspace.bot_user_id)
    await workspace.post("ada", "general", "@Threadsmith hello")
    await workspace.post("ada", "shop", "hello")
    await until(lambda: app.events("message"))
    assert [body["event"]["channel"] for body in app.bodies] == ["C0SHOP"]


def test_every_method_that_needs_a_scope_is_there(workspace: Workspace) -> None:
    assert set(NEEDED) <= set(workspace._web_api.api.methods)
