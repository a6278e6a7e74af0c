"""What a channel or a person settled on: the repository and model where none is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from chatbot.history.queries import fetch_one
from chatbot.models import Person, Thread

Kind = Literal["channel", "person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    repository: str = ""
    model: str = ""


def get(db: Database, team: str, kind: Kind, of: str) -> Defaults:
    row = fetch_one(
        db,
        "SELECT repository, model FROM defaults WHERE team = ? AND kind = ? AND id = ?",
        *(team, kind, of),
    )
    return Defaults(repository=row["repository"], model=row["model"]) if row else Defaults()


def put(
    db: Database, team: str, kind: Kind, of: str, chosen: Defaults, *, by: Person, at: float
) -> None:
    """Empty ones are forgotten."""
    db.execute("DELETE FROM defaults WHERE team = ? AND kind = ? AND id = ?", (team, kind, of))
    if chosen != Defaults():
        db.execute(
            "INSERT INTO defaults (team, kind, id, repository, model, by_id, by_name, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (team, kind, of, chosen.repository, chosen.model, by.id, by.name, at),
        )


def repository_for(db: Database, thread: Thread, person: Person) -> str | None:
    """Where none is named: the channel's, then the person's own."""
    channel = get(db, thread.team, "channel", thread.channel).repository
    return channel or get(db, thread.team, "person", person.id).repository or None
