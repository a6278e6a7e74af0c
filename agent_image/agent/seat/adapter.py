"""What each adapter must give, and how it tells what it heard."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from agent_image.agent.events import Events
from agent_image.agent.output import make_safe
from agent_image.agent.steps import find_summary

Json = Dict[str, Any]

SEAT = os.environ.get("THREADSMITH_SEAT", "/opt/threadsmith-seat")
"""Where the set-up phase installed the program."""
_HERE = "/workspace/"
_TITLE_CHARACTERS = 160
_TEXT_CHARACTERS = 4000
_PLAN_ITEMS = 100


class Place(NamedTuple):
    """What a program is started with."""

    url: str
    """Of the model, without the protocol's name: `http://127.0.0.1:…`."""
    key: str
    model: str
    provider: str
    is_reading: bool
    """It is to change nothing."""
    scratch: str
    """For its own files."""


class Launch(NamedTuple):
    """How it is started; the words are its standard input, where they are no argument."""

    command: List[str]
    variables: Dict[str, str]
    stdin: bytes = b""


class Ending(NamedTuple):
    """What the program said at its end."""

    words: str
    problem: str = ""
    """Why it could not do its work."""


class Adapter:
    """One program: subclasses say how it is started, and what its events mean."""

    takes_words = False
    """People's messages reach it while it works; else they wait for the next run."""

    def __init__(self) -> None:
        self.ending: Optional[Ending] = None

    def launch(self, words: str, place: Place) -> Launch:
        raise NotImplementedError

    def phrase(self, words: str) -> bytes:
        """A message, as the program reads it from its standard input."""
        raise NotImplementedError

    def hear(self, event: Json, tell: Telling) -> None:
        """One JSON object of its output."""
        raise NotImplementedError


class Telling:
    """The program's work as our events."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._begun: Dict[str, Tuple[str, float]] = {}
        self.ended_steps = 0

    def note(self, text: str) -> None:
        if text.strip():
            self._events.add("note", text=_safe(text.strip(), _TEXT_CHARACTERS))

    def plan(self, items: List[Tuple[str, str]]) -> None:
        """Title and status of each item."""
        shown = [
            {"id": str(index + 1), "title": _safe(title, _TITLE_CHARACTERS), "status": status}
            for index, (title, status) in enumerate(items[:_PLAN_ITEMS])
        ]
        self._events.add("plan", items=shown)

    def begin(self, step: str, tool: str, title: str, details: str = "") -> None:
        line = _safe(" ".join(title.replace(_HERE, "").split()), _TITLE_CHARACTERS)
        self._begun[step] = (line, time.monotonic())
        details = _safe(details, _TEXT_CHARACTERS)
        self._events.add("step_started", step=step, tool=tool[:64], title=line, details=details)

    def is_open(self, step: str) -> bool:
        return step in self._begun

    def end(self, step: str, output: str, *, failed: bool = False) -> None:
        title, began = self._begun.pop(step, ("", time.monotonic()))
        summary = find_summary(output)
        self._events.add(
            "step_finished",
            step=step,
            status="error" if failed else "complete",
            title="{}: {}".format(title, summary) if summary else title,
            output=_safe(output, _TEXT_CHARACTERS),
            seconds=round(time.monotonic() - began, 3),
        )
        self.ended_steps += 1

    def end_all(self) -> None:
        """Nothing of it goes on."""
        for step in list(self._begun):
            self.end(step, "", failed=True)


def text_of(value: Any) -> str:
    """A text as it is, the texts of a list of blocks, or nothing."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    texts = [block.get("text") for block in value if isinstance(block, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def objects(value: Any) -> List[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_of(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _safe(text: str, limit: int) -> str:
    """Without what could drive a terminal; the end is cut off."""
    safe = make_safe(text[:limit].encode("utf-8", "replace"))
    return safe if len(safe) < limit else safe[: limit - 1] + "…"
