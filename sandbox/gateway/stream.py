"""The events that a container reports: each kept once, in order, and not without end."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Final

from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Journal
from sandbox.gateway.protocol import PHASE_EVENTS
from sandbox.gateway.refusals import BadRequest
from sandbox.gateway.wire import Event
from sandbox.recorder import Recorder
from sandbox.spec import Phase

MAX_EVENTS: Final = 10_000
MAX_STORED_CHARACTERS: Final = 16 * 1024**2
"""Of one phase: a long run stays far below it; a flood ends here."""
TAIL_CHUNKS: Final = 64


class EventStream:
    """One phase's events on their way into the task's story."""

    def __init__(self, phase: Phase, journal: Journal, recorder: Recorder, hiding: Hiding) -> None:
        self._phase = phase
        self._journal = journal
        self._recorder = recorder
        self._hiding = hiding
        self._output = hiding.redactor.stream()
        self._lock = asyncio.Lock()
        self._last = journal.entry.last_event
        self._left = MAX_STORED_CHARACTERS
        self._is_cut = False
        self._tail: deque[str] = deque(maxlen=TAIL_CHUNKS)
        self.checks: dict[int, dict[str, Any]] = {}
        """How each command of a verification ended, by its number; the first word counts."""

    def setup_tail(self, lines: int) -> str:
        """The last lines that the set-up script printed."""
        return "\n".join("".join(self._tail).splitlines()[-lines:])

    async def put(self, events: list[Event]) -> int:
        """Record what is new; the id of the newest one heard."""
        known = PHASE_EVENTS[self._phase]
        for event in events:
            if event.kind not in known:
                raise BadRequest(f"`{event.kind}` belongs to another phase.")
        async with self._lock:
            new = [event for event in events if event.id > self._last]
            before = self._output.count
            for event in new:
                if event.id > self._last:
                    await self._take(event)
                    self._last = event.id
            if new:
                await self._journal.note(last_event=self._last)
                hidden = sum(event.hidden for event in new) + self._output.count - before
                await self._hiding.add("events", hidden)
            return self._last

    async def finish(self) -> None:
        """What was held back of the script's output, when no more comes."""
        async with self._lock:
            before = self._output.count
            await self._tell(self._output.flush())
            await self._hiding.add("events", self._output.count - before)

    async def _take(self, event: Event) -> None:
        if event.kind == "setup_output":
            await self._tell(self._output.feed(event.payload["text"]))
        elif event.kind in {"check_started", "check_finished"}:
            await self._take_check(event)
        else:
            await self._record(event.id, event.kind, event.payload)

    async def _take_check(self, event: Event) -> None:
        """The command is the host's own word: a container says only which one."""
        commands, number = self._journal.entry.checks, event.payload["check"]
        if not 0 <= number < len(commands):
            raise BadRequest("There is no such check.")
        payload = {**event.payload, "command": commands[number]}
        if event.kind == "check_finished":
            self.checks.setdefault(number, payload)
        await self._record(event.id, event.kind, payload)

    async def _tell(self, text: str) -> None:
        if text:
            self._tail.append(text)
            await self._record(self._last, "setup_output", {"text": text})

    async def _record(self, id_: int, kind: str, payload: dict[str, Any]) -> None:
        self._left -= len(json.dumps(payload))
        if self._left > 0 and id_ <= MAX_EVENTS:
            await self._recorder.event(kind, payload)
        elif not self._is_cut:
            self._is_cut = True
            text = "The run reports more than is kept; what follows is left out."
            await self._recorder.event("note", {"text": text})
