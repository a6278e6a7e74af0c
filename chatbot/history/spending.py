"""What the models took: by run, task, person, channel and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from chatbot.history.queries import fetch_all, fetch_one, insert
from chatbot.models import Run, Task
from chatbot.story_fields import integer, mapping, number

TOKENS = ("input_tokens", "output_tokens")
"""The prompt is counted whole, what came from the cache included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    usd: float
    tokens: int


def add(db: Database, task: Task, run: Run, turn: dict[str, Any], *, at: float) -> None:
    """One turn; a cost that is not known counts as none."""
    usage = mapping(turn, "usage")
    row = {
        "run_id": run.id,
        "task_id": task.id,
        "person": run.author.id,
        "channel": task.thread.channel if task.thread else "",
        "day": day_of(at),
        "tokens": sum(integer(usage, name) for name in TOKENS),
        "cost_usd": number(turn, "cost_usd"),
    }
    insert(db, "spending", row)


def day_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def of_run(db: Database, run: Run) -> Spent:
    # By the task first: runs have no index of their own, and a task has few.
    return _sum(db, "task_id = ? AND run_id = ?", run.task_id, run.id)


def of_task(db: Database, task: Task) -> Spent:
    return _sum(db, "task_id = ?", task.id)


def of_person(db: Database, person_id: str, day: str) -> Spent:
    return _sum(db, "day = ? AND person = ?", day, person_id)


def of_person_in(db: Database, person_id: str, day: str, is_in: Callable[[str], bool]) -> Spent:
    """In those repositories alone."""
    found = fetch_all(
        db,
        "SELECT json_extract(tasks.source, '$.repository') AS repository,"
        " sum(cost_usd) AS usd, sum(tokens) AS tokens"
        " FROM spending JOIN tasks ON tasks.id = spending.task_id"
        " WHERE day = ? AND person = ? GROUP BY repository",
        *(day, person_id),
    )
    inside = [row for row in found if is_in(str(row["repository"]))]
    return Spent(
        usd=sum(float(row["usd"]) for row in inside),
        tokens=sum(int(row["tokens"]) for row in inside),
    )


def of_channel(db: Database, channel: str, day: str) -> Spent:
    return _sum(db, "day = ? AND channel = ?", day, channel)


def of_day(db: Database, day: str) -> Spent:
    return _sum(db, "day = ?", day)


def _sum(db: Database, where: str, *values: object) -> Spent:
    what = "coalesce(sum(cost_usd), 0) AS usd, coalesce(sum(tokens), 0) AS tokens"
    row = fetch_one(db, f"SELECT {what} FROM spending WHERE {where}", *values)  # noqa: S608
    return Spent(usd=float(row["usd"] if row else 0), tokens=int(row["tokens"] if row else 0))
