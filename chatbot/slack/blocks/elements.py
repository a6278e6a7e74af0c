"""The few pieces of Block Kit that our messages are made of, each within its limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatbot.slack.blocks.text import BREAK, Block, cut, escaped, is_blank, visible

SECTION_LIMIT = 3000
CONTEXT_LIMIT = 2000
FALLBACK_LIMIT = 3000
MARKDOWN_LIMIT = 11_000
"""Slack refuses more than 12,000 characters of Markdown in one message."""
MESSAGE_LIMIT = 12_000
"""Slack has refused messages whose blocks held about 13,200 characters in all."""
BUTTON_LIMIT = 75
CONTAINER_LIMIT = 150
ASKED_FOR = "asked-for:"
"""Before a task's id where not everybody may have its page's address."""
_CODE = re.compile(r"`([^`\n]+)`")
Style = Literal["primary", "danger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One message: its words for notifications, and its blocks."""

    text: str
    blocks: tuple[Block, ...]
    simple: tuple[Block, ...] = ()
    """The same in blocks that every Slack knows, where ``blocks`` needs newer ones."""


def mrkdwn(text: str, limit: int = SECTION_LIMIT) -> Block:
    """Words that are escaped already; addresses and names in them stay as they are."""
    return {"type": "mrkdwn", "text": _whole_lines(text, limit) or " ", "verbatim": True}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    elements = [mrkdwn(text, CONTEXT_LIMIT) for text in texts[:10] if text]
    return {"type": "context", "elements": elements}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(
    label: str,
    action: str,
    value: str,
    *,
    style: Style | None = None,
    confirm: Block | None = None,
) -> Block:
    element: Block = {
        "type": "button",
        "text": plain_text(label, BUTTON_LIMIT),
        "action_id": action,
        "value": value,
    }
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    return element


def link_button(label: str, action: str, url: str) -> Block:
    return {
        "type": "button",
        "text": plain_text(label, BUTTON_LIMIT),
        "action_id": action,
        "url": url,
    }


def footer(page_url: str, *buttons: Block) -> tuple[Block, ...]:
    """The last row of a message; the log's button needs a page to lead to, or to be asked for."""
    elements = [*buttons, *log_button(page_url)]
    return (actions(*elements),) if elements else ()


def log_button(page_url: str) -> list[Block]:
    if page_url.startswith(ASKED_FOR):
        return [button("Log", "show_log", page_url.removeprefix(ASKED_FOR))]
    is_page = page_url.startswith(("https://", "http://"))
    return [link_button("Log", "log", page_url)] if is_page else []


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    return {
        "title": plain_text(title, 100),
        "text": plain_text(text, 300),
        "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30),
    }


def plain_text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": cut(text, limit)}


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def words(text: str, *, italic: bool = False, bold: bool = False, code: bool = False) -> Block:
    """A run of literal text; Slack parses nothing in it."""
    element: Block = {"type": "text", "text": " " if is_blank(text) else visible(text)}
    styles = (("italic", italic), ("bold", bold), ("code", code))
    style = {name: True for name, on in styles if on}
    return element | ({"style": style} if style else {})


def line(*runs: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(runs)}


def quotation(text: str, limit: int) -> Block:
    return {"type": "rich_text_quote", "elements": coded(cut(visible(text), limit))}


def coded(text: str) -> list[Block]:
    """Literal text, in which what stands between backticks is shown as code."""
    parts = [(part, index % 2 == 1) for index, part in enumerate(_CODE.split(text)) if part]
    if not parts or any(is_blank(part) for part, _ in parts):
        return [words(text)]
    return [words(part, code=is_code) for part, is_code in parts]


def preformatted(text: str, language: str = "") -> Block:
    element: Block = {"type": "rich_text_preformatted", "elements": [words(text)]}
    return element | ({"language": language} if language else {})


def raw(text: str) -> Block:
    """A table's cell of literal text."""
    return {"type": "raw_text", "text": " " if is_blank(text) else visible(text)}


def table(rows: Sequence[Sequence[Block]], *, right: Sequence[int] = ()) -> Block:
    """``right``: columns of numbers. Slack takes one table in a message."""
    columns = len(rows[0]) if rows else 0
    settings = [
        {"align": "right"} if index in right else {"align": "left", "is_wrapped": True}
        for index in range(columns)
    ]
    return {"type": "table", "rows": [list(row) for row in rows], "column_settings": settings}


def container(title: str, subtitle: str, *children: Block, is_open: bool = False) -> Block:
    """A box that folds; its title is shown as it is written."""
    return {
        "type": "container",
        "title": {**plain_text(title, CONTAINER_LIMIT), "emoji": False},
        "subtitle": {**plain_text(subtitle, CONTAINER_LIMIT), "emoji": False},
        "width": "full",
        "is_collapsible": True,
        "default_collapsed": not is_open,
        "child_blocks": list(children),
    }


def fallback(text: str) -> str:
    """The words of a notification, from untrusted ones."""
    return escaped(text, FALLBACK_LIMIT)


def literal(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same words without Markdown, in blocks that every Slack knows."""
    return tuple(
        # What parts a trap in Markdown is not needed here, and would be written out.
        rich(line(words(block["text"].replace(BREAK, ""))))
        if block["type"] == "markdown"
        else block
        for block in blocks
    )


def stamp(blocks: Sequence[Block], message: str, revision: int) -> list[Block]:
    """Fresh block ids for each edit: a press on what is no longer there can be told apart."""
    return [
        {**block, "block_id": cut(f"{message}.{revision}.{index}", 255)}
        for index, block in enumerate(blocks)
    ]


def _whole_lines(text: str, limit: int) -> str:
    """Cut at a line's end, so that no escape or code mark is torn apart."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 2]
    kept = kept[: kept.rfind("\n")] if "\n" in kept else kept[: kept.rfind(" ")]
    return f"{kept}\n…"
