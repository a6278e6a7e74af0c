"""The form behind *Change*: where a task works, and how, chosen anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.models import Task, shown_model
from chatbot.slack.blocks.elements import context
from chatbot.slack.blocks.forms import modal, read_field
from chatbot.slack.blocks.task_fields import (
    MODEL_BLOCK,
    REF_BLOCK,
    mode_field,
    model_field,
    read_mode,
    read_repository,
    ref_field,
    repository_field,
)
from chatbot.slack.blocks.text import Block
from sandbox.spec import Mode

CHANGE_VIEW = "change_task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    repository: str
    ref: str
    mode: Mode
    model: str


def make_change_form(task: Task) -> Block:
    source = task.source
    fields: list[Block] = [
        repository_field(source.repository if source.forge else source.url),
        ref_field(source.ref or ""),
        mode_field(task.mode),
        model_field(shown_model(task.model)),
        context("What is running stops, and the work begins anew."),
    ]
    return modal(CHANGE_VIEW, "Change", task.id, fields, submit="Begin anew")


def read_change(view: dict[str, Any], task: Task) -> Chosen:
    model = read_field(view, MODEL_BLOCK).strip()
    return Chosen(
        repository=read_repository(view),
        ref=read_field(view, REF_BLOCK).strip(),
        mode=read_mode(view) or task.mode,
        # A recording's folder is not shown, and stays what it is.
        model=task.model if model == shown_model(task.model) else model,
    )
