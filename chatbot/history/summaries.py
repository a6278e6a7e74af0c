"""What stands for a task's first turns where the conversation grew too long."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history import conversation, queries


def add(db: Database, task_id: str, run_id: str, *, until: int, text: str, at: float) -> None:
    """A run sums up the same number of turns once."""
    row = {"task_id": task_id, "until": until, "run_id": run_id, "at": at, "text": text}
    queries.insert(db, "summaries", row)


def of_task(db: Database, task_id: str) -> list[tuple[int, str]]:
    """How many turns each stands for, and its text, in order."""
    found = queries.fetch_all(
        db,
        "SELECT until, text FROM summaries"  # noqa: S608
        f" WHERE task_id = ? AND {conversation.NOT_ASIDE} ORDER BY until",
        *(task_id, task_id),
    )
    return [(int(row["until"]), str(row["text"])) for row in found]
