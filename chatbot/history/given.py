"""What people gave along with their words: first where it is, then what it holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from chatbot.history import queries

Kind = Literal["image", "file", "text"]
State = Literal["wanted", "there", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGiven:
    """Something that a person gave, as it is known when they speak."""

    kind: Kind
    name: str
    origin: dict[str, Any]
    """How it is fetched; `from` says by whom."""
    note: str = ""
    """Why it cannot be had; empty: it is to be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Without its data. A text is for the model to read at once, a file to look into."""

    id: int
    task_id: str
    message_id: int | None
    """The message that brought it; None: the request."""
    kind: Kind
    name: str
    origin: dict[str, Any]
    state: State
    author: str
    media_type: str = ""
    bytes: int = 0
    note: str = ""
    """Why it is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of fetching one of them."""

    id: int
    name: str
    kind: Kind
    data: bytes | None = None
    """None: it cannot be had, and ``note`` says why."""
    media_type: str = ""
    note: str = ""

    def told(self) -> dict[str, Any]:
        """For the story."""
        size = None if self.data is None else len(self.data)
        return {"name": self.name, "kind": self.kind, "bytes": size, "note": self.note}


_COLUMNS = "id, task_id, message_id, kind, name, origin, state, author, media_type, bytes, note"


def add(
    db: Database,
    task_id: str,
    message_id: int | None,
    author: str,
    items: Sequence[NewGiven],
) -> list[dict[str, str]]:
    """Keep what is to be fetched; answers what the story tells of it."""
    for item in items:
        row = {
            "task_id": task_id,
            "message_id": message_id,
            "kind": item.kind,
            "name": item.name,
            "origin": json.dumps(item.origin),
            "state": "missing" if item.note else "wanted",
            "author": author,
            "note": item.note,
        }
        queries.insert(db, "given", row)
    return [{"kind": item.kind, "name": item.name} for item in items]


def of_task(db: Database, task_id: str) -> list[Given]:
    """In the order in which it came."""
    found = queries.fetch_all(
        db,
        f"SELECT {_COLUMNS} FROM given WHERE task_id = ? ORDER BY id",  # noqa: S608 - our own words
        task_id,
    )
    return [_given(row) for row in found]


def wanted(db: Database, task_id: str) -> list[Given]:
    """What has still to be fetched."""
    return [item for item in of_task(db, task_id) if item.state == "wanted"]


def settle(db: Database, item: Fetched) -> None:
    """It was fetched, or why it could not be."""
    state = "missing" if item.data is None else "there"
    db.execute(
        "UPDATE given SET kind = ?, state = ?, data = ?, bytes = ?, media_type = ?, note = ?"
        " WHERE id = ?",
        (item.kind, state, item.data, len(item.data or b""), item.media_type, item.note, item.id),
    )


def data_of(db: Database, task_id: str, given_id: int) -> bytes | None:
    """What it holds; None where that is not known, or not of this task."""
    row = queries.fetch_one(
        db, "SELECT data FROM given WHERE task_id = ? AND id = ?", task_id, given_id
    )
    return None if row is None or row["data"] is None else bytes(row["data"])


def _given(row: sqlite3.Row) -> Given:
    values = dict(zip(row.keys(), row, strict=True))
    return Given(**{**values, "origin": json.loads(values["origin"])})


def heard(db: Database, task_id: str) -> dict[int, str]:
    """The messages that a run was given, each with that run; the others are in an inbox."""
    found = queries.fetch_all(
        db,
        "SELECT id, run_id FROM messages WHERE task_id = ? AND delivered_at IS NOT NULL",
        task_id,
    )
    return {int(row["id"]): str(row["run_id"]) for row in found}
