"""How far each view of the story has come, and which deliveries were seen before."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database


def projection(db: Database, name: str, task_id: str) -> tuple[int, dict[str, Any]]:
    """How far this view of the task's story has come, and what it must remember."""
    row = db.execute(
        "SELECT seq, state FROM projections WHERE name = ? AND task_id = ?", (name, task_id)
    ).fetchone()
    return (int(row["seq"]), json.loads(row["state"])) if row else (0, {})


def put_projection(
    db: Database, name: str, task_id: str, *, seq: int, state: dict[str, Any]
) -> None:
    db.execute(
        "INSERT INTO projections (name, task_id, seq, state) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name, task_id) DO UPDATE SET seq = excluded.seq, state = excluded.state",
        (name, task_id, seq, json.dumps(state)),
    )


def behind(db: Database, name: str) -> list[str]:
    """Tasks whose story is longer than this view of it."""
    found = db.execute(
        "SELECT tasks.id FROM tasks LEFT JOIN projections"
        " ON projections.task_id = tasks.id AND projections.name = ?"
        " WHERE tasks.last_seq > coalesce(projections.seq, 0) ORDER BY tasks.created_at",
        (name,),
    ).fetchall()
    return [row["id"] for row in found]


def newest_in(db: Database, channel: str, *, limit: int = 100) -> list[str]:
    """Tasks of a Slack channel, newest first."""
    found = db.execute(
        "SELECT id FROM tasks WHERE channel = ? ORDER BY created_at DESC LIMIT ?",
        (channel, limit),
    ).fetchall()
    return [row["id"] for row in found]


def first_sight(db: Database, key: str, *, at: float) -> bool:
    """Whether this key was never seen; remembers it."""
    cursor = db.execute("INSERT OR IGNORE INTO seen (key, at) VALUES (?, ?)", (key, at))
    return cursor.rowcount == 1


def is_seen(db: Database, key: str) -> bool:
    """Whether it was taken: remembered as such, or stored as a task or a message."""
    found = db.execute(
        "SELECT 1 FROM seen WHERE key = ? UNION ALL SELECT 1 FROM messages WHERE key = ?"
        " UNION ALL SELECT 1 FROM tasks WHERE key = ? LIMIT 1",
        (key, key, key),
    )
    return found.fetchone() is not None


def forget_seen(db: Database, before: float) -> None:
    db.execute("DELETE FROM seen WHERE at < ?", (before,))
