"""What a task's story says to publish: how each approved run ended, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.story_fields import integer, sequence, string


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    ends: tuple[dict[str, Any], ...]
    """The `run_finished` of each run whose patch was approved, this one last."""
    comments: tuple[int, ...]
    """Review comments that were given to the agent and not answered yet."""
    was_redacted: bool
    """Something was hidden in a patch on its way out of the container."""


def read_told(db: Database, task_id: str) -> Told:
    events = queries.task_events(db, task_id)
    runs: dict[str, str] = {}
    finished: dict[str, dict[str, Any]] = {}
    chosen: list[str] = []
    asked: dict[int, None] = {}
    was_redacted = False
    for event in events:
        payload = event.payload
        match event.kind:
            case "approval_requested":
                runs[string(payload, "approval_id")] = string(payload, "run_id")
            case "run_finished":
                finished[string(payload, "run_id")] = payload
            case "approval_settled" if payload.get("state") == "approved":
                chosen.append(runs[string(payload, "approval_id")])
            case "redacted":
                was_redacted |= payload.get("where") == "patch"
            case "fix_asked":
                asked |= {c: None for c in sequence(payload, "comments") if isinstance(c, int)}
            case "publish_step" if payload.get("step") == "answer":
                asked.pop(integer(payload, "comment"), None)
    # A publishing that failed and was approved again counts once.
    ends = tuple(finished[run_id] for run_id in dict.fromkeys(chosen))
    return Told(ends=ends, comments=tuple(asked), was_redacted=was_redacted)
