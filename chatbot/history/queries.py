"""Every query. Reads answer with models; writes run inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, cast

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.models import (
    FINAL,
    Approval,
    Event,
    Message,
    Person,
    Run,
    Status,
    Task,
)
from sandbox.errors import ThreadsmithError


class TaskNotFound(ThreadsmithError):
    """There is no such task."""

    code = "task_not_found"


def fetch_all(db: Database, sql: str, *values: object) -> list[sqlite3.Row]:
    return cast("list[sqlite3.Row]", db.execute(sql, values).fetchall())


def fetch_one(db: Database, sql: str, *values: object) -> sqlite3.Row | None:
    return cast("sqlite3.Row | None", db.execute(sql, values).fetchone())


def insert(db: Database, table: str, row: dict[str, Any]) -> int:
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    cursor = db.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - names are our own
        tuple(row.values()),
    )
    return int(cursor.lastrowid or 0)


# Tasks


def get_task(db: Database, task_id: str) -> Task:
    row = fetch_one(db, "SELECT * FROM tasks WHERE id = ?", task_id)
    if row is None:
        raise TaskNotFound
    return rows.task_from(row)


def find_task_by_key(db: Database, key: str) -> Task | None:
    row = fetch_one(db, "SELECT * FROM tasks WHERE key = ?", key)
    return rows.task_from(row) if row else None


def find_task_by_thread(db: Database, team: str, channel: str, thread_ts: str) -> Task | None:
    row = fetch_one(
        db,
        "SELECT * FROM tasks WHERE team = ? AND channel = ? AND thread_ts = ?",
        *(team, channel, thread_ts),
    )
    return rows.task_from(row) if row else None


def list_tasks(db: Database, *, limit: int = 50, status: Status | None = None) -> list[Task]:
    """Newest first."""
    if status is None:
        found = fetch_all(db, "SELECT * FROM tasks ORDER BY created_at DESC LIMIT ?", limit)
    else:
        found = fetch_all(
            db,
            "SELECT * FROM tasks WHERE status = ? ORDER BY created_at DESC LIMIT ?",
            *(status.value, limit),
        )
    return [rows.task_from(row) for row in found]


def open_tasks(db: Database) -> list[Task]:
    """Every task that has not ended, oldest first."""
    final = tuple(status.value for status in FINAL)
    found = fetch_all(
        db, "SELECT * FROM tasks WHERE status NOT IN (?, ?, ?) ORDER BY created_at", *final
    )
    return [rows.task_from(row) for row in found]


def overdue_tasks(db: Database, now: float) -> list[Task]:
    found = fetch_all(db, "SELECT * FROM tasks WHERE deadline_at < ?", now)
    return [rows.task_from(row) for row in found]


def insert_task(db: Database, task: Task, key: str | None) -> None:
    insert(db, "tasks", {**rows.task_row(task), "key": key})


def update_task(db: Database, task: Task) -> None:
    row = rows.task_row(task)
    task_id = row.pop("id")
    # The story's own count belongs to append_event.
    del row["last_seq"]
    names = ", ".join(f"{name} = ?" for name in row)
    db.execute(f"UPDATE tasks SET {names} WHERE id = ?", (*row.values(), task_id))  # noqa: S608


# Runs


def get_run(db: Database, run_id: str) -> Run:
    row = fetch_one(db, "SELECT * FROM runs WHERE id = ?", run_id)
    if row is None:
        raise TaskNotFound("There is no such run.")
    return rows.run_from(row)


def task_runs(db: Database, task_id: str) -> list[Run]:
    found = fetch_all(db, "SELECT * FROM runs WHERE task_id = ? ORDER BY number", task_id)
    return [rows.run_from(row) for row in found]


def newest_run(db: Database, task_id: str) -> Run:
    return task_runs(db, task_id)[-1]


def open_runs(db: Database) -> list[Run]:
    """Runs without an end, oldest first: queued, or under way in some process."""
    found = fetch_all(db, "SELECT * FROM runs WHERE finished_at IS NULL ORDER BY created_at")
    return [rows.run_from(row) for row in found]


def insert_run(db: Database, run: Run) -> None:
    insert(db, "runs", rows.run_row(run))


def update_run(db: Database, run: Run) -> None:
    row = rows.run_row(run)
    run_id = row.pop("id")
    names = ", ".join(f"{name} = ?" for name in row)
    db.execute(f"UPDATE runs SET {names} WHERE id = ?", (*row.values(), run_id))  # noqa: S608


# Events


def append_event(
    db: Database, task_id: str, kind: str, payload: dict[str, Any], *, at: float
) -> int:
    """Add a line to the story; answers its ``seq``."""
    db.execute("UPDATE tasks SET last_seq = last_seq + 1 WHERE id = ?", (task_id,))
    row = fetch_one(db, "SELECT last_seq FROM tasks WHERE id = ?", task_id)
    if row is None:
        raise TaskNotFound
    seq = int(row["last_seq"])
    insert(
        db,
        "events",
        {
            "task_id": task_id,
            "seq": seq,
            "at": at,
            "kind": kind,
            "payload": json.dumps(payload, ensure_ascii=False),
        },
    )
    return seq


def events(
    db: Database, *, after: int = 0, task_id: str | None = None, limit: int = 500
) -> list[Event]:
    """Events with an id over ``after``, in order."""
    if task_id is None:
        found = fetch_all(db, "SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", after, limit)
    else:
        found = fetch_all(
            db,
            "SELECT * FROM events WHERE task_id = ? AND id > ? ORDER BY id LIMIT ?",
            *(task_id, after, limit),
        )
    return [rows.event_from(row) for row in found]


def task_events(db: Database, task_id: str, *, after_seq: int = 0) -> list[Event]:
    found = fetch_all(
        db,
        "SELECT * FROM events WHERE task_id = ? AND seq > ? ORDER BY seq",
        *(task_id, after_seq),
    )
    return [rows.event_from(row) for row in found]


def last_event_id(db: Database) -> int:
    row = fetch_one(db, "SELECT coalesce(max(id), 0) AS id FROM events")
    return int(row["id"]) if row else 0


def event_counts(db: Database, task_id: str) -> dict[str, int]:
    found = fetch_all(
        db,
        "SELECT kind, count(*) AS n FROM events WHERE task_id = ? GROUP BY kind ORDER BY kind",
        task_id,
    )
    return {row["kind"]: row["n"] for row in found}


# Messages


def add_message(
    db: Database,
    *,
    task_id: str,
    kind: str,
    author: Person,
    text: str,
    at: float,
    key: str | None,
    run_id: str | None = None,
) -> Message | None:
    """None where the key is known already."""
    if key is not None and fetch_one(db, "SELECT 1 FROM messages WHERE key = ?", key):
        return None
    message_id = insert(
        db,
        "messages",
        {
            "task_id": task_id,
            "kind": kind,
            "author_id": author.id,
            "author_name": author.name,
            "text": text,
            "at": at,
            "key": key,
            "run_id": run_id,
        },
    )
    row = fetch_one(db, "SELECT * FROM messages WHERE id = ?", message_id)
    return rows.message_from(row) if row else None


def run_messages(db: Database, run_id: str, *, after: int = 0) -> list[Message]:
    """What a run's model has still to hear, and every stop."""
    found = fetch_all(
        db,
        "SELECT * FROM messages WHERE run_id = ? AND id > ?"
        " AND (delivered_at IS NULL OR kind = 'stop') ORDER BY id",
        *(run_id, after),
    )
    return [rows.message_from(row) for row in found]


