"""Limits of rich text: which parts there are and what each holds."""

from __future__ import annotations

from typing import Any

from chatbot.demo.workspace.faults import Faults

Json = dict[str, Any]

RUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "text": (("text",), ()),
    "link": (("url",), ("text", "unsafe")),
    "user": (("user_id",), ()),
    "usergroup": (("usergroup_id",), ()),
    "channel": (("channel_id",), ()),
    "team": (("team_id",), ()),
    "emoji": (("name",), ("unicode", "skin_tone", "url")),
    "broadcast": (("range",), ()),
    "date": (("timestamp", "format"), ("url", "fallback")),
    "color": (("value",), ()),
}
"""Required and optional fields of each run; `style` may stand on all."""
STYLES = {
    "bold",
    "italic",
    "strike",
    "code",
    "underline",
    "highlight",
    "client_highlight",
    "unlink",
}
PARTS = {
    "rich_text_section": (),
    "rich_text_preformatted": ("border", "language"),
    "rich_text_quote": ("border",),
}


def check_rich_text(faults: Faults, block: Json, at: str) -> None:
    for place, part in faults.items(block.get("elements"), f"{at}/elements", 1, 1000):
        if part.get("type") == "rich_text_list":
            _check_list(faults, part, place)
        else:
            _check_part(faults, part, place, set(PARTS))


def check_rich_text_object(faults: Faults, value: object, at: str) -> None:
    """ONE rich_text block where a field asks for it."""
    if not isinstance(value, dict) or value.get("type") != "rich_text":
        faults.add(at, "must be a rich_text block")
        return
    faults.fields(value, at, ("elements",), ("block_id",))
    check_rich_text(faults, value, at)


def _check_list(faults: Faults, part: Json, at: str) -> None:
    faults.fields(part, at, ("elements", "style"), ("indent", "offset", "border"))
    faults.choice(part, at, "style", {"bullet", "ordered"})
    for place, item in faults.items(part.get("elements"), f"{at}/elements", 1, 1000):
        _check_part(faults, item, place, {"rich_text_section"})


def _check_part(faults: Faults, part: Json, at: str, known: set[str]) -> None:
    kind = faults.kind(part, at, known)
    if not kind:
        return
    faults.fields(part, at, ("elements",), PARTS[kind])
    for place, run in faults.items(part.get("elements"), f"{at}/elements", 0, 10_000):
        _check_run(faults, run, place)


def _check_run(faults: Faults, run: Json, at: str) -> None:
    kind = faults.kind(run, at, RUNS)
    if not kind:
        return
    required, optional = RUNS[kind]
    if faults.fields(run, at, required, (*optional, "style")) and kind == "text":
        faults.string(run["text"], f"{at}/text", 40_000)
    if kind == "link":
        faults.urls(run, at, "url")
    style = run.get("style")
    if style is None:
        return
    if not isinstance(style, dict):
        faults.add(f"{at}/style", "must be an object")
        return
    faults.fields(style, f"{at}/style", (), STYLES | {"type"})
