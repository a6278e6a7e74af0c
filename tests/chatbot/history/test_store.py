"""One file: whole transactions, in order, over several processes, with a wake-up after each."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.history import delivery, queries, store
from chatbot.history.store import History, HistoryUnavailable, connect
from chatbot.models import Event
from tests.chatbot.history.lives import Life, make_new

WRITER = """
import asyncio, sys
from pathlib import Path
from chatbot.actions import Actions
from chatbot.history.store import History
from tests.chatbot.history.lives import make_new

async def write(path, name, count):
    history = await History.open(Path(path))
    actions = Actions(history=history)
    for number in range(count):
        key = f"{name}:{number}"
        task, _ = await actions.create_task(make_new(request=key, key=key))
        print(key, task.id, flush=True)
    await history.close()

asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def check_whole(path: Path) -> set[str]:
    """Every task in the file has its first run and an unbroken story; answers the tasks' ids."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT tasks.id, tasks.last_seq,"
            " (SELECT count(*) FROM runs WHERE task_id = tasks.id),"
            " (SELECT json_group_array(kind) FROM events WHERE task_id = tasks.id ORDER BY seq)"
            " FROM tasks"
        ).fetchall()
    finally:
        connection.close()
    for _, last_seq, runs, kinds in rows:
        assert (last_seq, runs, json.loads(kinds)) == (2, 1, ["task_created", "run_queued"])
    return {row[0] for row in rows}


async def test_change_that_raises_leaves_nothing(history: History, actions: Actions) -> None:
    life = await Life.begin(actions)

    def change(db: Database) -> None:
        queries.append_event(db, life.task_id, "note", {}, at=1.0)
        raise KeyError

    with pytest.raises(KeyError):
        await history.write(change)
    assert await life.kinds() == ["task_created", "run_queued"]
    await life.actions.stop_task(life.task_id, (await life.task()).author)
    assert (await life.kinds())[-1] == "run_finished"


async def test_commit_that_fails_leaves_nothing_and_later_writes_go_on(history: History) -> None:
    def change(db: Database) -> None:
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("INSERT INTO events VALUES (1, 't_none', 1, 1.0, 'note', '{}')")

    with pytest.raises(HistoryUnavailable):
        await history.write(change)
    assert await history.write(lambda db: delivery.first_sight(db, "k", at=1.0))
    assert await history.read(queries.last_event_id) == 0


async def test_cancelled_write_is_still_heard(history: History, actions: Actions) -> None:
    """The caller goes away; what it asked for happens, and followers hear of it at once."""
    version = history.version
    writing = asyncio.create_task(actions.create_task(make_new()))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await asyncio.wait_for(history.changed(version, timeout_seconds=60), 60)
    assert len(await history.read(queries.list_tasks)) == 1


async def test_no_write_slips_between_reading_and_waiting(history: History) -> None:
    version = history.version
    await history.write(lambda db: delivery.first_sight(db, "k", at=1.0))
    await asyncio.wait_for(history.changed(version, timeout_seconds=60), 60)


async def test_follow_tells_everything_once_and_wakes(
    history: History, actions: Actions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the wake-up nothing would come in time.
    monkeypatch.setattr(history, "changed", partial(history.changed, timeout_seconds=3600))
    first = await Life.begin(actions)
    heard: list[Event] = []
    enough = asyncio.Event()

    async def follow() -> None:
        async for event in history.follow(after=0):
            heard.append(event)
            if len(heard) == 6:
                enough.set()

    following = asyncio.create_task(follow())
    second = await Life.begin(actions)
    await first.tell("note", text="hello")
    await second.tell("note", text="there")
    await asyncio.wait_for(enough.wait(), 60)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert [event.id for event in heard] == [1, 2, 3, 4, 5, 6]
    assert [e for e in heard if e.task_id == first.task_id] == await first.events()
    assert [e for e in heard if e.task_id == second.task_id] == await second.events()


async def test_follow_of_one_task_hears_no_other(history: History, actions: Actions) -> None:
    await Life.begin(actions)
    mine = await Life.begin(actions)
    events = []
    async for event in history.follow(after=0, task_id=mine.task_id):
        events.append(event)
        if len(events) == 2:
            break
    assert events == await mine.events()


async def test_two_processes_write_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "new" / "threadsmith.db"
    writers = [start_writer(path, name, 40) for name in ("a", "b")]
    told = []
    for writer in writers:
        output, _ = await asyncio.to_thread(writer.communicate)
        assert writer.returncode == 0
        told += output.splitlines()
    assert {line.split()[1] for line in told} == check_whole(path)
    assert len(told) == 80


async def test_follower_hears_another_process(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.db"
    history = await History.open(path)
    writer = start_writer(path, "other", 1)
    async for event in history.follow(after=0):
        if event.kind == "run_queued":
            break
    assert writer.communicate()[0].startswith("other:0")
    assert writer.returncode == 0
    await history.close()


def test_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.db"
    acknowledged: set[str] = set()
    chance = random.Random(7)
    for number in range(8):
        writer = start_writer(path, f"w{number}", 100_000)
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 25)):
            acknowledged.add(writer.stdout.readline().split()[1])
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        # The last line may be cut: only a whole one was an acknowledgement.
        acknowledged |= {line.split()[1] for line in rest[:-1]}
        assert acknowledged <= check_whole(path)


async def test_open_where_no_file_can_be_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryUnavailable) as caught:
        await History.open(tmp_path / "file" / "threadsmith.db")
    assert "file" in caught.value.details


async def test_open_of_something_else_says_so_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "threadsmith.db"
    path.write_bytes(b"certainly no database" * 100)
    with pytest.raises(HistoryUnavailable):
        await History.open(path)
    assert path.read_bytes() == b"certainly no database" * 100


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    history = await History.open(tmp_path / "data" / "threadsmith.db")
    await history.write(lambda db: delivery.first_sight(db, "k", at=1.0))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in history.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(history.path.parent.stat().st_mode) == 0o700
    await history.close()


async def test_readers_cannot_write(history: History) -> None:
    with pytest.raises(HistoryUnavailable):
        await history.read(lambda db: delivery.first_sight(db, "k", at=1.0))


async def test_commits_survive_a_power_cut(history: History) -> None:
    def modes(db: Database) -> tuple[str, int]:
        journal = db.execute("PRAGMA journal_mode").fetchone()[0]
        return journal, db.execute("PRAGMA synchronous").fetchone()[0]

    full = 2
    assert await history.write(modes) == ("wal", full)


def test_wal_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that stays locked is an error in the end, not a wait for ever."""
    path = tmp_path / "threadsmith.db"
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connect(path)
    finally:
        holder.rollback()
        holder.close()
