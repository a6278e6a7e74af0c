"""Slack's documented limits on messages and modals, held strictly."""

from __future__ import annotations

import json
from typing import Any

from chatbot.demo.workspace.blocks import (
    MAX_MARKDOWN,
    MESSAGE_BLOCKS,
    VIEW_BLOCKS,
    check_blocks,
)
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.faults import Faults

Json = dict[str, Any]

MAX_BLOCKS, MAX_VIEW_BLOCKS = 50, 100
MAX_TEXT = 40_000
"""What is beyond it is cut off."""
MAX_CELLS_TEXT = 10_000
"""Of all cells of a table."""
MAX_ATTACHMENTS = 100
MAX_TABLE_TEXT = 20_000
"""Of all data tables of a message."""
MAX_ALL_BLOCK_TEXT = 13_200
"""Over all blocks; more is answered with msg_blocks_too_long."""
MAX_VIEW_BYTES = 250 * 1024
MAX_METADATA_BYTES = 16 * 1024


def check_message(message: Json) -> None:
    """Raise ApiError as Slack would refuse the message."""
    blocks = message.get("blocks")
    blocks = [] if blocks is None or blocks == "" else blocks
    text, markdown = message.get("text") or "", message.get("markdown_text") or ""
    if markdown and (text or blocks):
        raise ApiError("markdown_text_conflict")
    if len(markdown) > MAX_MARKDOWN:
        raise ApiError("msg_too_long")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ApiError("invalid_blocks_format")
    if not blocks and not text.strip() and not markdown and not message.get("attachments"):
        raise ApiError("no_text")
    attachments = message.get("attachments")
    if isinstance(attachments, list) and len(attachments) > MAX_ATTACHMENTS:
        raise ApiError("too_many_attachments")
    faults = Faults()
    check_blocks(faults, blocks, "/blocks", MESSAGE_BLOCKS, MAX_BLOCKS)
    kinds = [block.get("type") for block in blocks]
    if "plan" in kinds and "task_card" in kinds:
        faults.add("/blocks", "plan and task_card blocks cannot stand in one message")
    flat = _flat(blocks)
    tables = [block.get("rows") for block in flat if block.get("type") == "table"]
    if len(tables) > 1:
        faults.add("/blocks", "only_one_table_allowed")
    if text_length(tables) > MAX_CELLS_TEXT:
        faults.add("/blocks", f"no more than {MAX_CELLS_TEXT} characters in a table")
    # Of the same depth they are held apart where they stand.
    faults.unique(_ids(blocks), "/blocks", "block_id")
    if faults.found:
        raise ApiError("invalid_blocks", messages=faults.found)
    _check_sizes(blocks)
    _check_metadata(message.get("metadata"))


def check_view(view: Json) -> None:
    """Raise ApiError as Slack would refuse the modal or home tab."""
    faults = Faults()
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        faults.add("/view/type", "must be a valid enum value: home, modal")
    required = ("title", "blocks") if kind == "modal" else ("blocks",)
    optional = {"private_metadata", "callback_id", "external_id"}
    if kind != "home":
        optional |= {"clear_on_close", "notify_on_close", "title", "submit", "close"}
        optional |= {"submit_disabled"}
    if faults.fields(view, "/view", required, optional):
        check_blocks(faults, view["blocks"], "/view/blocks", VIEW_BLOCKS, MAX_VIEW_BLOCKS)
    faults.texts(view, "/view", plain=True, title=24, submit=24, close=24)
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if view.get(name) is not None:
            faults.string(view[name], f"/view/{name}", most, least=0)
    listed = [block for block in view.get("blocks") or [] if isinstance(block, dict)]
    if kind == "modal" and "submit" not in view and any(b.get("type") == "input" for b in listed):
        faults.add("/view", "missing required field: submit")
    if sum(_is_focused(block) for block in listed) > 1:
        faults.add("/view", "only one element may have focus_on_load")
    if faults.found:
        raise ApiError("invalid_arguments", messages=faults.found)
    if len(json.dumps(view)) > MAX_VIEW_BYTES:
        raise ApiError("view_too_large")


def _check_sizes(blocks: list[Json]) -> None:
    flat = _flat(blocks)
    markdown = sum(len(block["text"]) for block in flat if block["type"] == "markdown")
    tables = sum(text_length(block["rows"]) for block in flat if block["type"] == "data_table")
    rest = text_length([block for block in blocks if block["type"] != "data_table"])
    if markdown > MAX_MARKDOWN or tables > MAX_TABLE_TEXT or rest > MAX_ALL_BLOCK_TEXT:
        raise ApiError("msg_blocks_too_long")


def _is_focused(block: Json) -> bool:
    element = block.get("element")
    return isinstance(element, dict) and element.get("focus_on_load") is True


def _ids(blocks: list[Json]) -> list[Any]:
    """Those in containers, and those beside them, each once at its own depth."""
    outer = {name for block in blocks if isinstance(name := block.get("block_id"), str)}
    inside = [child.get("block_id") for child in _flat(blocks)[len(blocks) :]]
    return [*outer, *inside]


def _flat(blocks: list[Json]) -> list[Json]:
    """Those in containers too."""
    inside = [block.get("child_blocks") for block in blocks]
    children = [child for listed in inside if isinstance(listed, list) for child in listed]
    return [block for block in (*blocks, *children) if isinstance(block, dict)]


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    known = isinstance(metadata, dict) and isinstance(metadata.get("event_payload"), dict)
    if not known or not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise ApiError("invalid_metadata_format")
    if len(json.dumps(metadata)) > MAX_METADATA_BYTES:
        raise ApiError("metadata_too_large")


def text_length(value: Any) -> int:
    """What is shown of blocks, roughly: the strings under `text`, and titles."""
    if isinstance(value, dict):
        return sum(
            len(inner)
            if isinstance(inner, str) and name in {"text", "title"}
            else text_length(inner)
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return sum(text_length(inner) for inner in value)
    return 0
