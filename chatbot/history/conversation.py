"""The conversations of a task: one, or one for each attempt at its request."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from chatbot.history import queries

NOT_ASIDE = "run_id NOT IN (SELECT id FROM runs WHERE runs.task_id = ? AND is_aside)"
"""Of turns and what stands for them: the conversation that the task goes on with."""


def turns(db: Database, task_id: str) -> list[dict[str, Any]]:
    """The conversation that the task goes on with."""
    found = queries.fetch_all(
        db,
        f"SELECT turn FROM turns WHERE task_id = ? AND {NOT_ASIDE} ORDER BY number",  # noqa: S608
        *(task_id, task_id),
    )
    return [json.loads(row["turn"]) for row in found]


def every(db: Database, task_id: str, *, start: int = 0) -> list[dict[str, Any]]:
    """All that was said to models and by them, in order, but for the first ``start``; turns of
    one of several attempts with its number, as `attempt`."""
    found = queries.fetch_all(
        db,
        "SELECT turn, attempt FROM turns JOIN runs ON runs.id = turns.run_id"
        " WHERE turns.task_id = ? ORDER BY turns.rowid LIMIT -1 OFFSET ?",
        *(task_id, start),
    )
    return [json.loads(row["turn"]) | {"attempt": row["attempt"]} for row in found]


def count(db: Database, task_id: str) -> int:
    row = queries.fetch_one(
        db,
        f"SELECT count(*) AS n FROM turns WHERE task_id = ? AND {NOT_ASIDE}",  # noqa: S608
        *(task_id, task_id),
    )
    return int(row["n"]) if row else 0


def add(db: Database, task_id: str, run_id: str, turn: dict[str, Any], *, at: float) -> None:
    queries.insert(
        db,
        "turns",
        {
            "task_id": task_id,
            "number": turn["number"],
            "run_id": run_id,
            "at": at,
            "request_sha256": turn["request_sha256"],
            "turn": json.dumps(turn, ensure_ascii=False),
        },
    )
