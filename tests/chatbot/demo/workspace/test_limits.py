"""At Slack's limits a message passes; one beyond, it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.limits import check_message

Json = dict[str, Any]


def _section(length: int) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def _header(length: int) -> Json:
    return {"type": "header", "text": {"type": "plain_text", "text": "x" * length}}


def _context(count: int) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * count}


def _actions(count: int, *, text: int = 1, value: int = 1) -> Json:
    words = {"type": "plain_text", "text": "x" * text}
    button = {"type": "button", "text": words, "value": "x" * value}
    return {"type": "actions", "elements": [{**button, "action_id": f"{n}"} for n in range(count)]}


def _card(number: int = 1, status: str = "pending", **more: Any) -> Json:
    return {"type": "task_card", "task_id": f"{number}", "title": "x", "status": status, **more}


def _plan(count: int) -> Json:
    return {"type": "plan", "title": "x", "tasks": [_card(number) for number in range(count)]}


def _container(count: int) -> Json:
    title = {"type": "plain_text", "text": "x"}
    return {"type": "container", "title": title, "child_blocks": [_section(1)] * count}


def _rich(text: str) -> Json:
    inner = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inner]}


def _table(rows: int, columns: int) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def _markdown(length: int) -> Json:
    return {"type": "markdown", "text": "x" * length}


@pytest.mark.parametrize(
    "blocks",
    [
        [_section(1)] * 50,
        [_section(3000), _header(150), _context(10), _actions(25)],
        [_actions(1, text=75, value=2000)],
        [_plan(50)],
        [_card(status="error", details=_rich("x"), output=_rich("y"))],
        [_container(10)],
        [_table(100, 20)],
        [{**_table(1, 2), "column_settings": [None, {"align": "right", "is_wrapped": True}]}],
        [_markdown(6000), _markdown(6000)],
    ],
)
def test_at_the_limit(blocks: list[Json]) -> None:
    check_message({"text": "x", "blocks": blocks})


@pytest.mark.parametrize(
    "blocks",
    [
        [_section(1)] * 51,
        [_section(3001)],
        [_section(0)],
        [_header(151)],
        [_context(11)],
        [_actions(26)],
        [_actions(0)],
        [_actions(1, text=76)],
        [_actions(1, value=2001)],
        [{"type": "actions", "elements": _actions(1)["elements"] * 2}],
        [_plan(51)],
        [{**_plan(0), "tasks": [_card(1), _card(1)]}],
        [_card(status="done")],
        [_card(details="words")],
        [_card(output=_rich(""))],
        [_container(11)],
        [{**_container(1), "child_blocks": [_section(3001)]}],
        [_table(101, 1)],
        [_table(1, 1), _table(1, 1)],
        [_table(1, 1), {**_container(1), "child_blocks": [_table(1, 1)]}],
        [{**_table(1, 1), "column_settings": [{"align": "middle"}]}],
        [{**_table(1, 1), "column_settings": [{"is_wrapped": "yes"}]}],
        [{"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}],
        [{"type": "table", "rows": [[{"type": "raw_number", "value": "1", "text": "1"}]]}],
        [_table(1, 21)],
        [{"type": "unheard_of"}],
        [_section(1) | {"block_id": "a"}, _section(1) | {"block_id": "a"}],
    ],
)
def test_beyond_the_limit(blocks: list[Json]) -> None:
    with pytest.raises(ApiError, match="invalid_blocks"):
        check_message({"text": "x", "blocks": blocks})


def test_all_words_together() -> None:
    with pytest.raises(ApiError, match="msg_blocks_too_long"):
        check_message({"blocks": [_markdown(6000), _markdown(6001)]})
    check_message({"blocks": [_markdown(6000), _markdown(6000)]})


async def test_words_beyond_forty_thousand_are_cut_off(client: AsyncWebClient) -> None:
    said = await client.chat_postMessage(channel="C0SHOP", text="x" * 40_001)
    assert len(said["message"]["text"]) == 40_000
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel="C0SHOP", ts=str(said["ts"]), text="x" * 40_001)


async def test_an_update_beyond_the_limits_changes_nothing(client: AsyncWebClient) -> None:
    said = await client.chat_postMessage(channel="C0SHOP", text="one")
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await client.chat_update(
            channel="C0SHOP", ts=str(said["ts"]), text="two", blocks=[_section(3001)]
        )
    [message] = (await client.conversations_history(channel="C0SHOP"))["messages"]
    assert (message["text"], "edited" in message) == ("one", False)


@pytest.mark.parametrize("blocks", ["{}", '"text"', "[1]", "nonsense"])
async def test_blocks_that_are_no_list_of_objects(client: AsyncWebClient, blocks: str) -> None:
    sent = {"channel": "C0SHOP", "text": "x", "blocks": blocks}
    with pytest.raises(SlackApiError, match="invalid_blocks_format"):
        await client.api_call("chat.postMessage", data=sent)


@pytest.mark.parametrize(
    "metadata",
    [{"event_payload": {}}, {"event_type": "a"}, {"event_type": "", "event_payload": {}}, "a"],
)
async def test_metadata_has_type_and_payload(client: AsyncWebClient, metadata: Any) -> None:
    with pytest.raises(SlackApiError, match="invalid_metadata_format"):
        await client.chat_postMessage(channel="C0SHOP", text="x", metadata=metadata)


async def test_the_answer_says_why(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0SHOP", text="x", blocks=[_section(3001)])
    answer = refused.value.response
    assert answer["error"] == "invalid_blocks"
    (message,) = answer["response_metadata"]["messages"]
    words = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert (message, answer["errors"]) == (f"[ERROR] {words}", [words])
