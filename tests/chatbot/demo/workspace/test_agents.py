"""Status lines, agent sessions, the app's home, slash commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import Connected, until

Json = dict[str, Any]
Ask = Callable[..., Any]


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def modern(clock: Clock) -> AsyncIterator[tuple[Workspace, AsyncWebClient]]:
    """A workspace that has agent sessions, and a clock of the test's own."""
    workspace = Workspace(clock=clock, agent_sessions=True)
    await workspace.start()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(workspace.bot_token, workspace.api_url, session=session)
        client.proxy = None
        yield workspace, client
    await workspace.stop()


async def test_sessions_are_off_unless_the_workspace_has_them(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="feature_disabled"):
        await client.agents_sessions_setStatus(channel_id="C0SHOP", status="processing")


async def test_a_session_is_at_work_for_an_hour(
    modern: tuple[Workspace, AsyncWebClient], clock: Clock
) -> None:
    workspace, client = modern
    root = await workspace.post("ada", "shop", "go")
    with pytest.raises(SlackApiError, match="thread_ts_required"):
        await client.agents_sessions_setStatus(channel_id="C0SHOP", status="processing")
    place = {"channel_id": "C0SHOP", "thread_ts": root}
    set_ = await client.agents_sessions_setStatus(**place, status="processing", title="Go")
    assert (set_["status"], set_["agent_status"]) == ("processing", "processing")
    await client.chat_postMessage(channel="C0SHOP", thread_ts=root, text="under way")
    assert workspace.status("shop", root) == "Working…"
    clock.now += 3601
    assert workspace.status("shop", root) == ""
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.agents_sessions_setStatus(**place, status="resting")


async def test_a_status_ends_with_the_next_words_or_with_its_time(
    modern: tuple[Workspace, AsyncWebClient], clock: Clock
) -> None:
    workspace, client = modern
    root = await workspace.post("ada", "shop", "go")
    place = {"channel_id": "C0SHOP", "thread_ts": root}
    await client.assistant_threads_setStatus(**place, status="is thinking…")
    assert workspace.status("shop", root) == "Threadsmith is thinking…"
    await client.chat_postMessage(channel="C0SHOP", thread_ts=root, text="done")
    assert workspace.status("shop", root) == ""
    await client.assistant_threads_setStatus(**place, status="is thinking…")
    clock.now += 121
    assert workspace.status("shop", root) == ""


async def test_triggers_are_good_once_and_for_three_seconds(
    modern: tuple[Workspace, AsyncWebClient], clock: Clock
) -> None:
    workspace, client = modern
    title = {"type": "plain_text", "text": "t"}
    view = {"type": "modal", "title": title, "blocks": [{"type": "divider"}]}
    ada = workspace.state.user("ada")
    first, late = (workspace._events.new_trigger(ada) for _ in range(2))
    await client.views_open(trigger_id=first, view=view)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=first, view=view)
    clock.now += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=view)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.x", view=view)


async def test_rates_follow_the_clock(
    modern: tuple[Workspace, AsyncWebClient], clock: Clock
) -> None:
    _, client = modern
    for _ in range(10):
        await client.chat_postMessage(channel="C0SHOP", text="a")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel="C0SHOP", text="a")
    clock.now += 1
    await client.chat_postMessage(channel="C0SHOP", text="a")


async def test_slacks_own_stop_is_told(workspace: Workspace, app: Connected) -> None:
    root = await workspace.post("ada", "shop", "go")
    workspace.state.sessions["C0SHOP", root] = {"status": "processing"}
    await workspace.stop_session("grace", "shop", root)
    [body] = await until(lambda: app.events("agent_session_stopped"))
    assert body["event"]["thread_ts"] == root
    assert (body["event"]["user"], body["event"]["streaming_message_ts"]) == ("U0GRACE", [])


async def test_the_home_of_the_app(
    workspace: Workspace, app: Connected, client: AsyncWebClient
) -> None:
    assert await workspace.open_dm("ada") == "D0ADA"
    [opened] = await until(lambda: app.events("app_home_opened"))
    assert (opened["event"]["tab"], opened["event"]["channel"]) == ("messages", "D0ADA")
    blocks = [{"type": "divider"}]
    first = await client.views_publish(user_id="U0ADA", view={"type": "home", "blocks": blocks})
    home = await workspace.open_home("ada")
    assert home is not None
    assert home["blocks"][0]["type"] == "divider"
    await client.views_publish(user_id="U0ADA", view={"type": "home", "blocks": blocks})
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(
            user_id="U0ADA", view={"type": "home", "blocks": []}, hash=first["view"]["hash"]
        )
    assert workspace.home("grace") is None


async def test_a_slash_command(workspace: Workspace, app: Connected) -> None:
    heard = []

    @app.bolt.command("/code")
    async def code(ack: Ask, command: Json, respond: Ask) -> None:
        heard.append((command["command"], command["text"], command["channel_name"]))
        await ack("One moment.")
        await respond("Here it is.")

    await workspace.command("ada", "shop", "/code fix it")
    await until(lambda: len(workspace.ephemerals("ada")) == 2)
    assert heard == [("/code", "fix it", "shop")]
    told = {message["text"] for message in workspace.ephemerals("ada")}
    assert told == {"One moment.", "Here it is."}
