"""Queries of set-up approvals: who let which exact scripts run, for which repository."""

from __future__ import annotations

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import TaskNotFound, fetch_all, fetch_one, insert
from chatbot.models import Person, SetupApproval, SetupState


def get(db: Database, approval_id: str) -> SetupApproval:
    row = fetch_one(db, "SELECT * FROM setup_approvals WHERE id = ?", approval_id)
    if row is None:
        raise TaskNotFound("There is no such approval.")
    return rows.setup_approval_from(row)


def pending_of(db: Database, task_id: str) -> SetupApproval | None:
    sql = "SELECT * FROM setup_approvals WHERE task_id = ? AND state = 'pending'"
    row = fetch_one(db, sql, task_id)
    return rows.setup_approval_from(row) if row else None


def newest_of(db: Database, task_id: str) -> SetupApproval | None:
    sql = "SELECT * FROM setup_approvals WHERE task_id = ? ORDER BY created_at DESC LIMIT 1"
    row = fetch_one(db, sql, task_id)
    return rows.setup_approval_from(row) if row else None


def pending_alike(db: Database, approval: SetupApproval) -> list[SetupApproval]:
    """Of every task that waits for the same scripts of the same repository."""
    sql = "SELECT * FROM setup_approvals WHERE repository = ? AND sha256 = ? AND state = 'pending'"
    found = fetch_all(db, sql, approval.repository, approval.sha256)
    return [rows.setup_approval_from(row) for row in found]


def standing(db: Database, repository: str, sha256: str) -> SetupApproval | None:
    """The approval that lets these scripts run."""
    sql = (
        "SELECT * FROM setup_approvals WHERE repository = ? AND sha256 = ? AND state = 'approved'"
        " ORDER BY settled_at DESC LIMIT 1"
    )
    row = fetch_one(db, sql, repository, sha256)
    return rows.setup_approval_from(row) if row else None


def skipped(db: Database, task_id: str, sha256: str) -> SetupApproval | None:
    """Somebody said that this task does without these scripts."""
    sql = "SELECT * FROM setup_approvals WHERE task_id = ? AND sha256 = ? AND state = 'skipped'"
    row = fetch_one(db, sql, task_id, sha256)
    return rows.setup_approval_from(row) if row else None


def last_approved(db: Database, repository: str) -> SetupApproval | None:
    """What a new version is compared with."""
    sql = (
        "SELECT * FROM setup_approvals WHERE repository = ? AND state = 'approved'"
        " ORDER BY settled_at DESC LIMIT 1"
    )
    row = fetch_one(db, sql, repository)
    return rows.setup_approval_from(row) if row else None


def put_scripts(db: Database, sha256: str, content: str) -> None:
    db.execute("INSERT OR IGNORE INTO scripts (sha256, content) VALUES (?, ?)", (sha256, content))


def get_scripts(db: Database, sha256: str) -> str:
    """As `chatbot.scripts.Scripts.to_json` wrote it."""
    row = fetch_one(db, "SELECT content FROM scripts WHERE sha256 = ?", sha256)
    if row is None:
        raise TaskNotFound("There are no such scripts.")
    return str(row["content"])


def add(db: Database, approval: SetupApproval) -> None:
    values = {
        "id": approval.id,
        "task_id": approval.task_id,
        "run_id": approval.run_id,
        "repository": approval.repository,
        "sha256": approval.sha256,
        "state": approval.state,
        "created_at": approval.created_at,
    }
    insert(db, "setup_approvals", values)


def revoke(db: Database, approval: SetupApproval) -> None:
    """What the same person said of the same scripts holds no more, for whichever task."""
    by = approval.settled_by
    db.execute(
        "UPDATE setup_approvals SET state = 'void' WHERE repository = ? AND sha256 = ?"
        " AND state = 'approved' AND settled_by_id = ?",
        (approval.repository, approval.sha256, by.id if by else None),
    )


def settle(db: Database, approval_id: str, state: SetupState, by: Person, *, at: float) -> None:
    db.execute(
        "UPDATE setup_approvals SET state = ?, settled_at = ?, settled_by_id = ?,"
        " settled_by_name = ? WHERE id = ?",
        (state, at, by.id, by.name, approval_id),
    )
