"""Messages that people changed after they had said them."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import Message


def find_message(db: Database, key: str) -> Message | None:
    row = fetch_one(db, "SELECT * FROM messages WHERE key = ?", key)
    return rows.message_from(row) if row else None


def authors(db: Database, task_id: str) -> set[str]:
    """Ids of all who have said what is to be done."""
    found = fetch_all(
        db,
        "SELECT DISTINCT author_id FROM messages WHERE task_id = ? AND kind = 'message'",
        task_id,
    )
    return {str(row["author_id"]) for row in found}


def set_message_text(
    db: Database, message_id: int, text: str, *, heard_at: float | None = None
) -> None:
    """``heard_at``: nobody is to hear it any more."""
    db.execute(
        "UPDATE messages SET text = ?, delivered_at = coalesce(delivered_at, ?) WHERE id = ?",
        (text, heard_at, message_id),
    )
