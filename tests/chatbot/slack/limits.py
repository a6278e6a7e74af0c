"""Slack's limits and our promises about untrusted words, held against a message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block as SdkBlock

from chatbot.demo.workspace import limits as workspace
from chatbot.demo.workspace.errors import ApiError

OWN_SEQUENCES = re.compile(
    r"<@[UW][A-Z0-9]{2,}>|<!date\^\d+\^\{time\}\|\d\d:\d\d UTC>"
    r"|<!date\^\d+\^\{date_short_pretty\} at \{time\}\|\d+ \w+, \d\d:\d\d UTC>|<https?://[^<>|\s]+\|[^<>|]*>"
)


def check_message(text: str, blocks: list[dict[str, Any]]) -> None:
    """Raise AssertionError for the first limit or promise that is broken."""
    try:
        workspace.check_message({"text": text, "blocks": blocks})
    except ApiError as error:
        raise AssertionError(f"{error}: {error.messages}") from error
    assert 0 < len(text) <= 4000
    assert_no_control(text)
    assert len(blocks) <= 50
    for parsed in SdkBlock.parse_all(blocks):
        parsed.to_dict()
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    assert sum(len(block["text"]) for block in blocks if block["type"] == "markdown") <= 12_000
    assert sum(len(word) for word in _strings(blocks)) <= 13_000
    for block in blocks:
        _check_block(block)


def _check_block(block: dict[str, Any]) -> None:
    assert len(block.get("block_id", "")) <= 255
    match block["type"]:
        case "section":
            _check_mrkdwn(block["text"], 3000)
        case "context":
            assert 1 <= len(block["elements"]) <= 10
            for element in block["elements"]:
                _check_mrkdwn(element, 2000)
        case "actions":
            assert 1 <= len(block["elements"]) <= 25
            for element in block["elements"]:
                _check_button(element)
        case "markdown":
            _check_markdown(block["text"])
        case "rich_text":
            _check_rich(block)
        case "plan":
            _check_plan(block)
        case "table":
            _check_table(block)
        case "container":
            # Shown as it is written, without emoji made of it.
            assert not block["title"]["emoji"]
            assert block["title"]["text"].strip()
            for child in block["child_blocks"]:
                _check_block(child)
        case other:
            raise AssertionError(f"unexpected block {other}")


def _check_mrkdwn(text: dict[str, Any], limit: int) -> None:
    assert text["type"] == "mrkdwn"
    assert 0 < len(text["text"]) <= limit
    assert text["text"].strip()
    assert_no_control(text["text"])


def assert_no_control(text: str) -> None:
    """No control sequence stands there but the ones that we write."""
    rest = OWN_SEQUENCES.sub("", text)
    assert "<" not in rest, rest
    assert ">" not in rest, rest
    assert re.search(r"&(?!amp;|lt;|gt;)", rest) is None, rest


def _check_markdown(text: str) -> None:
    assert 0 < len(text) <= 12_000
    assert text.strip()
    assert re.search(r"<[!@#/A-Za-z]|\]\(|\]\[|\]:|!\[|@(channel|here|everyone)\b", text) is None


def _check_button(element: dict[str, Any]) -> None:
    if element["type"] == "external_select":
        assert "options" not in element
        assert len(element["placeholder"]["text"]) <= 150
        return
    assert element["type"] == "button"
    assert 0 < len(element["text"]["text"]) <= 75
    assert len(element["action_id"]) <= 255
    assert len(element.get("value", "")) <= 2000
    assert len(element.get("url", "")) <= 3000


def _check_rich(block: dict[str, Any]) -> None:
    assert block["elements"]
    for element in block["elements"]:
        assert element["type"] in {
            "rich_text_section",
            "rich_text_quote",
            "rich_text_preformatted",
        }
        assert element["elements"]
        for run in element["elements"]:
            # Only literal text: neither links nor mentions can come of it.
            assert run["type"] == "text"
            assert run["text"]


def _check_table(block: dict[str, Any]) -> None:
    columns = {len(row) for row in block["rows"]}
    assert len(columns) == 1
    for cell in (cell for row in block["rows"] for cell in row):
        if cell["type"] == "rich_text":
            _check_rich(cell)
        else:
            assert cell["type"] == "raw_text"
            assert cell["text"]


def _check_plan(block: dict[str, Any]) -> None:
    assert 0 < len(block["title"]) <= 256
    assert 1 <= len(block["tasks"]) <= 50
    ids = [card["task_id"] for card in block["tasks"]]
    assert len(ids) == len(set(ids))
    assert all(ids)
    for card in block["tasks"]:
        assert card["type"] == "task_card"
        assert 0 < len(card["title"]) <= 256
        assert card["title"].strip()
        assert "\n" not in card["title"]
        assert card["status"] in {"pending", "in_progress", "complete", "error"}
        for name in ("details", "output"):
            if name in card:
                _check_rich(card[name])


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _strings(item)
        case list() | tuple():
            for item in value:
                yield from _strings(item)
