"""What a git that was killed leaves in a mirror: locks in the way of the next one, half a pack."""

from __future__ import annotations

import asyncio
import shutil
import time
from itertools import chain
from pathlib import Path

STALE_SECONDS = 5.0
"""Git holds its locks for moments: an older one belongs to nobody."""
_PATCH_SECONDS = 3600.0
_POLL_SECONDS = 0.05


async def clear_leftovers(mirror: Path, *, stale_seconds: float = STALE_SECONDS) -> None:
    """Only under the mirror's lock.

    A git whose own process was killed may go on for a while, so a young lock is waited for; who
    knows that no git is left gives 0.
    """
    while await asyncio.to_thread(_clear, mirror, stale_seconds):  # noqa: ASYNC110 - files
        await asyncio.sleep(_POLL_SECONDS)


def _clear(mirror: Path, stale_seconds: float) -> bool:
    """Whether a young lock is left."""
    is_left = False
    for lock in chain(mirror.glob("*.lock"), (mirror / "refs").rglob("*.lock")):
        if _age(lock) >= stale_seconds:
            lock.unlink(missing_ok=True)
        else:
            is_left = True
    packs = mirror / "objects" / "pack"
    for part in chain(packs.glob("tmp_*"), packs.glob(".tmp-*")):
        part.unlink(missing_ok=True)
    for folder in mirror.glob("patch-*.tmp"):
        if _age(folder) >= _PATCH_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return is_left


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
