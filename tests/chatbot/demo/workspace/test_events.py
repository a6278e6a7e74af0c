"""Events as Slack sends them, over real sockets to a real Bolt app."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import Connected, until


async def test_one_mention_is_two_events(workspace: Workspace, app: Connected) -> None:
    ts = await workspace.post("ada", "shop", "@Threadsmith fix a<b & https://example.com/x, now")
    await until(lambda: len(app.bodies) >= 2)
    (mention,), (message,) = app.events("app_mention"), app.events("message")
    assert mention["event"]["ts"] == message["event"]["ts"] == ts
    assert mention["event_id"] != message["event_id"]
    assert message["event"]["channel_type"] == "channel"
    words = f"<@{workspace.bot_user_id}> fix a&lt;b &amp; <https://example.com/x>, now"
    assert mention["event"]["text"] == words


async def test_a_direct_message_is_one_event(workspace: Workspace, app: Connected) -> None:
    await workspace.post("ada", "D0ADA", "@Threadsmith hello")
    await until(lambda: app.events("message"))
    assert [body["event"]["channel_type"] for body in app.bodies] == ["im"]


async def test_the_bots_own_words_come_back(
    workspace: Workspace, app: Connected, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0SHOP", text="hello")
    (body,) = await until(lambda: app.events("message"))
    assert body["event"]["bot_id"] == "B0BOT"
    assert "subtype" not in body["event"]


async def test_edits_and_deletions(workspace: Workspace, app: Connected) -> None:
    ts = await workspace.post("ada", "shop", "one")
    await workspace.edit("shop", ts, "two")
    await workspace.delete("shop", ts)
    await until(lambda: len(app.bodies) == 3)
    kinds = {body["event"].get("subtype"): body["event"] for body in app.bodies}
    assert kinds["message_changed"]["message"]["text"] == "two"
    assert kinds["message_changed"]["previous_message"]["text"] == "one"
    assert kinds["message_deleted"]["deleted_ts"] == ts
    assert workspace.messages("shop") == []


async def test_a_deleted_parent_keeps_its_replies(workspace: Workspace) -> None:
    ts = await workspace.post("ada", "shop", "one")
    await workspace.post("grace", "shop", "two", thread_ts=ts)
    await workspace.delete("shop", ts)
    parent, reply = workspace.messages("shop", ts)
    assert (parent["subtype"], reply["text"]) == ("tombstone", "two")


async def test_what_was_said_meanwhile_comes_after_a_reconnection(
    workspace: Workspace, app: Connected
) -> None:
    await workspace.drop_sockets()
    ts = await workspace.post("ada", "shop", "@Threadsmith still there?")
    await until(lambda: len({body["event_id"] for body in app.bodies}) == 2, 60)
    assert {body["event"]["ts"] for body in app.bodies} == {ts}


async def test_files_of_people(workspace: Workspace, app: Connected) -> None:
    await workspace.post("ada", "shop", "see", files={"a b?.txt": b"hello"})
    (body,) = await until(lambda: app.events("message"))
    assert body["event"]["subtype"] == "file_share"
    (file,) = body["event"]["files"]
    session = app.bolt.client.session
    assert session is not None
    wanted = {"Authorization": f"Bearer {workspace.bot_token}"}
    async with session.get(file["url_private_download"], headers=wanted) as answer:
        assert await answer.read() == b"hello"
    async with session.get(file["url_private_download"]) as answer:
        assert answer.status == 404
