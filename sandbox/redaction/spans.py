"""Places in a text, and the text without them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

REDACTED: Final = "[redacted]"

Span = tuple[int, int]
"""Where something to be hidden begins, and the first place behind it."""


def merge(spans: Iterable[Span]) -> list[Span]:
    """In order, and one in the place of those that overlap."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def without(text: str, spans: list[Span]) -> str:
    """The text with a mark in each of these places; they are merged already."""
    if not spans:
        return text
    parts = []
    at = 0
    for start, end in spans:
        parts += [text[at:start], REDACTED]
        at = end
    parts.append(text[at:])
    return "".join(parts)
