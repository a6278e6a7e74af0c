"""What stands behind `/code`: an order to the bot, or the words of a task. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Order = Literal["form", "task", "list", "show", "stop", "use", "config", "help", "search"]

HELP = """\
`/code fix the flaky retry test in acme/api` starts a task here
`/code` opens a form
`/code list` shows your tasks and this channel's; `/code list open` those that go on
`/code show t_…` shows one task
`/code stop` ends yours; `/code stop t_…` ends that one
`/code search flaky retry` looks through what was asked, said and done
`/code use acme/api` makes it this channel's repository; `/code use nothing` takes that back
`/code config` shows and settles what holds here
In a task's thread just reply. Start with `aside` to talk past me; `mute` and `unmute` me there."""

HOW_TO_ASK = f"""\
Tell me what is to be done and in which repository, as in `fix the flaky retry test in acme/api`, \
or ask about its code. Besides:
{HELP}"""
"""For whoever greets, or asks what this is."""

_TASK_ID = re.compile(r"t_[a-z0-9]+")
_REPOSITORY = re.compile(r"\S+/\S+|nothing|none", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommandLine:
    order: Order
    rest: str = ""


def is_question(text: str) -> bool:
    """An order that only shows something, alone in a message: no task would be that short."""
    return read_command(text).order in {"list", "config", "help"}


def read_command(text: str) -> CommandLine:
    """Words that only begin like an order ("list the endpoints …") are a task."""
    text = text.strip()
    if not text:
        return CommandLine("form")
    name, _, rest = text.partition(" ")
    name, rest = name.lower(), rest.strip()
    match name:
        case "list" if rest.lower() in {"", "all", "open"}:
            return CommandLine("list", rest.lower())
        case "help" | "config" if not rest:
            return CommandLine("help" if name == "help" else "config")
        case "show" if _TASK_ID.fullmatch(rest):
            return CommandLine("show", rest)
        case "stop" | "cancel" if not rest or _TASK_ID.fullmatch(rest):
            return CommandLine("stop", rest)
        case "use" if _REPOSITORY.fullmatch(rest):
            return CommandLine("use", rest)
        case "search" if rest:
            return CommandLine("search", rest)
    return CommandLine("task", text)
