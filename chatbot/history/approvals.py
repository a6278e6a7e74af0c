"""What people are asked about a patch: written down, edited, settled."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import fetch_one, insert
from chatbot.models import Approval, Person


def newest(db: Database, task_id: str) -> Approval | None:
    """Whatever became of it."""
    row = fetch_one(
        db,
        "SELECT * FROM approvals WHERE task_id = ? ORDER BY created_at DESC, id DESC LIMIT 1",
        task_id,
    )
    return rows.approval_from(row) if row else None


def add(db: Database, approval: Approval) -> None:
    insert(db, "approvals", rows.approval_row(approval))


def edit(db: Database, approval: Approval) -> None:
    row = rows.approval_row(approval)
    db.execute(
        "UPDATE approvals SET edits = ?, revision = ? WHERE id = ? AND state = 'pending'",
        (row["edits"], row["revision"], approval.id),
    )


def settle(db: Database, approval_id: str, state: str, by: Person | None, *, at: float) -> None:
    db.execute(
        "UPDATE approvals SET state = ?, settled_at = ?, settled_by_id = ?, settled_by_name = ?"
        " WHERE id = ? AND state = 'pending'",
        (state, at, by.id if by else None, by.name if by else None, approval_id),
    )
