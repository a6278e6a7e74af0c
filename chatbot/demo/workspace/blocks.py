"""Limits of blocks: required fields, sizes, and what may stand in a message, a modal, a home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbot.demo.workspace.elements import (
    ACCESSORIES,
    ACTIONS,
    CONTEXT_ACTIONS,
    INPUTS,
    check_element,
    check_image,
)
from chatbot.demo.workspace.faults import Faults
from chatbot.demo.workspace.rich_text import check_rich_text, check_rich_text_object

Json = dict[str, Any]

MAX_MARKDOWN = 12_000
TASK_STATUSES = {"pending", "in_progress", "complete", "error"}
COMMON = {
    *("actions", "alert", "card", "carousel", "container", "context"),
    *("divider", "header", "image", "rich_text", "section", "video"),
}
_TABLES = {"context_actions", "data_table", "table"}
"""These stand in messages alone."""
MESSAGE_BLOCKS = COMMON | _TABLES | {"file", "markdown", "plan", "task_card"}
VIEW_BLOCKS = COMMON | {"input"}
CHILD_BLOCKS = COMMON - {"container"} | _TABLES | {"markdown"}
ALERT_LEVELS = {"default", "info", "warning", "error", "success"}
CELLS = {"raw_text", "raw_number", "rich_text"}
MAX_CELL = 2000


def check_blocks(faults: Faults, blocks: list[Any], at: str, known: set[str], most: int) -> None:
    """All blocks of one message, view or container."""
    listed = list(faults.items(blocks, at, 0, most))
    faults.unique([block.get("block_id") for _, block in listed], at, "block_id")
    for place, block in listed:
        check_block(faults, block, place, known)


def check_block(faults: Faults, block: Json, at: str, known: set[str]) -> None:
    kind = faults.kind(block, at, known)
    if not kind:
        return
    faults.strings(block, at, block_id=255)
    if kind in _FIELDS:
        required, optional = _FIELDS[kind]
        if not faults.fields(block, at, required, (*optional, "block_id")):
            return
    if kind in _RULES:
        _RULES[kind](faults, block, at)


def _section(faults: Faults, block: Json, at: str) -> None:
    if block.get("text") is None and block.get("fields") is None:
        faults.add(at, "must define either `text` or `fields`")
    faults.texts(block, at, text=3000)
    if block.get("fields") is not None:
        for place, part in faults.items(block["fields"], f"{at}/fields", 1, 10):
            faults.text(part, place, 2000)
    if block.get("accessory") is not None:
        check_element(faults, block["accessory"], f"{at}/accessory", ACCESSORIES)


def _header(faults: Faults, block: Json, at: str) -> None:
    faults.text(block["text"], f"{at}/text", 150, plain=True)


def _context(faults: Faults, block: Json, at: str) -> None:
    for place, part in faults.items(block["elements"], f"{at}/elements", 1, 10):
        if part.get("type") == "image":
            check_image(faults, part, place)
        else:
            faults.text(part, place, 2000)


def _row(known: set[str], most: int) -> Callable[[Faults, Json, str], None]:
    """A row of elements, each with an action of its own."""

    def check(faults: Faults, block: Json, at: str) -> None:
        listed = list(faults.items(block["elements"], f"{at}/elements", 1, most))
        for place, element in listed:
            check_element(faults, element, place, known)
        ids = [element.get("action_id") for _, element in listed]
        faults.unique(ids, f"{at}/elements", "action_id")

    return check


def _markdown(faults: Faults, block: Json, at: str) -> None:
    faults.string(block["text"], f"{at}/text", MAX_MARKDOWN)


def _image(faults: Faults, block: Json, at: str) -> None:
    shown = {name: value for name, value in block.items() if name not in {"title", "block_id"}}
    check_image(faults, shown, at)
    faults.texts(block, at, plain=True, title=2000)


def _plan(faults: Faults, block: Json, at: str) -> None:
    faults.string(block["title"], f"{at}/title", 256)
    listed = list(faults.items(block.get("tasks") or [], f"{at}/tasks", 0, 50))
    for place, card in listed:
        check_block(faults, card, place, {"task_card"})
    faults.unique([card.get("task_id") for _, card in listed], f"{at}/tasks", "task_id")


def _task_card(faults: Faults, card: Json, at: str) -> None:
    faults.string(card["title"], f"{at}/title", 256)
    faults.string(card["task_id"], f"{at}/task_id", 255)
    faults.choice(card, at, "status", TASK_STATUSES)
    for name in ("details", "output"):
        if card.get(name) is not None:
            check_rich_text_object(faults, card[name], f"{at}/{name}")
    for place, source in faults.items(card.get("sources") or [], f"{at}/sources", 0, 50):
        if faults.fields(source, place, ("url", "text")):
            faults.kind(source, place, {"url"})
        faults.urls(source, place, "url")


def _table(faults: Faults, block: Json, at: str) -> None:
    _rows(faults, block["rows"], f"{at}/rows", 1, 100)
    settings = block.get("column_settings")
    for place, setting in faults.cells(settings or [], f"{at}/column_settings", 0, 20):
        # A column may be left as it is by null.
        if setting is not None and faults.is_object(setting, place):
            faults.fields(setting, place, (), ("align", "is_wrapped"))
            faults.choice(setting, place, "align", {"left", "center", "right"})
            faults.flags(setting, place, "is_wrapped")


def _data_table(faults: Faults, block: Json, at: str) -> None:
    _rows(faults, block["rows"], f"{at}/rows", 2, 201)
    head = block["rows"][0] if isinstance(block["rows"], list) and block["rows"] else None
    if isinstance(head, list) and any(_kind(cell) == "rich_text" for cell in head):
        faults.add(f"{at}/rows/0", "the head holds no rich_text")
    faults.string(block["caption"], f"{at}/caption", 255)
    size = block.get("page_size", 1)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 100:
        faults.add(f"{at}/page_size", "must be between 1 and 100")


def _rows(faults: Faults, rows: object, at: str, least: int, most: int) -> None:
    widths = set()
    for place, row in faults.cells(rows, at, least, most):
        for inner, cell in faults.items(row, place, 1, 20):
            _cell(faults, cell, inner)
        widths.add(len(row) if isinstance(row, list) else 0)
    if len(widths) > 1:
        faults.add(at, "all rows must have as many cells")


def _kind(cell: object) -> object:
    return cell.get("type") if isinstance(cell, dict) else None


def _cell(faults: Faults, cell: Json, at: str) -> None:
    kind = faults.kind(cell, at, CELLS)
    if kind == "rich_text":
        check_rich_text_object(faults, cell, at)
    elif kind == "raw_text" and faults.fields(cell, at, ("text",)):
        faults.string(cell["text"], f"{at}/text", MAX_CELL)
    elif kind == "raw_number" and faults.fields(cell, at, ("value", "text")):
        faults.string(cell["text"], f"{at}/text", MAX_CELL)
        if isinstance(cell["value"], bool) or not isinstance(cell["value"], int | float):
            faults.add(f"{at}/value", "must be a number")


def _container(faults: Faults, block: Json, at: str) -> None:
    if block.get("title") is None and block.get("rich_text_title") is None:
        faults.add(at, "must define either `title` or `rich_text_title`")
    faults.texts(block, at, plain=True, title=150)
    faults.texts(block, at, subtitle=150)
    if block.get("rich_text_title") is not None:
        check_rich_text_object(faults, block["rich_text_title"], f"{at}/rich_text_title")
    faults.choice(block, at, "width", {"narrow", "standard", "wide", "full"})
    faults.flags(block, at, "is_collapsible", "default_collapsed", "has_header_divider")
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        faults.add(f"{at}/default_collapsed", "requires `is_collapsible`")
    if block.get("icon") is not None and faults.is_object(block["icon"], f"{at}/icon"):
        check_image(faults, block["icon"], f"{at}/icon")
    if block["child_blocks"] == []:
        faults.add(f"{at}/child_blocks", "must have at least 1 items")
    check_blocks(faults, block["child_blocks"], f"{at}/child_blocks", CHILD_BLOCKS, 10)


def _alert(faults: Faults, block: Json, at: str) -> None:
    faults.text(block["text"], f"{at}/text", 200)
    faults.choice(block, at, "level", ALERT_LEVELS)


def _card(faults: Faults, block: Json, at: str) -> None:
    if not any(block.get(name) for name in ("hero_image", "title", "actions", "body")):
        faults.add(at, "must define one of `hero_image`, `title`, `actions`, `body`")
    faults.texts(block, at, title=150, subtitle=150, body=200)
    for name in ("hero_image", "icon"):
        if block.get(name) is not None and faults.is_object(block[name], f"{at}/{name}"):
            check_image(faults, block[name], f"{at}/{name}")
    if block.get("actions") is not None:
        for place, element in faults.items(block["actions"], f"{at}/actions", 1, 3):
            check_element(faults, element, place, {"button"})


def _carousel(faults: Faults, block: Json, at: str) -> None:
    for place, card in faults.items(block["elements"], f"{at}/elements", 1, 10):
        check_block(faults, card, place, {"card"})


def _input(faults: Faults, block: Json, at: str) -> None:
    faults.text(block["label"], f"{at}/label", 2000, plain=True)
    faults.texts(block, at, plain=True, hint=2000)
    faults.flags(block, at, "optional", "dispatch_action")
    check_element(faults, block["element"], f"{at}/element", INPUTS)


Fields = tuple[tuple[str, ...], tuple[str, ...]]
_FIELDS: dict[str, Fields] = {
    "section": ((), ("text", "fields", "accessory", "expand")),
    "header": (("text",), ("level",)),
    "divider": ((), ()),
    "context": (("elements",), ()),
    "actions": (("elements",), ()),
    "context_actions": (("elements",), ()),
    "markdown": (("text",), ()),
    "rich_text": (("elements",), ()),
    "image": (("alt_text",), ("image_url", "slack_file", "title")),
    "plan": (("title",), ("tasks",)),
    "task_card": (
        ("task_id", "title", "status"),
        ("details", "output", "sources", "hide_title", "icon"),
    ),
    "table": (("rows",), ("column_settings",)),
    "data_table": (("rows", "caption"), ("page_size", "column_settings")),
    "container": (
        ("child_blocks",),
        (
            *("title", "rich_text_title", "subtitle", "width", "icon", "is_collapsible"),
            *("default_collapsed", "has_header_divider"),
        ),
    ),
    "alert": (("text",), ("level",)),
    "card": ((), ("hero_image", "icon", "title", "subtitle", "body", "actions")),
    "carousel": (("elements",), ()),
    "input": (("label", "element"), ("hint", "optional", "dispatch_action")),
}
_RULES: dict[str, Callable[[Faults, Json, str], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _row(ACTIONS, 25),
    "context_actions": _row(CONTEXT_ACTIONS, 5),
    "markdown": _markdown,
    "rich_text": check_rich_text,
    "image": _image,
    "plan": _plan,
    "task_card": _task_card,
    "table": _table,
    "data_table": _data_table,
    "container": _container,
    "alert": _alert,
    "card": _card,
    "carousel": _carousel,
    "input": _input,
}
