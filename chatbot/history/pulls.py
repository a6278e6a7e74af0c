"""Pull requests that are watched: what was told of each, and whether it is mended unasked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from sqlite3 import Row
from typing import Any

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import PullState, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedPull:
    repository: str
    number: int
    task_id: str
    state: PullState = "open"
    autofix: bool | None = None
    """What somebody said in the thread; None: the repository's rule holds."""
    rounds: int = 0
    """How often in a row it was taken up unasked."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What was read of it so far, see `chatbot.feedback.reader`."""


def find(db: Database, repository: str, number: int) -> WatchedPull | None:
    row = fetch_one(
        db, "SELECT * FROM pulls WHERE repository = ? AND number = ?", repository, number
    )
    return _pull(row) if row else None


def open_pulls(db: Database, repository: str | None = None) -> list[WatchedPull]:
    found = fetch_all(
        db,
        "SELECT * FROM pulls WHERE state = 'open' AND (?1 IS NULL OR repository = ?1)"
        " ORDER BY repository, number",
        repository,
    )
    return [_pull(row) for row in found]


def put(db: Database, pull: WatchedPull) -> None:
    autofix = None if pull.autofix is None else int(pull.autofix)
    db.execute(
        "INSERT INTO pulls (repository, number, task_id, state, autofix, rounds, seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (repository, number) DO UPDATE SET"
        " task_id = excluded.task_id, state = excluded.state, autofix = excluded.autofix,"
        " rounds = excluded.rounds, seen = excluded.seen",
        (
            *(pull.repository, pull.number, pull.task_id, pull.state),
            *(autofix, pull.rounds, json.dumps(pull.seen)),
        ),
    )


def find_task_of_issue(db: Database, repository: str, number: int) -> Task | None:
    """The newest task that came from the issue."""
    row = fetch_one(
        db,
        "SELECT * FROM tasks WHERE json_extract(issue, '$.repository') = ?"
        " AND json_extract(issue, '$.number') = ? ORDER BY created_at DESC LIMIT 1",
        *(repository, number),
    )
    return rows.task_from(row) if row else None


def cursor(db: Database, name: str) -> dict[str, Any] | None:
    """How far something that is read again and again was read."""
    row = fetch_one(db, "SELECT state FROM cursors WHERE name = ?", name)
    found: dict[str, Any] | None = json.loads(row["state"]) if row else None
    return found


def put_cursor(db: Database, name: str, state: dict[str, Any]) -> None:
    db.execute(
        "INSERT INTO cursors (name, state) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET state = excluded.state",
        (name, json.dumps(state)),
    )


def _pull(row: Row) -> WatchedPull:
    return WatchedPull(
        repository=row["repository"],
        number=row["number"],
        task_id=row["task_id"],
        state=row["state"],
        autofix=None if row["autofix"] is None else bool(row["autofix"]),
        rounds=row["rounds"],
        seen=json.loads(row["seen"]),
    )
