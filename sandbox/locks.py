"""A lock between processes and tasks: a locked file; the kernel drops it with the process."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_POLL_SECONDS = 0.05


@asynccontextmanager
async def locked(
    path: Path, on_wait: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[None]:
    """Hold the lock; waiting for it can be cancelled. ``on_wait`` hears once that it is held."""
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    with await asyncio.to_thread(path.open, "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if on_wait is not None:
                    told, on_wait = on_wait, None
                    await told()
                await asyncio.sleep(_POLL_SECONDS)
        yield


def is_locked(path: Path) -> bool:
    """Whether somebody holds it right now, this process included."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
