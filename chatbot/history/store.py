"""One SQLite file: one thread that writes, a few that read, and a wake-up after each commit."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.history.schema import migrations
from chatbot.models import Event
from sandbox.errors import ThreadsmithError

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a writer waits for another process (the command line beside the server)."""
POLL_SECONDS = 1.0
"""Followers look again at least this often: another process writes without waking us."""


class HistoryUnavailable(ThreadsmithError):
    """The database cannot be read or written."""

    code = "history_unavailable"
    resolution = "Check the free space and the permissions of the data directory."


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    if not read_only:
        _use_wal(connection)
        # A commit must survive a power cut: an approval or a paid model turn is in it.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for its busy time here where another process opens the same file."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


class History:
    """The store. ``open`` it, ``close`` it; writes are transactions, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="history-write")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="history-read")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._version = 0
        self._wake = asyncio.Event()

    @classmethod
    async def open(cls, path: Path) -> History:
        history = cls(path)
        try:
            await asyncio.get_running_loop().run_in_executor(history._writer, history._prepare)
        except (sqlite3.Error, OSError) as error:
            await history.close()
            raise HistoryUnavailable(details=f"{path}: {error}") from error
        return history

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    async def write(self, change: Callable[[Database], T]) -> T:
        """Run ``change`` in one immediate transaction on the writing thread."""
        future = asyncio.get_running_loop().run_in_executor(self._writer, self._transact, change)
        future.add_done_callback(self._notify)
        # Cancelling the caller does not end the transaction: whoever follows must hear of it.
        try:
            return await asyncio.shield(future)
        except sqlite3.Error as error:
            raise HistoryUnavailable(details=str(error)) from error

    async def read(self, query: Callable[[Database], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, self._query, query)
        except sqlite3.Error as error:
            raise HistoryUnavailable(details=str(error)) from error

    @property
    def version(self) -> int:
        """Grows with every write of this process."""
        return self._version

    async def changed(self, since: int, *, timeout_seconds: float = POLL_SECONDS) -> None:
        """Wait until there is a newer version than ``since``, or for that long.

        Take ``version`` before reading what was found wanting: then no write slips in between.
        """
        if self._version != since:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._wake.wait()

    async def follow(self, *, after: int, task_id: str | None = None) -> AsyncIterator[Event]:
        """Every event with an id over ``after``, of one task or of all, as they come; no end."""
        while True:
            version = self._version
            events = await self.read(
                lambda db, after=after: queries.events(db, after=after, task_id=task_id)  # type: ignore[misc]
            )
            for event in events:
                after = event.id
                yield event
            if not events:
                await self.changed(version)

    def _notify(self, future: asyncio.Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._version += 1
            self._wake.set()
            self._wake = asyncio.Event()

    def _database(self, *, read_only: bool) -> Database:
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            connection = connect(self.path, read_only=read_only)
            with self._lock:
                self._opened.append(connection)
            database = Database(connection)
            self._local.database = database
        return database

    def _prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Share tokens are in it; SQLite gives its side files the same mode.
        self.path.touch(mode=0o600)
        # One transaction: another process may be opening the same new file.
        self._transact(migrations.apply)

    def _transact(self, change: Callable[[Database], T]) -> T:
        database = self._database(read_only=False)
        database.conn.execute("BEGIN IMMEDIATE")
        try:
            result = change(database)
            database.conn.commit()
        except BaseException:
            database.conn.rollback()
            raise
        return result

    def _query(self, query: Callable[[Database], T]) -> T:
        return query(self._database(read_only=True))
