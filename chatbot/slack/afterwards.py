"""What is done once Slack has its acknowledgement.

Bolt sends what a listener acknowledges with when the listener ends: what takes longer, or calls
Slack, goes on here. It must be stored before, so that the next start can do it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

FINISH_SECONDS = 5.0


class Afterwards:
    """Every piece by itself; what fails unforeseen is in the log."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait a little for what is under way, and cut off the rest."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=FINISH_SECONDS)
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("afterwards_failed", exc_info=error)
