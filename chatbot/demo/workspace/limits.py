"""Slack's documented limits on messages and modals, held strictly."""

from __future__ import annotations

from typing import Any

from chatbot.demo.workspace.errors import ApiError

Json = dict[str, Any]

MAX_BLOCKS, MAX_VIEW_BLOCKS = 50, 100
MAX_TEXT = 40_000
MAX_MARKDOWN = 12_000
MAX_ALL_BLOCK_TEXT = 13_200
"""Over all blocks; more is answered with msg_blocks_too_long."""
TASK_STATUSES = {"pending", "in_progress", "complete", "error"}
MESSAGE_BLOCKS = {
    "actions", "alert", "card", "carousel", "container", "context", "context_actions",
    "data_table", "divider", "file", "header", "image", "markdown", "plan", "rich_text",
    "section", "table", "task_card", "video",
}  # fmt: skip
VIEW_BLOCKS = MESSAGE_BLOCKS - {"markdown", "plan", "task_card", "file"} | {"input"}


def check_message(message: Json) -> None:
    """Raise ApiError as Slack would refuse the message."""
    blocks = message.get("blocks") or []
    text = message.get("text") or message.get("markdown_text") or ""
    if not blocks and not text and not message.get("attachments"):
        raise ApiError("no_text")
    if len(text) > MAX_TEXT:
        raise ApiError("msg_too_long")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ApiError("invalid_blocks_format")
    faults = _check_blocks(blocks, MESSAGE_BLOCKS, MAX_BLOCKS)
    if faults:
        raise ApiError("invalid_blocks", messages=faults)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MAX_MARKDOWN or _text_length(blocks) > MAX_ALL_BLOCK_TEXT:
        raise ApiError("msg_blocks_too_long")
    metadata = message.get("metadata")
    if metadata and not (metadata.get("event_type") and "event_payload" in metadata):
        raise ApiError("invalid_metadata_format")


def check_view(view: Json) -> None:
    """Raise ApiError as Slack would refuse the modal or home tab."""
    faults = []
    if view.get("type") not in {"modal", "home"}:
        faults.append("[ERROR] unsupported type")
    for name in ("title", "submit", "close"):
        if name in view:
            faults += _text(view[name], 24, name, plain=True)
    if view.get("type") == "modal" and "title" not in view:
        faults.append("[ERROR] missing required field: title")
    if len(view.get("private_metadata", "")) > 3000:
        faults.append("[ERROR] private_metadata must be less than 3001 characters")
    if len(view.get("callback_id", "")) > 255:
        faults.append("[ERROR] callback_id must be less than 256 characters")
    faults += _check_blocks(view.get("blocks") or [], VIEW_BLOCKS, MAX_VIEW_BLOCKS)
    has_input = any(block.get("type") == "input" for block in view.get("blocks") or [])
    if has_input and "submit" not in view:
        faults.append("[ERROR] submit is required with input blocks")
    if faults:
        raise ApiError("invalid_arguments", messages=faults)


def _check_blocks(blocks: list[Json], known: set[str], most: int) -> list[str]:
    if len(blocks) > most:
        return [f"[ERROR] no more than {most} items allowed [json-pointer:/blocks]"]
    faults: list[str] = []
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        faults.append("[ERROR] block_id must be unique")
    for index, block in enumerate(blocks):
        kind = block.get("type")
        found = [f"[ERROR] unsupported type: {kind}"] if kind not in known else _check_block(block)
        if len(block.get("block_id") or "") > 255:
            found.append("[ERROR] block_id must be less than 256 characters")
        faults += [f"{fault} [json-pointer:/blocks/{index}]" for fault in found]
    actions = [e["action_id"] for block in blocks for e in _elements(block) if e.get("action_id")]
    for block in blocks:
        own = [element.get("action_id") for element in _elements(block)]
        if len(own) != len(set(own)):
            faults.append("[ERROR] action_id must be unique within a block")
    if any(len(action) > 255 for action in actions):
        faults.append("[ERROR] action_id must be less than 256 characters")
    return faults


def _elements(block: Json) -> list[Json]:
    return list(block.get("elements") or []) if block.get("type") == "actions" else []


def _check_block(block: Json) -> list[str]:
    match block["type"]:
        case "section":
            return _check_section(block)
        case "header":
            return _text(block.get("text"), 150, "text", plain=True)
        case "context":
            return _count(block, "elements", 1, 10) + [
                fault
                for element in block.get("elements") or []
                if element.get("type") in {"mrkdwn", "plain_text"}
                for fault in _text(element, 2000, "element")
            ]
        case "actions":
            return _count(block, "elements", 1, 25) + [
                fault for element in block.get("elements") or [] for fault in _element(element)
            ]
        case "markdown":
            return _length(block.get("text"), MAX_MARKDOWN, "text")
        case "rich_text":
            return _rich_text(block)
        case "plan":
            return _plan(block)
        case "task_card":
            return _task_card(block)
        case "table":
            return _table(block)
        case "container":
            return _container(block)
        case "context_actions":
            return _count(block, "elements", 1, 5)
        case "alert":
            return _length(block.get("text"), 3000, "text")
        case "image":
            return _length(block.get("alt_text"), 2000, "alt_text")
        case "input":
            return _text(block.get("label"), 2000, "label", plain=True) + _element(
                block.get("element") or {}
            )
        case _:
            return []


