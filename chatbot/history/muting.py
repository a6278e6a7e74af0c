"""Whether a thread's people talk among themselves: the story's last word on it."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history.queries import fetch_one


def is_muted(db: Database, task_id: str) -> bool:
    row = fetch_one(
        db,
        "SELECT kind FROM events WHERE task_id = ? AND kind IN ('muted', 'unmuted')"
        " ORDER BY seq DESC LIMIT 1",
        task_id,
    )
    return row is not None and row["kind"] == "muted"
