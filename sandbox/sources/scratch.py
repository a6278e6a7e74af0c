"""Folders that are gone after their use, whatever happens to the one who uses them."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.05
_OURS = re.compile(r"(?:.*\.)?[0-9a-f]{32}\.new")


@asynccontextmanager
async def scratch(place: Path) -> AsyncIterator[Path]:
    """An empty folder in ``place``; those of killed processes there go first.

    It is locked while it is in use, and the kernel drops the lock with the process.
    """
    directory, lock = await asyncio.to_thread(_make, place)
    try:
        yield directory
    finally:
        await asyncio.to_thread(_remove, directory, lock)


def _make(place: Path) -> tuple[Path, int]:
    place.mkdir(parents=True, exist_ok=True)
    for path in place.glob("*.new"):
        if _OURS.fullmatch(path.name) and (lock := _lock(path)) is not None:
            _remove(path, lock)
    while True:
        directory = (place / f"{uuid4().hex}.new").absolute()
        directory.mkdir()
        lock = _lock(directory)
        # Somebody's sweep may have come between the two.
        if lock is not None and directory.exists():
            return directory, lock
        if lock is not None:
            os.close(lock)


def _lock(directory: Path) -> int | None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    os.close(descriptor)
    return None


def _remove(directory: Path, lock: int) -> None:
    """A git whose owner was killed may still write there; without its folder it ends too."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            break
        time.sleep(_PAUSE_SECONDS)
    os.close(lock)
