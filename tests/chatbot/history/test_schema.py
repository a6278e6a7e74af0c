"""The schema as a whole, and how a file comes to it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from chatbot.actions import Actions
from chatbot.history import conversation, queries, store, summaries
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


async def test_conversations_of_older_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.db"
    database = Database(path)
    migrations.apply(database, stop_before="m012_attempts")
    with database.conn:
        row = {"id": "t_1", "created_at": 1.0, "updated_at": 1.0, "status": "done", "source": "{}"}
        row |= dict.fromkeys(("origin", "mode", "model", "request", "share_token"), "x")
        database["tasks"].insert(row | {"author_id": "U1", "author_name": "Ada"})
        run = {"id": "r_1", "task_id": "t_1", "number": 1, "request": "x", "created_at": 1.0}
        database["runs"].insert(run | {"author_id": "U1", "author_name": "Ada"})
        for number in range(3):
            turn = {"task_id": "t_1", "number": number, "run_id": "r_1", "at": 1.0}
            text = json.dumps({"number": number})
            database["turns"].insert(turn | {"request_sha256": "", "turn": text})
        summary = {"task_id": "t_1", "until": 2, "run_id": "r_1", "at": 1.0, "text": "so far"}
        database["summaries"].insert(summary)
    database.close()
    history = await History.open(path)
    turns = await history.read(lambda db: conversation.turns(db, "t_1"))
    assert [turn["number"] for turn in turns] == [0, 1, 2]
    assert await history.read(lambda db: summaries.of_task(db, "t_1")) == [(2, "so far")]
    kept = await history.read(lambda db: queries.newest_run(db, "t_1"))
    assert (kept.attempt, kept.is_aside) == (None, False)
    await history.close()
