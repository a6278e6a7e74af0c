"""What is read and forgotten where a task is begun anew."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import Message


def pending_change(db: Database, task_id: str) -> Message | None:
    """The newest choice that the task has not been begun with yet."""
    row = fetch_one(
        db,
        "SELECT * FROM messages WHERE task_id = ? AND kind = 'change' AND delivered_at IS NULL"
        " ORDER BY id DESC",
        task_id,
    )
    return rows.message_from(row) if row else None


def said_to(db: Database, task_id: str) -> list[str]:
    """Everything people said in the task after the request."""
    found = fetch_all(
        db, "SELECT text FROM messages WHERE task_id = ? AND kind = 'message' ORDER BY id", task_id
    )
    return [row["text"] for row in found]


def forget_conversation(db: Database, task_id: str) -> None:
    """The model begins anew; what it said before stays in the story."""
    for table in ("turns", "summaries"):
        db.execute(f"DELETE FROM {table} WHERE task_id = ?", (task_id,))  # noqa: S608
