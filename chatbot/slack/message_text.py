"""What a message says, also one that an app wrote in blocks or attachments alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatbot.request import plain

MAX_CHARACTERS = 4000
MAX_LINES = 200
MAX_DEPTH = 12
_PARTS = ("pretext", "author_name", "title", "title_link", "text")
_INNER = ("elements", "fields", "rows", "child_blocks", "tasks", "accessory", "element")


def words_of(message: dict[str, Any]) -> str:
    """Plain, at most ``MAX_CHARACTERS``; a person's words are their text, an app's also blocks."""
    text = _plain(message.get("text"))
    lines = [text]
    if message.get("bot_id") or not text:
        lines += [line for block in _list(message.get("blocks")) for line in _block(block, 0)]
    for attachment in _list(message.get("attachments")):
        # What Slack itself shows of a link is not the message's own.
        if not attachment.get("from_url") or attachment.get("is_share"):
            lines += _attachment(attachment)
    said: list[str] = []
    for line in lines[:MAX_LINES]:
        # An app's text is often its blocks' words over again.
        if line and not any(line in earlier for earlier in said):
            said.append(line)
    return "\n".join(said)[:MAX_CHARACTERS].strip()


def _attachment(attachment: dict[str, Any]) -> Iterator[str]:
    written = [_plain(attachment.get(part)) for part in _PARTS]
    yield from written
    for field in _list(attachment.get("fields")):
        name, value = _plain(field.get("title")), _plain(field.get("value"))
        yield f"{name}: {value}" if name and value else name or value
    for block in _list(attachment.get("blocks")):
        yield from _block(block, 0)
    if not any(written):
        yield _plain(attachment.get("fallback"))


def _block(block: dict[str, Any], depth: int) -> Iterator[str]:
    """Line by line; buttons and menus say nothing."""
    kind = str(block.get("type"))
    if depth > MAX_DEPTH or kind in {"actions", "input", "button"} or kind.endswith("_select"):
        return
    match block:
        case {"type": "rich_text_section" | "rich_text_preformatted" | "rich_text_quote"}:
            yield "".join(_run(run) for run in _list(block.get("elements"))).strip()
            return
        case {"type": "link", "url": str(url)}:
            yield url
            return
    for name in ("title", "text", "subtitle", "alt_text", "title_url", "image_url"):
        value = block.get(name)
        yield _plain(value.get("text") if isinstance(value, dict) else value)
    for name in _INNER:
        inner = block.get(name)
        for part in _list(inner if isinstance(inner, list) else [inner]):
            yield from _block(part, depth + 1)


def _run(run: dict[str, Any]) -> str:
    match run:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "link", "url": str(url)}:
            label = _plain(run.get("text"))
            return f"{label} ({url})" if label and label != url else url
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
    return ""


def _plain(value: Any) -> str:
    return plain(value[: 2 * MAX_CHARACTERS]) if isinstance(value, str) else ""


def _list(value: Any) -> list[dict[str, Any]]:
    """Objects only, whatever an app has sent."""
    items = value if isinstance(value, list) else []
    flat = (part for item in items for part in (item if isinstance(item, list) else [item]))
    return [item for item in flat if isinstance(item, dict)][:MAX_LINES]
