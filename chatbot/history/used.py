"""The repositories that were used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from chatbot.history.queries import fetch_all


def used_repositories(db: Database, *, limit: int = 500) -> list[str]:
    """Those that work was begun in, the last used first: `owner/name`, or the address."""
    rows = fetch_all(
        db,
        "SELECT source, MAX(created_at) AS used FROM tasks WHERE base_commit IS NOT NULL"
        " GROUP BY source ORDER BY used DESC LIMIT ?",
        limit,
    )
    return _names(rows)


def heard_of(db: Database, team: str, channel: str) -> list[str]:
    """Those that work was begun in before the eyes of the channel."""
    rows = fetch_all(
        db,
        "SELECT DISTINCT source FROM tasks WHERE team = ? AND channel = ?"
        " AND base_commit IS NOT NULL",
        *(team, channel),
    )
    return _names(rows)


def _names(rows: Iterable[Any]) -> list[str]:
    names = []
    for row in rows:
        source = json.loads(row["source"])
        if source["kind"] == "git":
            names.append(source["repository"] if source.get("forge") else source["url"])
    return list(dict.fromkeys(name for name in names if name))
