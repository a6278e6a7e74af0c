"""The events that a container reports: each kept once, in order, and not without end."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Final

from sandbox.gateway.journal import Journal
from sandbox.gateway.refusals import BadRequest
from sandbox.recorder import Recorder
from sandbox.spec import Phase

MAX_EVENTS: Final = 10_000
MAX_STORED_CHARACTERS: Final = 16 * 1024**2
"""Of one phase: a long run stays far below it; a flood ends here."""
TAIL_CHUNKS: Final = 64


class EventStream:
    """One phase's events on their way into the task's story."""

    def __init__(self, phase: Phase, journal: Journal, recorder: Recorder) -> None:
        self._phase = phase
        self._journal = journal
        self._recorder = recorder
        self._lock = asyncio.Lock()
        self._last = journal.entry.last_event
        self._left = MAX_STORED_CHARACTERS
        self._is_cut = False
        self._tail: deque[str] = deque(maxlen=TAIL_CHUNKS)

    def setup_tail(self, lines: int) -> str:
        """The last lines that the set-up script printed."""
        return "\n".join("".join(self._tail).splitlines()[-lines:])

    async def put(self, events: list[tuple[int, str, dict[str, Any]]]) -> int:
        """Record what is new; the id of the newest one heard."""
        if self._phase == "agent" and any(kind == "setup_output" for _, kind, _ in events):
            raise BadRequest("`setup_output` belongs to the set-up phase.")
        async with self._lock:
            before = self._last
            for id_, kind, payload in events:
                if id_ > self._last:
                    await self._record(id_, kind, payload)
                    self._last = id_
            if self._last != before:
                await self._journal.note(last_event=self._last)
            return self._last

    async def _record(self, id_: int, kind: str, payload: dict[str, Any]) -> None:
        if kind == "setup_output":
            self._tail.append(payload["text"])
        self._left -= len(json.dumps(payload))
        if self._left > 0 and id_ <= MAX_EVENTS:
            await self._recorder.event(kind, payload)
        elif not self._is_cut:
            self._is_cut = True
            text = "The run reports more than is kept; what follows is left out."
            await self._recorder.event("note", {"text": text})
