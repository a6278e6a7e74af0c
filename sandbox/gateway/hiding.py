"""Tells the story that something was hidden: people must know, and must not be flooded."""

from __future__ import annotations

from typing import Final, Literal

from sandbox.gateway.journal import Journal
from sandbox.recorder import Recorder
from sandbox.redaction import Redactor

Where = Literal["events", "turn", "patch", "outcome", "log"]
AGAIN: Final = 10
"""Told once for each place and phase, and again at so many times as much."""


class Hiding:
    """The redactor of one phase, and what is told of its work."""

    def __init__(self, redactor: Redactor, journal: Journal, recorder: Recorder) -> None:
        self.redactor = redactor
        self._journal = journal
        self._recorder = recorder
        self._counts = dict(journal.entry.hidden)

    async def add(self, where: Where, count: int) -> None:
        """So many more places were hidden there."""
        await self.reach(where, self._counts.get(where, 0) + count)

    async def reach(self, where: Where, count: int) -> None:
        """So many places are hidden there now."""
        self._counts[where] = count
        told = self._journal.entry.hidden
        if count == 0 or count < AGAIN * told.get(where, 0):
            return
        await self._journal.note(hidden={**told, where: count})
        await self._recorder.event("redacted", {"where": where, "count": count})


class Counting:
    """Hides in one text after the other, and counts."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.count = 0

    def __call__(self, text: str) -> str:
        shown, count = self.redactor.counted(text)
        self.count += count
        return shown
