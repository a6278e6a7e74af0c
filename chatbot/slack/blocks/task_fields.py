"""The fields that forms about tasks share: where it works, on what, and how."""

from __future__ import annotations

from typing import Any

from chatbot.slack.blocks.elements import plain_text
from chatbot.slack.blocks.forms import words_field
from chatbot.slack.blocks.picker import REPOSITORY_MENU, repository_menu
from chatbot.slack.blocks.text import Block
from sandbox.spec import Mode

REPOSITORY_BLOCK = "repository"
REF_BLOCK = "ref"
MODE_BLOCK = "mode"
MODEL_BLOCK = "model"
IMAGE_BLOCK = "image"
NAME_LIMIT = 200
MODES: dict[Mode, str] = {
    "change": "Change the code",
    "explain": "Explain, change nothing",
    "review": "Review, change nothing",
}


def repository_field(
    initial: str = "",
    *,
    block_id: str = REPOSITORY_BLOCK,
    label: str = "Repository",
    hint: str = "",
    optional: bool = False,
) -> Block:
    """A menu that searches; a name that is not known may be typed whole."""
    field: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": repository_menu(initial),
        "optional": optional,
    }
    return field | ({"hint": plain_text(hint, 2000)} if hint else {})


def ref_field(initial: str = "") -> Block:
    return words_field(
        *(REF_BLOCK, "Branch, tag or commit"),
        initial=initial[:NAME_LIMIT],
        hint="Empty: the default branch.",
        limit=NAME_LIMIT,
        lines=False,
        optional=True,
    )


def mode_field(initial: Mode | None = None) -> Block:
    """None: whatever the words say."""
    options = [_mode_option(mode) for mode in MODES]
    menu: Block = {
        "type": "static_select",
        "action_id": "value",
        "placeholder": plain_text("As the words say", 150),
        "options": options,
    }
    if initial is not None:
        menu["initial_option"] = _mode_option(initial)
    return {
        "type": "input",
        "block_id": MODE_BLOCK,
        "label": plain_text("How?", 2000),
        "element": menu,
        "optional": initial is None,
    }


def model_field(initial: str = "", *, usual: str = "") -> Block:
    """``usual``: which one it is where none is named."""
    return words_field(
        *(MODEL_BLOCK, "Model"),
        initial=initial[:NAME_LIMIT],
        hint=f"A short name, or provider:name. Empty: {usual[:100]}" if usual else "",
        limit=NAME_LIMIT,
        lines=False,
        optional=True,
    )


def read_repository(view: dict[str, Any], block_id: str = REPOSITORY_BLOCK) -> str:
    """Empty: none was chosen."""
    menu = view["state"]["values"].get(block_id, {}).get(REPOSITORY_MENU, {})
    return str((menu.get("selected_option") or {}).get("value") or "")


def read_mode(view: dict[str, Any]) -> Mode | None:
    field = view["state"]["values"].get(MODE_BLOCK, {}).get("value", {})
    chosen = (field.get("selected_option") or {}).get("value")
    return next((mode for mode in MODES if mode == chosen), None)


def _mode_option(mode: Mode) -> Block:
    return {"text": plain_text(MODES[mode], 75), "value": mode}