def _container(block: Json) -> list[str]:
    """Children are held as blocks of their own; only so deep."""
    children = block.get("child_blocks") or []
    inner = MESSAGE_BLOCKS - {"container", "plan", "task_card"}
    faults = _check_blocks(children, inner, 10) if children else []
    title = _length(block["title"], 150, "title") if "title" in block else []
    return _count(block, "child_blocks", 1, 10) + title + faults


def _check_section(block: Json) -> list[str]:
    faults = _text(block["text"], 3000, "text") if "text" in block else []
    fields = block.get("fields") or []
    if "text" not in block and not fields:
        faults.append("[ERROR] missing required field: text or fields")
    if len(fields) > 10:
        faults.append("[ERROR] no more than 10 items allowed: fields")
    for entry in fields:
        faults += _text(entry, 2000, "field")
    return faults + (_element(block["accessory"]) if "accessory" in block else [])


def _element(element: Json) -> list[str]:
    kind = element.get("type")
    if not kind:
        return ["[ERROR] missing required field: type"]
    faults = []
    if kind in {"button", "workflow_button"}:
        faults += _text(element.get("text"), 75, "text", plain=True)
        if element.get("style") not in {None, "primary", "danger"}:
            faults.append("[ERROR] invalid style")
    if len(element.get("value") or "") > 2000:
        faults.append("[ERROR] value must be less than 2001 characters")
    if len(element.get("url") or "") > 3000:
        faults.append("[ERROR] url must be less than 3001 characters")
    for option in element.get("options") or []:
        faults += _text(option.get("text"), 75, "option") + _length(
            option.get("value"), 150, "value"
        )
    if "placeholder" in element:
        faults += _text(element["placeholder"], 150, "placeholder", plain=True)
    confirm = element.get("confirm")
    if confirm:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            faults += _text(confirm.get(name), most, name)
    return faults


def _plan(block: Json) -> list[str]:
    faults = _length(block.get("title"), 256, "title")
    tasks = block.get("tasks") or []
    if len(tasks) > 50:
        faults.append("[ERROR] no more than 50 items allowed: tasks")
    ids = [task.get("task_id") for task in tasks]
    if len(ids) != len(set(ids)):
        faults.append("[ERROR] task_id must be unique")
    return faults + [fault for task in tasks for fault in _task_card(task)]


def _task_card(card: Json) -> list[str]:
    faults = _length(card.get("title"), 256, "title") + _length(card.get("task_id"), 255, "task_id")
    if card.get("status") not in TASK_STATUSES:
        faults.append("[ERROR] invalid status")
    for name in ("details", "output"):
        if name in card:
            value = card[name]
            if not isinstance(value, dict) or value.get("type") != "rich_text":
                faults.append(f"[ERROR] {name} must be a rich_text block")
            else:
                faults += _rich_text(value)
    return faults


def _rich_text(block: Json) -> list[str]:
    faults = _count(block, "elements", 1, 1000)
    known = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    for element in block.get("elements") or []:
        if element.get("type") not in known:
            faults.append(f"[ERROR] unsupported type: {element.get('type')}")
        for inner in element.get("elements") or []:
            if inner.get("type") == "text" and not inner.get("text"):
                faults.append("[ERROR] text must be more than 0 characters")
    return faults


def _table(block: Json) -> list[str]:
    rows = block.get("rows") or []
    faults = _count(block, "rows", 1, 100)
    if any(len(row) > 20 for row in rows):
        faults.append("[ERROR] no more than 20 columns allowed")
    return faults


def _text(value: Any, most: int, name: str, *, plain: bool = False) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in {"plain_text", "mrkdwn"}:
        return [f"[ERROR] missing required field: {name}"]
    if plain and value["type"] != "plain_text":
        return [f"[ERROR] {name} must be plain_text"]
    return _length(value.get("text"), most, name)


def _length(value: Any, most: int, name: str) -> list[str]:
    text = value.get("text") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text:
        return [f"[ERROR] must be more than 0 characters: {name}"]
    return [f"[ERROR] must be less than {most + 1} characters: {name}"] if len(text) > most else []


def _count(block: Json, name: str, least: int, most: int) -> list[str]:
    found = len(block.get(name) or [])
    if least <= found <= most:
        return []
    return [f"[ERROR] must have {least} to {most} items: {name}"]


def _text_length(value: Any) -> int:
    """What is shown of a block, roughly: the strings under `text`, titles included."""
    if isinstance(value, dict):
        return sum(
            len(inner)
            if isinstance(inner, str) and name in {"text", "title"}
            else _text_length(inner)
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return sum(_text_length(inner) for inner in value)
    return 0
