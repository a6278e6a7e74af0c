"""Waiting for a container's end: its own word, its exit, the clock, or a stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from sandbox.engines.engine import Engine, Handle
from sandbox.outcomes import End

POLL_SECONDS: Final = 0.5


class Watch:
    """One run of this process: how others reach it while it goes on."""

    def __init__(self) -> None:
        self.has_agent = False
        """The agent's container was started: from here on the run can be attached to."""
        self.is_stopping = False
        self.forced = asyncio.Event()
        self.finished = asyncio.Event()

    async def stop(self, grace_seconds: float) -> None:
        """Give a working agent that long to end by itself, then force it."""
        self.is_stopping = True
        if self.has_agent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.finished.wait(), grace_seconds)
        self.forced.set()


async def wait_for_end(
    engine: Engine, handle: Handle, *, ended: asyncio.Event, watch: Watch, seconds: float
) -> End:
    """Return at the first of the four; a state that is unknown is no end."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    claim = asyncio.create_task(ended.wait())
    stop = asyncio.create_task(watch.forced.wait())
    try:
        while (left := deadline - loop.time()) > 0:
            done, _ = await asyncio.wait(
                {claim, stop},
                timeout=min(POLL_SECONDS, left),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if done:
                return End(kind="claim" if claim in done else "stop")
            state = await engine.poll(handle)
            if state.name in ("exited", "gone"):
                return End(kind="exit", state=state)
        return End(kind="limit")
    finally:
        claim.cancel()
        stop.cancel()
