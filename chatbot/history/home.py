"""What concerns one person: their tasks, what waits, what they settled on and allowed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from chatbot.history import pulls, rows
from chatbot.history.finding import ANSWERED, ASKED
from chatbot.history.queries import fetch_all, fetch_one
from chatbot.models import SetupApproval, Task

_WAITING = f"(status IN ('waiting', 'ready') AND NOT {ANSWERED})"
_WHERE = {
    "at_work": "status IN ('queued', 'preparing', 'running', 'publishing')",
    "waiting": f"({_WAITING} OR {ASKED})",
    "ended": f"(status IN ('done', 'failed', 'stopped') AND NOT {ASKED} OR {ANSWERED})",
}


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
    which: Literal["at_work", "waiting", "ended"],
    *,
    limit: int,
    offset: int = 0,
) -> list[Task]:
    """What they asked for, the newest first; an answer that was given is a result."""
    found = fetch_all(
        db,
        f"SELECT * FROM tasks WHERE team = ? AND author_id = ? AND {_WHERE[which]}"  # noqa: S608
        " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        *(team, person_id, limit, offset),
    )
    return [rows.task_from(row) for row in found]


def waiting_of_others(
    db: Database, team: str, person_id: str, *, limit: int
) -> list[tuple[Task, bool]]:
    """What others asked for and waits for somebody; whether the person took part in it.

    Direct messages are left out: nobody else has a place there.
    """
    found = fetch_all(
        db,
        "SELECT *, EXISTS (SELECT 1 FROM messages WHERE messages.task_id = tasks.id"  # noqa: S608
        " AND messages.author_id = ?) AS took_part FROM tasks WHERE team = ? AND author_id != ?"
        f" AND {_WAITING} AND channel NOT LIKE 'D%' ORDER BY created_at DESC LIMIT ?",
        *(person_id, team, person_id, limit),
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
