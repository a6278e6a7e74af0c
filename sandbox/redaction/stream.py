"""A text that comes in pieces: a secret may begin in one and end in another."""

from __future__ import annotations

from typing import Final

from sandbox.redaction.known import KnownValues
from sandbox.redaction.shapes import MAX_CHARACTERS, shape_matches, shapes_held_from
from sandbox.redaction.spans import Span, merge, without

_MARGIN: Final = 64
_TELLING: Final = 8
"""At a text's end so much of a value's beginning is hidden as if it were whole."""

_Found = tuple[int, Span]
"""Where that begins by which a secret is known, and where the secret is."""


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
        found = self._find()
        return self._give(found, self._sure(found))

    def flush(self) -> str:
        """The rest: nothing comes after it."""
        found = self._find()
        cut_off = self._known.held_from(self._held)
        if len(self._held) - cut_off >= _TELLING:
            found.append((cut_off, (cut_off, len(self._held))))
        return self._give(found, len(self._held))

    def _find(self) -> list[_Found]:
        whole = self._before + self._held
        moved = len(self._before)
        known = [(span[0], span) for span in self._known.spans(whole)]
        return [
            (begin - moved, (max(0, start - moved), end - moved))
            for begin, (start, end) in (*known, *shape_matches(whole))
            if end > moved
        ]

    def _sure(self, found: list[_Found]) -> int:
        """How much of what is held cannot be part of a secret that is still to come."""
        sure = min(self._known.held_from(self._held), shapes_held_from(self._held))
        sure = max(sure, len(self._held) - self._limit)
        # By the last one first: what is moved back may come to lie in an earlier one.
        for begin, (_, end) in sorted(found, key=lambda match: match[1][1], reverse=True):
            if begin < sure < end:
                sure = begin
        return max(0, sure)

    def _give(self, found: list[_Found], end: int) -> str:
        given, self._held = self._held[:end], self._held[end:]
        self._before = given[-1:] or self._before
        spans = [span for span in merge(span for _, span in found) if span[0] < end]
        self.count += len(spans)
        return without(given, spans)
