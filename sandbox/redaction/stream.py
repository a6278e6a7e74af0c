"""A text that comes in pieces: a secret may begin in one and end in another."""

from __future__ import annotations

from typing import Final

from sandbox.redaction.known import KnownValues
from sandbox.redaction.shapes import MAX_CHARACTERS, shape_spans, shapes_held_from
from sandbox.redaction.spans import Span, merge, without

_MARGIN: Final = 64
_TELLING: Final = 8
"""At a text's end so much of a value's beginning is hidden as if it were whole."""


class StreamRedactor:
    """Gives what it was fed as the whole text would be, as soon as that is sure.

    Only the end that may become a secret is held back, and never more than some thousand
    characters.
    """

    def __init__(self, known: KnownValues) -> None:
        self._known = known
        self._limit = max(MAX_CHARACTERS, known.longest) + _MARGIN
        self._before = ""
        """The last character that was given away: what may follow a word is no token."""
        self._held = ""
        self.count = 0
        """Of places that were hidden so far."""

    def feed(self, text: str) -> str:
        """What can be shown now."""
        self._held += text
        spans = self._spans()
        return self._give(spans, self._sure(spans))

    def flush(self) -> str:
        """The rest: nothing comes after it."""
        spans = self._spans()
        cut_off = self._known.held_from(self._held)
        if len(self._held) - cut_off >= _TELLING:
            spans = merge([*spans, (cut_off, len(self._held))])
        return self._give(spans, len(self._held))

    def rest(self) -> str:
        """What ``flush`` would give, which stays held."""
        twin = StreamRedactor(self._known)
        twin._before, twin._held = self._before, self._held
        return twin.flush()

    def _spans(self) -> list[Span]:
        whole = self._before + self._held
        moved = len(self._before)
        found = merge(self._known.spans(whole) + shape_spans(whole))
        return [(max(0, start - moved), end - moved) for start, end in found if end > moved]

    def _sure(self, spans: list[Span]) -> int:
        """How much of what is held cannot be part of a secret that is still to come."""
        held = self._held
        sure = min(self._known.held_from(held), shapes_held_from(held))
        sure = max(sure, len(held) - self._limit)
        for start, end in spans:
            if start < sure < end:
                return start
        return sure

    def _give(self, spans: list[Span], end: int) -> str:
        given, self._held = self._held[:end], self._held[end:]
        self._before = given[-1:] or self._before
        done = [span for span in spans if span[0] < end]
        self.count += len(done)
        return without(given, done)
