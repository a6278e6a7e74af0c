"""The repositories that were used."""

from __future__ import annotations

import json

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
    names = []
    for row in rows:
        source = json.loads(row["source"])
        if source["kind"] == "git":
            names.append(source["repository"] if source.get("forge") else source["url"])
    return list(dict.fromkeys(name for name in names if name))
