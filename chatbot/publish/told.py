"""What a task's story says to publish: how each approved run ended, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.models import PullEdits
from chatbot.story_fields import integer, sequence, string


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    ends: tuple[dict[str, Any], ...]
    """The `run_finished` of each run whose patch was approved, this one last; as it was edited."""
    comments: tuple[int, ...]
    """Review comments that were given to the agent and not answered yet."""
    was_redacted: bool
    """Something was hidden in a patch on its way out of the container."""


def read_told(db: Database, task_id: str) -> Told:
    events = queries.task_events(db, task_id)
    runs: dict[str, str] = {}
    finished: dict[str, dict[str, Any]] = {}
    chosen: dict[str, PullEdits] = {}
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
                approval = queries.get_approval(db, string(payload, "approval_id"))
                # A publishing that failed and was approved again counts once.
                chosen[runs[approval.id]] = approval.edits
            case "redacted":
                was_redacted |= payload.get("where") == "patch"
            case "fix_asked":
                asked |= {c: None for c in sequence(payload, "comments") if isinstance(c, int)}
            case "publish_step" if payload.get("step") == "answer":
                asked.pop(integer(payload, "comment"), None)
    ends = tuple(_edited(finished[run_id], edits) for run_id, edits in chosen.items())
    return Told(ends=ends, comments=tuple(asked), was_redacted=was_redacted)


def _edited(end: dict[str, Any], edits: PullEdits) -> dict[str, Any]:
    given = {"title": edits.title, "summary": edits.body}
    return end | {name: value for name, value in given.items() if value is not None}
