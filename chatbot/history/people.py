"""Who a person of the team is on the forge; learned from the person's own word."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlite_utils import Database

from chatbot.history.queries import fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    login: str
    number: int

    def address(self, forge_url: str) -> str:
        """The address by which the forge knows the person, and which tells nobody theirs."""
        host = urlsplit(forge_url).hostname or "github.com"
        return f"{self.number}+{self.login}@users.noreply.{host}"


def find(db: Database, user_id: str) -> Linked | None:
    row = fetch_one(db, "SELECT login, number FROM people WHERE user_id = ?", user_id)
    return Linked(login=row["login"], number=row["number"]) if row else None


def put(db: Database, user_id: str, linked: Linked, *, at: float) -> None:
    db.execute(
        "INSERT INTO people (user_id, login, number, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET login = excluded.login, number = excluded.number,"
        " at = excluded.at",
        (user_id, linked.login, linked.number, at),
    )


def remove(db: Database, user_id: str) -> None:
    db.execute("DELETE FROM people WHERE user_id = ?", (user_id,))
