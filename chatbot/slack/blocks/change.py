"""The form behind *Change*: where a task works, and how, chosen anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.models import Task, shown_model
from chatbot.slack.blocks.elements import context, plain_text
from chatbot.slack.blocks.forms import modal, read_field, words_field
from chatbot.slack.blocks.picker import REPOSITORY_MENU, repository_menu
from chatbot.slack.blocks.text import Block
from sandbox.spec import Mode

CHANGE_VIEW = "change_task"
REPOSITORY_BLOCK = "repository"
REF_BLOCK = "ref"
MODEL_BLOCK = "model"
_MODES: dict[Mode, str] = {
    "change": "Change the code",
    "explain": "Explain, change nothing",
    "review": "Review, change nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    repository: str
    ref: str
    mode: Mode
    model: str


def make_change_form(task: Task) -> Block:
    source = task.source
    options = [_mode_option(mode) for mode in _MODES]
    fields: list[Block] = [
        {
            "type": "input",
            "block_id": REPOSITORY_BLOCK,
            "label": plain_text("Repository", 2000),
            "element": repository_menu(source.repository if source.forge else source.url),
        },
        words_field(
            *(REF_BLOCK, "Branch, tag or commit"),
            initial=(source.ref or "")[:200],
            hint="Empty: the default branch.",
            limit=200,
            lines=False,
            optional=True,
        ),
        {
            "type": "input",
            "block_id": "mode",
            "label": plain_text("How?", 2000),
            "element": {
                "type": "static_select",
                "action_id": "value",
                "options": options,
                "initial_option": _mode_option(task.mode),
            },
        },
        words_field(
            *(MODEL_BLOCK, "Model"),
            initial=shown_model(task.model)[:200],
            limit=200,
            lines=False,
            optional=True,
        ),
        context("What is running stops, and the work begins anew."),
    ]
    return modal(CHANGE_VIEW, "Change", task.id, fields, submit="Begin anew")


def read_change(view: dict[str, Any], task: Task) -> Chosen:
    values = view["state"]["values"]
    menu = values.get(REPOSITORY_BLOCK, {}).get(REPOSITORY_MENU, {}).get("selected_option") or {}
    mode = values.get("mode", {}).get("value", {}).get("selected_option") or {}
    model = read_field(view, MODEL_BLOCK).strip()
    return Chosen(
        repository=str(menu.get("value") or ""),
        ref=read_field(view, REF_BLOCK).strip(),
        mode=mode["value"] if mode.get("value") in _MODES else task.mode,
        # A recording's folder is not shown, and stays what it is.
        model=task.model if model == shown_model(task.model) else model,
    )


def _mode_option(mode: Mode) -> Block:
    return {"text": plain_text(_MODES[mode], 75), "value": mode}
