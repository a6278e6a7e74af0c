"""The bot's calls, by the real SDK."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace import Workspace
from tests.chatbot.demo.workspace.conftest import Connected, until

PATCH = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-one\n+two\n"


async def test_who_am_i(workspace: Workspace, client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["team_id"]) == (workspace.bot_user_id, workspace.team_id)
    ada = await client.users_info(user="U0ADA")
    assert ada["user"]["real_name"] == "Ada Young"
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.auth_test(token="xoxb-other")


async def test_a_message_and_its_update(workspace: Workspace, client: AsyncWebClient) -> None:
    root = await workspace.post("ada", "shop", "hello")
    metadata = {"event_type": "plan", "event_payload": {"id": "1"}}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "one"}}]
    sent = await client.chat_postMessage(
        channel="C0SHOP", thread_ts=root, text="one", blocks=blocks, metadata=metadata
    )
    ts = str(sent["ts"])
    await client.chat_update(channel="C0SHOP", ts=ts, text="two")
    parent, reply = workspace.messages("shop", root)
    assert (parent["reply_count"], parent["latest_reply"]) == (1, ts)
    assert (reply["text"], reply["edited"]["user"]) == ("two", workspace.bot_user_id)
    assert reply["blocks"][0]["block_id"]
    await client.chat_update(channel="C0SHOP", ts=ts, text="two", blocks=[])
    answer = await client.conversations_replies(
        channel="C0SHOP", ts=root, limit=1, include_all_metadata=True
    )
    assert answer["has_more"]
    cursor = answer["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(
        channel="C0SHOP", ts=root, cursor=cursor, include_all_metadata=True
    )
    assert rest["messages"][0]["metadata"] == metadata
    assert rest["messages"][0]["blocks"] == []
    assert workspace.messages("shop") == [parent]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NONE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0SHOP", "text": ""}, "no_text"),
        ({"channel": "C0SHOP", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
    ],
)
async def test_refused_messages(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError, match=error):
        await client.api_call("chat.postMessage", json=arguments)


async def test_only_own_messages_are_updated(workspace: Workspace, client: AsyncWebClient) -> None:
    ts = await workspace.post("ada", "shop", "hello")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel="C0SHOP", ts=ts, text="bye")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C0SHOP", ts="1.0", text="bye")


async def test_reactions(workspace: Workspace, app: Connected, client: AsyncWebClient) -> None:
    ts = await workspace.post("ada", "shop", "hello")
    await client.reactions_add(channel="C0SHOP", timestamp=ts, name="eyes")
    assert workspace.reactions("shop", ts) == {"eyes"}
    with pytest.raises(SlackApiError, match="already_reacted"):
        await client.reactions_add(channel="C0SHOP", timestamp=ts, name="eyes")
    await client.reactions_remove(channel="C0SHOP", timestamp=ts, name="eyes")
    assert workspace.reactions("shop", ts) == set()
    with pytest.raises(SlackApiError, match="no_reaction"):
        await client.reactions_remove(channel="C0SHOP", timestamp=ts, name="eyes")
    (added,) = await until(lambda: app.events("reaction_added"))
    assert added["event"]["item"] == {"type": "message", "channel": "C0SHOP", "ts": ts}
    await until(lambda: app.events("reaction_removed"))


async def test_a_patch_is_shared_once(workspace: Workspace, client: AsyncWebClient) -> None:
    root = await workspace.post("ada", "shop", "hello")
    answer = await client.files_upload_v2(
        channel="C0SHOP",
        thread_ts=root,
        filename="fix.diff",
        title="The patch",
        content=PATCH,
        snippet_type="diff",
    )
    _, reply = workspace.messages("shop", root)
    (file,) = reply["files"]
    assert (file["name"], file["title"], file["filetype"]) == ("fix.diff", "The patch", "diff")
    assert (file["mode"], file["size"]) == ("snippet", len(PATCH))
    assert workspace.file(file["id"]) == PATCH
    again = [{"id": answer["files"][0]["id"]}]
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_completeUploadExternal(files=again, channel_id="C0SHOP")


async def test_an_upload_has_the_length_it_announced(client: AsyncWebClient) -> None:
    answer = await client.files_getUploadURLExternal(filename="x", length=3)
    assert client.session is not None
    async with client.session.post(str(answer["upload_url"]), data=b"four") as refused:
        assert refused.status == 400
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_completeUploadExternal(files=[{"id": str(answer["file_id"])}])


async def test_faults_and_calls(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.fail_next("chat.postMessage", "is_archived")
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel="C0SHOP", text="one")
    assert workspace.messages("shop") == []
    workspace.fail_next("chat.postMessage", status=500, after=True)
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel="C0SHOP", text="two")
    assert [message["text"] for message in workspace.messages("shop")] == ["two"]
    assert [call.arguments["text"] for call in workspace.calls] == ["one", "two"]


async def test_agent_sessions_are_not_there(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="feature_disabled"):
        await client.api_call("agents.sessions.setStatus", json={"status": "processing"})
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("nothing.known")
