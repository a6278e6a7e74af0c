"""What a run needs from whoever owns it: a durable place for its story, and its inbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sandbox.enclosed import Enclosed
from sandbox.engines.engine import Handle
from sandbox.llm.blocks import (
    message_from_json,
    message_to_json,
    reply_from_json,
    reply_to_json,
    tools_to_json,
)
from sandbox.llm.provider import Message, Reply, Tool
from sandbox.patch import PatchSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stored turn of a task: what was new in the request, and the reply to it."""

    number: int
    """Counted from 0 over all runs of the task."""
    request_sha256: str
    """Of the request's canonical JSON; tells a retry from a different request."""
    messages: tuple[Message, ...]
    """The new user messages of this turn."""
    reply: Reply
    system: str | None = None
    """Set on a run's first turn only, with ``tools``."""
    tools: tuple[Tool, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "request_sha256": self.request_sha256,
            "system": self.system,
            "tools": None if self.tools is None else tools_to_json(self.tools),
            "messages": [message_to_json(message) for message in self.messages],
            "reply": reply_to_json(self.reply),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Turn:
        tools = data["tools"]
        return cls(
            number=data["number"],
            request_sha256=data["request_sha256"],
            system=data["system"],
            tools=None if tools is None else tuple(Tool(**tool) for tool in tools),
            messages=tuple(message_from_json(message) for message in data["messages"]),
            reply=reply_from_json(data["reply"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the model is given in the place of a task's first turns."""

    until: int
    """So many of them, and the results that came right after."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """Something a person said or did while the run was alive."""

    id: int
    """Grows with each item of the task."""
    kind: Literal["message", "stop"]
    text: str = ""
    author: str = ""
    enclosed: tuple[Enclosed, ...] = ()
    """What came with a message."""


OutcomeKind = Literal["patch", "answer", "findings", "nothing", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. A patch that was made is kept whatever the kind."""

    kind: OutcomeKind
    title: str = ""
    summary: str = ""
    answer: str = ""
    """Mode explain: the answer, in Markdown."""
    findings: tuple[dict[str, Any], ...] = ()
    """Mode review: {severity, file, line, title, detail, suggestion}."""
    claimed: str = ""
    """What the agent says it verified, and how; its word alone."""
    verification: dict[str, Any] | None = None
    """What the host found in a clean container, see `sandbox.verification`; None: no patch."""
    patch_sha256: str | None = None
    stage: str = ""
    """Where a failed run failed: source, image, setup, container, agent, model, patch."""
    brief: str = ""
    resolution: str = ""
    details: str = ""
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How far the tightest budget that a run stands under is used."""

    used: float = 0.0
    """Its share; 1 and more: all of it."""
    name: str = ""
    """As people say it: `the run's budget of $2.00`; empty: there is none."""


class Recorder(Protocol):
    """Each call returns only when what it was given would survive a kill of the process."""

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        """Append an event to the task's story."""

    async def handle(self, handle: Handle | None) -> None:
        """Keep the engine's handle of the run's present container; None: there is none."""

    async def turns(self) -> list[Turn]:
        """Every turn of the task so far, in order."""

    async def turn(self, turn: Turn) -> None:
        """Keep one more turn."""

    async def summaries(self) -> list[Summary]:
        """Those of the task so far, in order."""

    async def summary(self, summary: Summary, *, told: dict[str, Any]) -> None:
        """Keep one more, and tell the story of it."""

    async def patch(self, data: bytes, summary: PatchSummary, *, final: bool) -> None:
        """Keep the run's patch as it now stands."""

    async def inbox(self, after: int, *, wait_seconds: float) -> list[InboxItem]:
        """Items with an id over ``after``; waits for the first one that long at the most."""

    async def delivered(self, item_ids: list[int], *, turn: int) -> None:
        """These items reached the model with that turn."""

    async def enclosed(self) -> list[Enclosed]:
        """Everything that was given along with the task so far, but what the inbox holds."""

    async def enclosed_data(self, enclosed_id: int) -> bytes | None:
        """The bytes of an image or a file of the task; None where there is none."""

    async def allowance(self) -> Allowance:
        """What may still be spent, with all that was told until now."""
