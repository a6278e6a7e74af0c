"""What other apps have asked for, so that two of them cannot keep each other at work."""

from __future__ import annotations

from collections.abc import Container

from sqlite_utils import Database

from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import Task


def in_turn(db: Database, task: Task, apps: Container[str]) -> tuple[int, int]:
    """How many messages of apps stand at the end of what was said, with no person's after them.

    And the newest message's id; 0: there is only the request.
    """
    said = fetch_all(
        db,
        "SELECT id, author_id FROM messages WHERE task_id = ? ORDER BY id DESC LIMIT 100",
        task.id,
    )
    count = 0
    for author in [*(str(row["author_id"]) for row in said), task.author.id]:
        if author not in apps:
            break
        count += 1
    return count, int(said[0]["id"]) if said else 0


def begun_by(db: Database, team: str, author: str, *, since: float) -> int:
    """Tasks that one of them began."""
    row = fetch_one(
        db,
        "SELECT count(*) AS number FROM tasks WHERE team = ? AND author_id = ? AND created_at > ?",
        *(team, author, since),
    )
    return int(row["number"]) if row is not None else 0
