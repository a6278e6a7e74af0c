"""Waiting for a container's end: its own word, its exit, the clock, a full disk, or a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sandbox.engines.engine import Engine, Handle
from sandbox.outcomes import End
from sandbox.spec import Limits

POLL_SECONDS: Final = 0.5
DISK_SECONDS: Final = 1.0
DISK_SHARE: Final = 20
"""Counting takes no more than a twentieth of the time."""


class Watch:
    """One run of this process: how others reach it while it goes on."""

    def __init__(self) -> None:
        self.has_agent = False
        """The agent's container was started: from here on the run can be attached to."""
        self.is_stopping = False
        self.forced = asyncio.Event()
        self.finished = asyncio.Event()
        self._waits = 0
        self._waiting_since = 0.0
        self._waited = 0.0

    @contextmanager
    def patience(self) -> Iterator[None]:
        """What the run waits for in here is no doing of its own: its clock stands still."""
        loop = asyncio.get_running_loop()
        if self._waits == 0:
            self._waiting_since = loop.time()
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if self._waits == 0:
                self._waited += loop.time() - self._waiting_since

    @property
    def waited(self) -> float:
        """Seconds by now."""
        if self._waits == 0:
            return self._waited
        return self._waited + asyncio.get_running_loop().time() - self._waiting_since

    async def stop(self, grace_seconds: float) -> None:
        """Give a working agent that long to end by itself, then force it."""
        self.is_stopping = True
        if self.has_agent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.finished.wait(), grace_seconds)
        self.forced.set()


async def wait_for_end(
    engine: Engine,
    handle: Handle,
    *,
    ended: asyncio.Event,
    watch: Watch,
    seconds: float,
    limits: Limits,
) -> End:
    """Return at the first of the five; a state that is unknown is no end."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds - watch.waited
    claim = asyncio.create_task(ended.wait())
    stop = asyncio.create_task(watch.forced.wait())
    full = asyncio.create_task(_watch_disk(engine, handle, limits))
    try:
        while (left := deadline + watch.waited - loop.time()) > 0:
            done, _ = await asyncio.wait(
                {claim, stop, full},
                timeout=min(POLL_SECONDS, left),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if claim in done or stop in done:
                return End(kind="claim" if claim in done else "stop")
            if full in done:
                return End(kind="disk", reason=full.result())
            state = await engine.poll(handle)
            if state.name in ("exited", "gone"):
                return End(kind="exit", state=state)
        return End(kind="limit")
    finally:
        claim.cancel()
        stop.cancel()
        full.cancel()


async def _watch_disk(engine: Engine, handle: Handle, limits: Limits) -> str:
    """Return when the container has written too much, saying of what.

    Most storage drivers have no quota. The more there is to count, the seldomer it is counted.
    """
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        used = await engine.disk_usage(handle)
        if used is not None and used.size_bytes > limits.disk_bytes:
            return f"{limits.disk_bytes / 1024**3:.1f} GiB"
        if used is not None and (used.files or 0) > limits.disk_files:
            return f"{limits.disk_files:,} files"
        await asyncio.sleep(max(DISK_SECONDS, (loop.time() - began) * DISK_SHARE))
