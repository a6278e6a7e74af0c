"""The repositories that the forge showed us when it was looked at last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from chatbot.history.queries import fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A repository, in the forge's own words."""

    name: str
    """`owner/name`."""
    description: str = ""
    """Anybody's words."""
    is_private: bool = True
    """Not everybody may know that it exists."""
    pushed_at: float = 0.0


def put_known(db: Database, known: Iterable[Known], *, at: float) -> None:
    """These, and no others."""
    db.execute("DELETE FROM repositories")
    db.conn.executemany(
        "INSERT OR REPLACE INTO repositories (name, description, is_private, pushed_at, seen_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [(one.name, one.description, one.is_private, one.pushed_at, at) for one in known],
    )


def all_known(db: Database) -> tuple[Known, ...]:
    """Those that somebody worked in last come first."""
    rows = fetch_all(db, "SELECT * FROM repositories ORDER BY pushed_at DESC, name")
    return tuple(
        Known(
            name=row["name"],
            description=row["description"],
            is_private=bool(row["is_private"]),
            pushed_at=row["pushed_at"],
        )
        for row in rows
    )
