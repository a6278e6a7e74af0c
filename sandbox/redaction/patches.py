"""A git patch without secrets in what it adds: line for line, so that it still applies.

What the patch takes away or leaves stands in the repository already; so a token that is moved or
indented is left alone. Known values are hidden in added lines whatever there was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.errors import PatchRefused
from sandbox.redaction.binary_hunks import read_binary_hunks
from sandbox.redaction.known import KnownValues
from sandbox.redaction.shapes import shape_spans
from sandbox.redaction.spans import Span, merge, without

_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_HEADERS: Final = (
    *("diff ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "deleted file mode "),
    *("new file mode ", "copy from ", "copy to ", "rename old ", "rename new ", "rename from "),
    *("rename to ", "similarity index ", "dissimilarity index ", "Binary files "),
)
_BINARY: Final = "GIT binary patch"
_OCTAL: Final = re.compile(r"\\([0-3][0-7]{2})")
_GAP: Final = "\0"
"""Stands between lines that do not follow each other: no secret goes over it."""


@dataclass(slots=True)
class _Part:
    """Some of the patch's lines: the number of each, and where its content begins."""

    lines: list[tuple[int, int]] = field(default_factory=list)

    def add(self, number: int, begin: int) -> None:
        if self.lines and self.lines[-1][0] >= 0 and self.lines[-1][0] < number - 1:
            self.lines.append((-1, 0))
        self.lines.append((number, begin))

    def end(self) -> None:
        self.lines.append((-1, 0))

    def text(self, patch: list[str]) -> str:
        return "\n".join(patch[number][at:] if number >= 0 else _GAP for number, at in self.lines)


def redact_patch(known: KnownValues, data: bytes) -> tuple[bytes, int]:
    """The patch, and in how many places something was hidden; raises PatchRefused."""
    patch = _Patch(known, data.decode(errors="surrogateescape").split("\n"))
    patch.read()
    patch.hide()
    if not patch.count:
        return data, 0
    return "\n".join(patch.lines).encode(errors="surrogateescape"), patch.count


class _Patch:
    """One patch while it is being read and altered."""

    def __init__(self, known: KnownValues, lines: list[str]) -> None:
        self.lines = lines
        self.count = 0
        self._known = known
        self._new = _Part()
        """What the files have where the patch touches them."""
        self._old = _Part()
        """What they had there."""
        self._loose = _Part()
        """Words that git gives no meaning."""

    def read(self) -> None:
        """Tell hunks, headers and loose words apart, as git does."""
        at = 0
        while at < len(self.lines):
            line = self.lines[at]
            if match := _HUNK.match(line):
                # Behind its numbers stands a line of the file, for people.
                self._loose.add(at, match.end())
                at = self._read_hunk(at + 1, int(match[1] or 1), int(match[2] or 1))
            elif line == _BINARY:
                at = self._read_binary(at + 1)
            else:
                self._read_header(at)
                at += 1

    def hide(self) -> None:
        text = self._old.text(self.lines)
        left = {text[start:end] for start, end in merge(shape_spans(text))}
        text = self._new.text(self.lines)
        shapes = [(s, e) for s, e in merge(shape_spans(text)) if text[s:e] not in left]
        self._hide_in(self._new, merge([*self._known.spans(text), *shapes]), only="+")
        text = self._loose.text(self.lines)
        self._hide_in(self._loose, merge([*self._known.spans(text), *shape_spans(text)]))

    def _read_hunk(self, at: int, old: int, new: int) -> int:
        """The line behind the hunk; one that is broken ends early, and git refuses it."""
        while at < len(self.lines):
            sign = self.lines[at][:1]
            if sign == "\\":
                self._loose.add(at, 2)
            elif sign not in ("", " ", "-", "+") or (old <= 0 and new <= 0):
                break
            else:
                if sign != "-":
                    self._new.lines.append((at, 1))
                    new -= 1
                if sign != "+":
                    self._old.lines.append((at, 1))
                    old -= 1
            at += 1
        self._new.end()
        self._old.end()
        return at

    def _read_binary(self, at: int) -> int:
        if not self._known:
            return at
        contents, end = read_binary_hunks(self.lines, at)
        for content in contents:
            # Also as the wider characters of some programs, which have zeros between.
            for data in (content, content.replace(b"\0", b"")):
                if self._known.spans(data.decode(errors="surrogateescape")):
                    raise PatchRefused(
                        "A binary file of the change holds a secret value.",
                        resolution="Ask for the change without that file.",
                    )
        return end

    def _read_header(self, at: int) -> None:
        line = self.lines[at]
        if not line.startswith(_HEADERS):
            self._loose.add(at, 0)
        elif self._known.spans(line) or self._known.spans(_unquoted(line)):
            raise PatchRefused(
                "The name of a file in the change holds a secret value.",
                resolution="Ask for another name of the file.",
            )

    def _hide_in(self, part: _Part, spans: list[Span], only: str = "") -> None:
        """Hide what of these places lies in lines that begin so."""
        touched = set()
        places: dict[tuple[int, int], list[Span]] = {}
        for index, where, place in _by_line(self.lines, part, spans):
            if self.lines[where[0]].startswith(only):
                touched.add(index)
                places.setdefault(where, []).append(place)
        for (number, at), found in places.items():
            line = self.lines[number]
            self.lines[number] = line[:at] + without(line[at:], found)
        self.count += len(touched)


def _by_line(
    patch: list[str], part: _Part, spans: list[Span]
) -> Iterator[tuple[int, tuple[int, int], Span]]:
    """For each piece of a place that one line holds: whose it is, the line, and where in it.

    Line ends stay.
    """
    begin = index = 0
    for number, at in part.lines:
        content = patch[number][at:] if number >= 0 else _GAP
        length = len(content.removesuffix("\r"))
        while index < len(spans) and spans[index][1] <= begin:
            index += 1
        for later in range(index, len(spans)):
            start, end = spans[later]
            if start >= begin + length:
                break
            piece = (max(start - begin, 0), min(end - begin, length))
            if piece[0] < piece[1] and number >= 0:
                yield later, (number, at), piece
        begin += len(content) + 1


def _unquoted(line: str) -> str:
    """A header as git means it: it writes odd bytes of a name as octal numbers."""
    data = _OCTAL.sub(lambda found: chr(int(found[1], 8)), line)
    return data.encode("latin-1", "replace").decode(errors="surrogateescape")
