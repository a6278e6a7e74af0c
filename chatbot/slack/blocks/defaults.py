"""The form for what holds where nothing is named: a person's own, and a channel's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chatbot.config import Settings
from chatbot.history.defaults import Defaults
from chatbot.slack.blocks.elements import context
from chatbot.slack.blocks.forms import modal, read_field
from chatbot.slack.blocks.picker import fits_menu
from chatbot.slack.blocks.task_fields import (
    MODEL_BLOCK,
    model_field,
    read_repository,
    repository_field,
)
from chatbot.slack.blocks.text import Block, code, escaped

DEFAULTS_VIEW = "home_defaults"
CHANNEL_REPOSITORY_BLOCK = "channel_repository"
MAX_RULES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the form holds; empty ones are forgotten."""

    repository: str
    model: str
    channel: str
    """Empty: no channel's repository was asked for."""
    channel_repository: str
    channel_before: str


def make_defaults(
    own: Defaults,
    model: str,
    *,
    channel: str = "",
    channel_repository: str = "",
    told: tuple[str, ...] = (),
) -> Block:
    """``told``: what else holds here, as mrkdwn."""
    fields: list[Block] = []
    if channel:
        fields.append(
            repository_field(
                channel_repository,
                block_id=CHANNEL_REPOSITORY_BLOCK,
                label="This channel's repository",
                hint="For everybody's requests here that name none.",
                optional=True,
            )
        )
    fields += [
        repository_field(
            own.repository,
            label="My repository",
            hint="Where neither the words nor the channel name one.",
            optional=True,
        ),
        model_field(own.model, usual=model),
    ]
    if told:
        fields.append(context(*told))
    # What no menu shows is not taken back by leaving the field as it is.
    before = channel_repository if fits_menu(channel_repository) else ""
    kept = json.dumps({"channel": channel, "repository": before})
    title = "What holds here" if channel else "My defaults"
    return modal(DEFAULTS_VIEW, title, kept, fields, submit="Save")


def read_defaults(view: dict[str, Any]) -> Settled:
    kept = json.loads(view["private_metadata"] or "{}")
    return Settled(
        repository=read_repository(view),
        model=read_field(view, MODEL_BLOCK).strip(),
        channel=str(kept.get("channel") or ""),
        channel_repository=read_repository(view, CHANNEL_REPOSITORY_BLOCK),
        channel_before=str(kept.get("repository") or ""),
    )


def holds_here(settings: Settings) -> tuple[str, ...]:
    """What the configuration says of repositories, as mrkdwn."""
    rules = [code(rule.match, 60) for rule in settings.repositories[:MAX_RULES]]
    told = (f"*Forge*: {escaped(settings.forge.url, 300)}",)
    return (*told, f"*Rules for*: {' '.join(rules)}") if rules else told
