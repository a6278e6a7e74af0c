"""The form for a new task, from the command, a shortcut or the home tab."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chatbot.slack.blocks.elements import context, plain_text
from chatbot.slack.blocks.forms import FIELD_LIMIT, modal, read_field, words_field
from chatbot.slack.blocks.picker import fits_menu
from chatbot.slack.blocks.task_fields import (
    IMAGE_BLOCK,
    MODEL_BLOCK,
    NAME_LIMIT,
    REF_BLOCK,
    mode_field,
    model_field,
    read_mode,
    read_repository,
    ref_field,
    repository_field,
)
from chatbot.slack.blocks.text import Block, count, cut, escape, person, visible
from sandbox.spec import Mode

NEW_TASK_VIEW = "new_task"
WORDS_BLOCK = "words"
CHANNEL_BLOCK = "channel"
DRAFT_BLOCK = "draft"
_DRAFT = {"text": {"type": "plain_text", "text": "As a draft"}, "value": "draft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a form holds before anybody has written in it."""

    channel: str = ""
    """Empty: the form asks for one."""
    repository: str = ""
    model: str = ""
    """The person's own, where they settled on one."""
    usual_model: str = ""
    words: str = ""
    thread_ts: str = ""
    """Of the message whose thread it is to be; empty: a thread of its own."""
    message_ts: str = ""
    author: tuple[str, str] = ("", "")
    """Whose message it is: user id, or a name alone."""
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person filled in; what is empty is taken from the words or the defaults."""

    words: str
    repository: str = ""
    is_usual: bool = False
    """Nobody chose the repository: it is the one that the form was filled with."""
    ref: str = ""
    mode: Mode | None = None
    model: str = ""
    image: str = ""
    draft: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a form's task is to be told."""

    channel: str
    thread_ts: str = ""
    message_ts: str = ""
    """The message that it is about."""


def make_new_task(filled: Filled) -> Block:
    fields: list[Block] = []
    if not filled.channel:
        fields.append(_channel_field())
    fields += [
        words_field(
            *(WORDS_BLOCK, "What is to be done?"),
            initial=cut(visible(filled.words), FIELD_LIMIT),
        ),
        repository_field(
            filled.repository,
            hint="Empty: the one that the words name, else you are asked.",
            optional=True,
        ),
        ref_field(),
        mode_field(),
        model_field(filled.model, usual=filled.usual_model),
        words_field(
            *(IMAGE_BLOCK, "Container image"),
            hint="Empty: the repository's own, else the host's.",
            limit=NAME_LIMIT,
            lines=False,
            optional=True,
        ),
        {
            "type": "input",
            "block_id": DRAFT_BLOCK,
            "label": plain_text("Pull request", 2000),
            "element": {"type": "checkboxes", "action_id": "value", "options": [_DRAFT]},
            "optional": True,
        },
    ]
    if filled.message_ts:
        fields.insert(0, context(_about(filled)))
    kept = {
        "channel": filled.channel,
        "thread_ts": filled.thread_ts,
        "message_ts": filled.message_ts,
        "repository": filled.repository if fits_menu(filled.repository) else "",
    }
    return modal(NEW_TASK_VIEW, "New coding task", json.dumps(kept), fields, submit="Start")


def read_new_task(view: dict[str, Any]) -> tuple[Place, Wanted]:
    kept = json.loads(view["private_metadata"])
    values = view["state"]["values"]
    chosen = values.get(CHANNEL_BLOCK, {}).get("value", {})
    draft = values.get(DRAFT_BLOCK, {}).get("value", {}).get("selected_options")
    repository = read_repository(view)
    wanted = Wanted(
        # A form's words are no markup: what looks like it is meant as it stands.
        words=escape(read_field(view, WORDS_BLOCK)),
        repository=repository,
        is_usual=bool(repository) and repository == kept["repository"],
        ref=read_field(view, REF_BLOCK).strip(),
        mode=read_mode(view),
        model=read_field(view, MODEL_BLOCK).strip(),
        image=read_field(view, IMAGE_BLOCK).strip(),
        draft=True if draft else None,
    )
    place = Place(
        channel=kept["channel"] or str(chosen.get("selected_conversation") or ""),
        thread_ts=kept["thread_ts"],
        message_ts=kept["message_ts"],
    )
    return place, wanted


def _about(filled: Filled) -> str:
    user_id, name = filled.author
    files = f" {count(filled.files, 'file')} of it come along." if filled.files else ""
    if filled.files == 1:
        files = " Its file comes along."
    return f"About a message of {person(user_id, name)}; its thread tells of the work.{files}"


def _channel_field() -> Block:
    return {
        "type": "input",
        "block_id": CHANNEL_BLOCK,
        "label": plain_text("Where?", 2000),
        "element": {
            "type": "conversations_select",
            "action_id": "value",
            "default_to_current_conversation": True,
            "filter": {"include": ["public", "private", "im"], "exclude_bot_users": False},
        },
    }
