"""The form for a new task, from the command, a shortcut or the home tab."""

from __future__ import annotations

import json
from typing import Any

from chatbot.slack.blocks.elements import context, plain_text
from chatbot.slack.blocks.forms import modal, read_field, words_field
from chatbot.slack.blocks.text import Block, escape, visible
from chatbot.slack.starting import Wanted
from sandbox.spec import Mode

NEW_TASK_VIEW = "new_task"
WORDS_BLOCK = "words"
CHANNEL_BLOCK = "channel"
_MODES: dict[Mode, str] = {
    "change": "Change the code",
    "explain": "Explain, change nothing",
    "review": "Review, change nothing",
}


def make_new_task(
    *, channel: str = "", message_ts: str = "", repository: str = "", words: str = ""
) -> Block:
    """``message_ts``: whose thread it is to be; without a channel the form asks for one."""
    fields: list[Block] = []
    if not channel:
        fields.append(_channel_field())
    fields += [
        words_field(WORDS_BLOCK, "What is to be done?", initial=visible(words)[:3000]),
        words_field(
            *("repository", "Repository"),
            initial=repository[:200],
            hint="owner/name or an address; empty: the one that the words name.",
            limit=200,
            lines=False,
            optional=True,
        ),
        words_field(
            *("ref", "Branch, tag or commit"),
            hint="Empty: the default branch.",
            limit=200,
            lines=False,
            optional=True,
        ),
        _mode_field(),
    ]
    if message_ts:
        fields.append(context("The work is shown in the thread of that message."))
    kept = json.dumps({"channel": channel, "message_ts": message_ts})
    return modal(NEW_TASK_VIEW, "New coding task", kept, fields, submit="Start")


def read_new_task(view: dict[str, Any]) -> tuple[str, str, Wanted]:
    """The channel, the message whose thread it is to be (or empty), and what is wanted."""
    kept = json.loads(view["private_metadata"])
    chosen = view["state"]["values"].get(CHANNEL_BLOCK, {}).get("value", {})
    mode = view["state"]["values"].get("mode", {}).get("value", {}).get("selected_option") or {}
    wanted = Wanted(
        # A form's words are no markup: what looks like it is meant as it stands.
        words=escape(read_field(view, WORDS_BLOCK)),
        repository=read_field(view, "repository").strip(),
        ref=read_field(view, "ref").strip(),
        mode=mode.get("value") if mode.get("value") in _MODES else None,
    )
    channel = kept["channel"] or str(chosen.get("selected_conversation") or "")
    return channel, kept["message_ts"], wanted


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


def _mode_field() -> Block:
    options = [{"text": plain_text(label, 75), "value": mode} for mode, label in _MODES.items()]
    return {
        "type": "input",
        "block_id": "mode",
        "label": plain_text("How?", 2000),
        "optional": True,
        "element": {
            "type": "static_select",
            "action_id": "value",
            "options": options,
            "initial_option": options[0],
        },
    }