def said_in(db: Database, run_id: str) -> list[Message]:
    """Everything people said that this run was given."""
    found = fetch_all(
        db, "SELECT * FROM messages WHERE run_id = ? AND kind = 'message' ORDER BY id", run_id
    )
    return [rows.message_from(row) for row in found]


def pending_messages(db: Database, task_id: str) -> list[Message]:
    """Messages that no run has given to its model."""
    found = fetch_all(
        db,
        "SELECT * FROM messages WHERE task_id = ? AND kind IN ('message', 'update')"
        " AND delivered_at IS NULL ORDER BY id",
        task_id,
    )
    return [rows.message_from(row) for row in found]


def mark_delivered(db: Database, message_ids: list[int], run_id: str, at: float) -> None:
    for message_id in message_ids:
        db.execute(
            "UPDATE messages SET run_id = ?, delivered_at = ?"
            " WHERE id = ? AND delivered_at IS NULL",
            (run_id, at, message_id),
        )


# Patches


def put_patch(db: Database, sha256: str, data: bytes) -> None:
    db.execute("INSERT OR IGNORE INTO patches (sha256, data) VALUES (?, ?)", (sha256, data))


def get_patch(db: Database, sha256: str) -> bytes:
    row = fetch_one(db, "SELECT data FROM patches WHERE sha256 = ?", sha256)
    if row is None:
        raise TaskNotFound("There is no such patch.")
    return bytes(row["data"])


# Approvals


def get_approval(db: Database, approval_id: str) -> Approval:
    row = fetch_one(db, "SELECT * FROM approvals WHERE id = ?", approval_id)
    if row is None:
        raise TaskNotFound("There is no such approval.")
    return rows.approval_from(row)


def pending_approval(db: Database, task_id: str) -> Approval | None:
    row = fetch_one(db, "SELECT * FROM approvals WHERE task_id = ? AND state = 'pending'", task_id)
    return rows.approval_from(row) if row else None


def approved(db: Database, task_id: str) -> Approval | None:
    """The newest approval that was given."""
    row = fetch_one(
        db,
        "SELECT * FROM approvals WHERE task_id = ? AND state = 'approved'"
        " ORDER BY settled_at DESC LIMIT 1",
        task_id,
    )
    return rows.approval_from(row) if row else None


# Waiting


def count_running(db: Database) -> int:
    """Runs that hold a place."""
    row = fetch_one(
        db,
        "SELECT count(*) AS n FROM runs WHERE finished_at IS NULL AND started_at IS NOT NULL",
    )
    return int(row["n"]) if row else 0


def queue_position(db: Database, run_id: str) -> int:
    """How many queued runs stand before this one."""
    row = fetch_one(
        db,
        "SELECT count(*) AS n FROM runs JOIN tasks ON tasks.id = runs.task_id"
        " WHERE runs.finished_at IS NULL AND runs.started_at IS NULL AND tasks.status = ?"
        " AND runs.created_at < (SELECT created_at FROM runs WHERE id = ?)",
        *(Status.QUEUED.value, run_id),
    )
    return int(row["n"]) if row else 0


def teams(db: Database) -> list[str]:
    """Slack workspaces that asked for something."""
    found = fetch_all(db, "SELECT DISTINCT team FROM tasks WHERE team IS NOT NULL")
    return [str(row["team"]) for row in found]


def open_tasks_in(db: Database, team: str, channel: str) -> list[Task]:
    """Tasks of a Slack channel that have a run which has not ended."""
    found = fetch_all(
        db,
        "SELECT * FROM tasks WHERE team = ? AND channel = ? AND EXISTS (SELECT 1 FROM runs"
        " WHERE runs.task_id = tasks.id AND runs.finished_at IS NULL)",
        *(team, channel),
    )
    return [rows.task_from(row) for row in found]
