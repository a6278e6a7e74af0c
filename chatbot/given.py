"""What people give along with their words: fetched by the host, kept, and handed to the run.

Stored with the words is only where it is; so taking them waits for nothing, and a process that
dies meanwhile fetches it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
import structlog
from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.history import conversation, given
from chatbot.history.given import Fetched, Given
from sandbox.enclosed import Enclosed
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

FETCH_SECONDS: Final = 30.0
OPEN_SECONDS: Final = 60.0
"""For the places to be reached at the program's start."""
MAX_TASK_BYTES: Final = 64 * 1024**2
MAX_IMAGE_BYTES: Final = 3_750_000
"""What models take; a larger picture is a file to look into."""
MAX_PIXELS: Final = 8000
"""Of one side."""

Fetch = Callable[[Given], Awaitable[bytes]]
"""Raises a ThreadsmithError that says why not."""


class Gathering:
    """Fetches what is wanted, once; what cannot be had is named to the model instead."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._fetch: Mapping[str, Fetch] = {}
        self._is_open = asyncio.Event()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def open(self, fetch: Mapping[str, Fetch]) -> None:
        """From now on these places can be asked; until then everybody waits."""
        self._fetch = fetch
        self._is_open.set()

    async def gather(self, task_id: str) -> None:
        """Whatever the task still wants."""
        history = self._actions.history
        lock = self._locks.setdefault(task_id, asyncio.Lock())
        async with lock:
            wanted = await history.read(lambda db: given.wanted(db, task_id))
            if not wanted:
                return
            held = await history.read(lambda db: given.of_task(db, task_id))
            room = MAX_TASK_BYTES - sum(item.bytes for item in held)
            fetched = []
            for item in wanted:
                one = await self._one(item, room)
                room -= len(one.data or b"")
                fetched.append(one)
            await self._actions.record_given(task_id, fetched)

    async def give_up(self, task_id: str) -> None:
        """Something broke: nobody shall wait for it."""
        wanted = await self._actions.history.read(lambda db: given.wanted(db, task_id))
        lost = [_missing(item, "it could not be fetched") for item in wanted]
        await self._actions.record_given(task_id, lost)

    async def _one(self, item: Given, room: int) -> Fetched:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._is_open.wait()
            fetch = self._fetch.get(str(item.origin.get("from")))
            if fetch is None:
                return _missing(item, "its place cannot be reached from here")
            async with asyncio.timeout(FETCH_SECONDS):
                data = await fetch(item)
        except ThreadsmithError as error:
            log.warning("given_missing", task_id=item.task_id, name=item.name, error=str(error))
            return _missing(item, error.brief)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.warning("given_missing", task_id=item.task_id, name=item.name, error=repr(error))
            return _missing(item, "it could not be fetched")
        if len(data) > room:
            return _missing(item, f"with it the task would hold over {MAX_TASK_BYTES:,} bytes")
        if item.kind == "text":
            return Fetched(id=item.id, name=item.name, kind="text", data=data)
        media_type = find_image_type(data)
        is_image = bool(media_type) and len(data) <= MAX_IMAGE_BYTES
        return Fetched(
            id=item.id,
            name=item.name,
            kind="image" if is_image else "file",
            data=data,
            media_type=media_type,
        )


def find_image_type(data: bytes) -> str:
    """By its bytes, which nobody's word can change; empty: no whole picture that models take.

    A provider refuses the whole conversation for one that is broken.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        sides = (int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
        is_whole = b"IEND" in data[-64:] and all(0 < side <= MAX_PIXELS for side in sides)
        return "image/png" if is_whole else ""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg" if b"\xff\xd9" in data[3:] else ""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif" if data.rstrip(b"\0").endswith(b";") else ""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp" if int.from_bytes(data[4:8], "little") + 8 <= len(data) else ""
    return ""


def enclosed_of(db: Database, task_id: str, run_id: str) -> list[Enclosed]:
    """What a run starts with: all of the task's, but what waits in its inbox."""
    has_begun = conversation.count(db, task_id) > 0
    heard = given.heard(db, task_id)
    found = []
    for item in given.of_task(db, task_id):
        if item.message_id is None:
            found.append(_enclosed(db, item, is_new=not has_begun))
        elif item.message_id in heard:
            is_new = not has_begun or heard[item.message_id] == run_id
            found.append(_enclosed(db, item, is_new=is_new))
    return found


def not_given(db: Database, task_id: str, number: int) -> list[str]:
    """What people should know of a task's beginning: what of theirs the agent does not get."""
    items = given.of_task(db, task_id) if number == 1 else []
    lost = (item for item in items if item.state == "missing")
    return [f"Not handed to the agent: {item.name[:80]} ({item.note})." for item in lost]


def enclosed_in(db: Database, task_id: str) -> dict[int, list[Enclosed] | None]:
    """Of each message that brought something; None: not all of it is here yet."""
    found: dict[int, list[Enclosed] | None] = {}
    for item in given.of_task(db, task_id):
        if item.message_id is None:
            continue
        known = found.setdefault(item.message_id, [])
        if item.state == "wanted" or known is None:
            found[item.message_id] = None
        else:
            known.append(_enclosed(db, item, is_new=True))
    return found


def _enclosed(db: Database, item: Given, *, is_new: bool) -> Enclosed:
    text = ""
    if item.kind == "text" and item.state == "there" and is_new:
        text = (given.data_of(db, item.task_id, item.id) or b"").decode(errors="replace")
    return Enclosed(
        id=item.id,
        kind=item.kind,
        name=item.name,
        author=item.author,
        media_type=item.media_type,
        bytes=item.bytes,
        text=text,
        missing="" if item.state == "there" else item.note or "it could not be fetched",
        is_new=is_new,
    )


def _missing(item: Given, why: str) -> Fetched:
    return Fetched(id=item.id, name=item.name, kind=item.kind, note=why[:300])
