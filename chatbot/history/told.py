"""What the story tells of single runs."""

from __future__ import annotations

import json
from typing import Any, cast

from sqlite_utils import Database

from chatbot.history import queries


def is_stopped(db: Database, run_id: str) -> bool:
    """Whether somebody asked that run to end."""
    row = queries.fetch_one(db, "SELECT 1 FROM messages WHERE run_id = ? AND kind = 'stop'", run_id)
    return row is not None


def why_stopped(db: Database, run_id: str, task_id: str) -> str:
    """What it was that ended the run, where nobody said stop: `deleted` or `edited`."""
    row = queries.fetch_one(
        db,
        "SELECT json_extract(payload, '$.why') AS why FROM events WHERE task_id = ?"
        " AND kind = 'stop_requested' AND json_extract(payload, '$.run_id') = ?"
        " ORDER BY seq DESC LIMIT 1",
        *(task_id, run_id),
    )
    return str((row["why"] if row else "") or "")


def has_event(db: Database, run_id: str, task_id: str, kind: str) -> bool:
    """Whether the run told of such a thing."""
    row = queries.fetch_one(
        db,
        "SELECT 1 FROM events WHERE task_id = ? AND kind = ?"
        " AND json_extract(payload, '$.run_id') = ? LIMIT 1",
        *(task_id, kind, run_id),
    )
    return row is not None


def run_ending(db: Database, task_id: str, run_id: str) -> dict[str, Any]:
    """What was told of a run's end; it has ended."""
    row = queries.fetch_one(
        db,
        "SELECT payload FROM events WHERE task_id = ? AND kind = 'run_finished'"
        " AND json_extract(payload, '$.run_id') = ?",
        *(task_id, run_id),
    )
    if row is None:
        raise queries.TaskNotFound("This run has not ended.")
    return cast("dict[str, Any]", json.loads(row["payload"]))
