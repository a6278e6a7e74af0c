"""The schema as a whole, and how a file comes to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from chatbot.actions import Actions
from chatbot.history import queries, store
from chatbot.history.schema import migrations
from chatbot.history.store import History, HistoryUnavailable
from tests.chatbot.history.lives import Life

SCHEMA = Path(__file__).with_name("schema.sql")
"""What a new file holds. A change of it is a new migration, and a conscious change here."""


def read_schema(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name"
        ).fetchall()
    finally:
        connection.close()
    return "".join(f"{sql};\n" for (sql,) in rows)


def applied(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations")]
    finally:
        connection.close()


async def test_new_file_has_the_whole_schema(history: History) -> None:
    assert read_schema(history.path) == SCHEMA.read_text()
    assert applied(history.path) == [migration.name for migration in migrations._migrations]


@pytest.mark.parametrize("older", [migration.name for migration in migrations._migrations])
async def test_every_older_file_comes_to_the_same_schema(tmp_path: Path, older: str) -> None:
    path = tmp_path / "threadsmith.db"
    database = Database(path)
    migrations.apply(database, stop_before=older)
    database.close()
    history = await History.open(path)
    await history.close()
    assert read_schema(path) == SCHEMA.read_text()


async def test_opening_again_changes_nothing(history: History, actions: Actions) -> None:
    life = await Life.begin(actions)
    again = await History.open(history.path)
    assert await again.read(lambda db: queries.get_task(db, life.task_id)) == await life.task()
    await again.close()
    assert read_schema(history.path) == SCHEMA.read_text()


async def test_migration_that_fails_leaves_the_file_as_it_was(
    history: History, actions: Actions, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = await Life.begin(actions)
    task = await life.task()
    newer = Migrations("threadsmith")
    for migration in migrations._migrations:
        newer(name=migration.name)(migration.fn)

    @newer()
    def m900_wrong(db: Database) -> None:
        db.execute("ALTER TABLE tasks ADD COLUMN mood TEXT")
        db.execute("ALTER TABLE nowhere ADD COLUMN mood TEXT")

    with monkeypatch.context() as patch:
        patch.setattr(store, "migrations", newer)
        with pytest.raises(HistoryUnavailable, match="nowhere"):
            await History.open(history.path)
    assert read_schema(history.path) == SCHEMA.read_text()
    assert "m900_wrong" not in applied(history.path)
    assert await life.task() == task
