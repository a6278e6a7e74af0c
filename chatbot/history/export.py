"""The story as files under `logs/<task_id>/`: a view that can be thrown away and made again.

prompt.txt, llm_response.txt, setup.log and events.jsonl only grow; how much of each is known to
be good is kept with the projection, so that a half-written end is cut off and written again.
Several processes may write the same files: what stands up to a known length is the same for all.
diff.patch, tree.zip of a task on an archive, and attempt-<n>.patch where there are several, are
written whole.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlite_utils import Database

from chatbot.attempts import newest_attempts
from chatbot.changed_tree import has_changed_tree, write_changed_tree
from chatbot.history import conversation, delivery, queries
from chatbot.history.store import History, HistoryUnavailable
from chatbot.history.transcript import Turn, make_prompt, make_response, make_setup_log
from chatbot.models import MAX_ATTEMPTS, Event
from sandbox.errors import SourceError

log = structlog.get_logger(__name__)

PROJECTION = "files"
SPACING_SECONDS = 1.0
"""Between two passes: a chatty run's events come together."""
_MOVE_PATCHES = frozenset({"patch", "run_finished", "attempt_chosen"})
PAUSE_SECONDS = 5.0
"""After the files or the history could not be written."""


@dataclass(frozen=True, slots=True)
class _News:
    """A task's story from ``seq`` on, and where the files stood there."""

    seq: int
    state: dict[str, Any]
    events: list[Event]
    turns: list[Turn]
    patch: bytes | None
    attempts: dict[int, bytes]
    """What each of several came to, or has come to by now."""

    @property
    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else self.seq

    def texts(self) -> dict[str, bytes]:
        """What each growing file gains."""
        lines = "".join(event_line(event) for event in self.events)
        return {
            name: text.encode(errors="replace")
            for name, text in (
                ("prompt.txt", make_prompt(self.turns)),
                ("llm_response.txt", make_response(self.turns)),
                ("setup.log", make_setup_log(self.events)),
                ("events.jsonl", lines),
            )
        }


def event_line(event: Event) -> str:
    return f"{json.dumps(asdict(event), ensure_ascii=False)}\n"


class LogFiles:
    """Writes the files of all tasks as their stories go on."""

    def __init__(self, history: History, directory: Path) -> None:
        self._history = history
        self._directory = directory

    async def run(self) -> None:
        """Follow every story for ever, beginning with what was missed."""
        while True:
            version = self._history.version
            try:
                behind = await self._history.read(lambda db: delivery.behind(db, PROJECTION))
                for task_id in behind:
                    await self._bring(task_id)
            except (OSError, HistoryUnavailable) as error:
                log.error("log_files_paused", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if behind:
                await asyncio.sleep(SPACING_SECONDS)
            else:
                await self._history.changed(version)

    async def export(self, task_id: str) -> Path:
        """Make all files of the task anew, each whole or not at all; answers their folder."""
        folder = self._directory / task_id
        await self._history.read(lambda db: _export(db, task_id, folder))
        await self._put_tree(task_id, folder)
        return folder

    async def _bring(self, task_id: str) -> None:
        # On a reading thread: the newest story is read while nobody else writes the files.
        folder = self._directory / task_id
        seq, state = await self._history.read(lambda db: _bring(db, task_id, folder))
        state["tree"] = await self._put_tree(task_id, folder, known=state["tree"])

        def note(db: Database) -> None:
            # Another process may have come further.
            if delivery.projection(db, PROJECTION, task_id)[0] <= seq:
                delivery.put_projection(db, PROJECTION, task_id, seq=seq, state=state)

        await self._history.write(note)

    async def _put_tree(self, task_id: str, folder: Path, known: str | None = None) -> str | None:
        """Bring tree.zip up to date; the patch that it has in it, None where there is none.

        ``known`` is that patch as it was before.
        """
        target = folder / "tree.zip"
        task = await self._history.read(lambda db: queries.get_task(db, task_id))
        if not has_changed_tree(task):
            await asyncio.to_thread(target.unlink, missing_ok=True)
            return None
        if task.patch_sha256 == known and await asyncio.to_thread(target.exists):
            return known
        try:
            is_written = await write_changed_tree(self._history, task_id, target)
        except SourceError as error:
            log.error("tree_not_written", task_id=task_id, error=str(error))
            return None
        return task.patch_sha256 if is_written else None


def _bring(db: Database, task_id: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Write what is new; what the projection must remember."""
    seq, state = delivery.projection(db, PROJECTION, task_id)
    with _alone(folder):
        news = _look(db, task_id, seq=seq, state=state)
        # Begun anew, the conversation has no earlier part any more.
        anew = any(event.kind == "task_changed" for event in news.events)
        sizes = None if anew else _grow(folder, news)
        if sizes is None:
            news = _look(db, task_id, seq=0, state={})
            sizes = _rewrite(folder, news)
    turns = news.state.get("turns", 0) + len(news.turns)
    return news.last_seq, {"turns": turns, "sizes": sizes, "tree": news.state.get("tree")}


def _export(db: Database, task_id: str, folder: Path) -> None:
    queries.get_task(db, task_id)
    with _alone(folder):
        _rewrite(folder, _look(db, task_id, seq=0, state={}))


def _look(db: Database, task_id: str, *, seq: int, state: dict[str, Any]) -> _News:
    events = queries.task_events(db, task_id, after_seq=seq)
    # Only now: the patch must not be older than the story that tells of it.
    sha256 = queries.get_task(db, task_id).patch_sha256
    return _News(
        seq=seq,
        state=state,
        events=events,
        turns=conversation.every(db, task_id, start=state.get("turns", 0)),
        patch=queries.get_patch(db, sha256) if sha256 else None,
        attempts={
            run.attempt: queries.get_patch(db, run.patch_sha256)
            for run in newest_attempts(queries.task_runs(db, task_id))
            if run.attempt is not None and run.patch_sha256 is not None
        },
    )


def _grow(folder: Path, news: _News) -> dict[str, int] | None:
    """Append what is new; the new sizes, or None where a file is not what it was."""
    known: dict[str, int] = news.state.get("sizes", {})
    sizes = {}
    for name, added in news.texts().items():
        size = _append(folder / name, known.get(name, 0), added)
        if size is None:
            return None
        sizes[name] = size
    if news.seq == 0 or any(event.kind in _MOVE_PATCHES for event in news.events):
        _write_patch(folder, news)
    return sizes


def _rewrite(folder: Path, news: _News) -> dict[str, int]:
    texts = news.texts()
    for name, data in texts.items():
        _replace(folder / name, data)
    _write_patch(folder, news)
    return {name: len(data) for name, data in texts.items()}


def _write_patch(folder: Path, news: _News) -> None:
    for number in range(1, MAX_ATTEMPTS + 1):
        _put(folder / f"attempt-{number}.patch", news.attempts.get(number))
    _put(folder / "diff.patch", news.patch)


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        _replace(path, data)


def _append(path: Path, known: int, added: bytes) -> int | None:
    """The file's good size after adding to its first ``known`` bytes; None: it is too short."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size < known:
            return None
        file.seek(known)
        # Where it stands there already, another process wrote it, and perhaps more.
        if file.read(len(added)) != added:
            file.truncate(known)
            file.seek(known)
            file.write(added)
    return known + len(added)


def _replace(path: Path, data: bytes) -> None:
    """Write the file as a whole or not at all."""
    descriptor, name = tempfile.mkstemp(".tmp", f".{path.name}-", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes and threads out of the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
