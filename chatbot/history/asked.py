"""Questions for a repository that wait for a model's suggestion."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history.queries import fetch_all


def unsuggested(db: Database, *, since: float, until: int) -> list[str]:
    """Tasks that were asked about since then, and of which nothing was suggested or said yet.

    ``until``: the last event that counts.
    """
    rows = fetch_all(
        db,
        "SELECT DISTINCT tasks.id FROM tasks JOIN events ON events.task_id = tasks.id"
        " WHERE tasks.created_at > ? AND events.id <= ? AND events.kind = 'repository_asked'"
        " AND json_extract(events.payload, '$.suggests') AND NOT EXISTS (SELECT 1 FROM events AS"
        " later WHERE later.task_id = tasks.id"
        " AND later.kind IN ('repository_suggested', 'source_named'))",
        *(since, until),
    )
    return [str(row["id"]) for row in rows]
