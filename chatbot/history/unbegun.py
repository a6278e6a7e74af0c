"""What people asked for by a form or a command and is not begun yet: a crash must not lose it."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database


def put(db: Database, key: str, *, team: str, what: dict[str, Any], at: float) -> None:
    """Once for each ``key``; ``team``: Slack's, whose front begins it."""
    db.execute(
        "INSERT OR IGNORE INTO asked (key, team, at, what) VALUES (?, ?, ?, ?)",
        (key, team, at, json.dumps(what)),
    )


def drop(db: Database, key: str) -> None:
    """It is begun, or cannot be."""
    db.execute("DELETE FROM asked WHERE key = ?", (key,))


def left(db: Database, team: str) -> list[tuple[str, dict[str, Any]]]:
    """Keys and what was asked, oldest first."""
    found = db.execute("SELECT key, what FROM asked WHERE team = ? ORDER BY at", (team,))
    return [(row["key"], json.loads(row["what"])) for row in found.fetchall()]
