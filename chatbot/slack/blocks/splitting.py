"""Long words in parts: code between its lines, Markdown where it breaks nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.slack.blocks.text import is_blank

FENCE = r"(?:`{3,}(?=[^`\n]*$)|~{3,})"
"""What opens fenced code; between backticks in one line stands code of another kind."""
_OPENS = re.compile(rf"^(?P<before>[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*)(?P<marks>{FENCE})")
_SHORTEST = 4
"""A part is at least this fraction of what it may be, where it could be cut later."""


@dataclass(frozen=True, slots=True)
class _Fence:
    line: str
    """Which opens it, without what stands before it."""
    indent: str
    marks: str

    def is_closed_by(self, line: str) -> bool:
        bare = line.strip()
        return len(bare) >= len(self.marks) and set(bare) == {self.marks[0]}


def fences(lines: list[str]) -> Iterator[_Fence | None]:
    """For each line the fenced code that it stands in, its own fences included."""
    inside: _Fence | None = None
    for line in lines:
        if inside is not None:
            yield inside
            inside = None if inside.is_closed_by(line) else inside
        elif found := _OPENS.match(line):
            before = found["before"]
            inside = _Fence(line[len(before) :], " " * len(before), found["marks"])
            yield inside
        else:
            yield None


def split_lines(text: str, limit: int) -> list[str]:
    """Parts within the limit, cut between lines, else words; no blank part."""
    parts = []
    while len(text) > limit:
        at = next(
            (found for mark in ("\n", " ") if (found := text.rfind(mark, 1, limit)) > 0), limit
        )
        parts.append(text[:at].rstrip("\n"))
        text = text[at:].lstrip("\n")
    parts.append(text)
    return [part for part in parts if not is_blank(part)]


def split_markdown(text: str, limit: int) -> list[str]:
    """Parts within the limit that are Markdown by themselves; no blank part.

    Cut between paragraphs, else between lines that begin a line of their own, else in a list;
    fenced code that is longer is closed and opened again.
    """
    parts = []
    while len(text) > limit:
        part, text = _cut(text, limit)
        parts.append(part)
    parts.append(text)
    return [part for part in parts if not is_blank(part)]


def shorten_markdown(text: str, limit: int) -> str:
    """The first of it, with a mark where it is cut."""
    if len(text) <= limit:
        return text
    first = next(iter(split_markdown(text, limit - 3)), "")
    return f"{first.rstrip()}\n\n…"


def _cut(text: str, limit: int) -> tuple[str, str]:
    """The first part, and the rest."""
    lines = text.split("\n")
    inside = list(fences(lines))
    best: tuple[int, int, int] | None = None
    at = 0
    for index, line in enumerate(lines[1:], start=1):
        at += len(lines[index - 1]) + 1
        fence = inside[index] if inside[index] is inside[index - 1] else None
        # A closing line belongs to its code.
        ending = f"\n{fence.indent}{fence.marks}" if fence else ""
        if at - 1 + len(ending) > limit:
            break
        rank = _rank(lines[index - 1], line, fence)
        if at * _SHORTEST < limit:
            rank -= 10
        if best is None or rank >= best[0]:
            best = (rank, index, at)
    if best is None or best[2] < 2:
        return _cut_line(text, limit)
    _, index, at = best
    fence = inside[index] if inside[index] is inside[index - 1] else None
    if fence is None:
        return text[: at - 1], text[at:].lstrip("\n")
    opening = f"{fence.indent}{fence.line}\n"
    if len(opening) + len(fence.indent) + len(fence.marks) + 2 > min(limit, at) // 2:
        return _cut_line(text, limit)
    return f"{text[: at - 1]}\n{fence.indent}{fence.marks}", opening + text[at:]


def _rank(before: str, line: str, fence: _Fence | None) -> int:
    """How good a place it is between these two lines."""
    if fence is not None:
        return 0
    is_own = bool(line.strip()) and not line[0].isspace()
    return 1 + is_own + (is_own and not before.strip())


def _cut_line(text: str, limit: int) -> tuple[str, str]:
    """Within a line: no other place is left."""
    found = text.rfind(" ", 1, limit)
    at = found if found > 0 else limit
    return text[:at], text[at:].lstrip("\n")
