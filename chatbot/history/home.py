"""What concerns one person: their tasks, what waits, what they settled on and allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from chatbot.history import pulls, rows
from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import FINAL, SetupApproval, Status, Task

AT_WORK = (Status.QUEUED, Status.PREPARING, Status.RUNNING, Status.PUBLISHING)
WAITING = (Status.WAITING, Status.READY)
ENDED = tuple(FINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A pull request that is mended unasked, because the person said so."""

    task_id: str
    repository: str
    number: int


def of_person(
    db: Database,
    team: str,
    person_id: str,
    statuses: Sequence[Status],
    *,
    limit: int,
    offset: int = 0,
) -> list[Task]:
    """What they asked for, the newest first."""
    marks = ", ".join("?" * len(statuses))
    found = fetch_all(
        db,
        f"SELECT * FROM tasks WHERE team = ? AND author_id = ? AND status IN ({marks})"  # noqa: S608
        " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        *(team, person_id, *(status.value for status in statuses), limit, offset),
    )
    return [rows.task_from(row) for row in found]


def waiting_of_others(
    db: Database, team: str, person_id: str, *, limit: int
) -> list[tuple[Task, bool]]:
    """What others asked for and waits for somebody; whether the person took part in it.

    Direct messages are left out: nobody else has a place there.
    """
    marks = ", ".join("?" * len(WAITING))
    found = fetch_all(
        db,
        "SELECT *, EXISTS (SELECT 1 FROM messages WHERE messages.task_id = tasks.id"  # noqa: S608
        " AND messages.author_id = ?) AS took_part FROM tasks WHERE team = ? AND author_id != ?"
        f" AND status IN ({marks}) AND channel NOT LIKE 'D%' ORDER BY created_at DESC LIMIT ?",
        *(person_id, team, person_id, *(status.value for status in WAITING), limit),
    )
    return [(rows.task_from(row), bool(row["took_part"])) for row in found]


def allowed_setups(db: Database, person_id: str, *, limit: int) -> list[SetupApproval]:
    """Scripts that run without being asked about again, because the person said so."""
    found = fetch_all(
        db,
        "SELECT * FROM setup_approvals WHERE state = 'approved' AND settled_by_id = ?"
        " GROUP BY repository, sha256 ORDER BY settled_at DESC LIMIT ?",
        *(person_id, limit),
    )
    return [rows.setup_approval_from(row) for row in found]


def mended(db: Database, person_id: str, *, limit: int) -> list[Mended]:
    found = []
    for pull in pulls.open_pulls(db):
        if pull.autofix and _who_set(db, pull.task_id) == person_id:
            found.append(
                Mended(task_id=pull.task_id, repository=pull.repository, number=pull.number)
            )
    return found[:limit]


def _who_set(db: Database, task_id: str) -> str:
    row = fetch_one(
        db,
        "SELECT payload FROM events WHERE task_id = ? AND kind = 'autofix_set'"
        " ORDER BY seq DESC LIMIT 1",
        task_id,
    )
    by = json.loads(row["payload"]).get("by") if row else None
    return str(by.get("id", "")) if isinstance(by, dict) else ""
