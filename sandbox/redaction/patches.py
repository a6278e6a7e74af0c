"""A git patch without secrets in what it adds: line for line, so that it still applies.

What the patch takes away or leaves stands in the repository already; so a token that is moved or
indented is left alone. Known values are hidden in added lines whatever there was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.errors import PatchRefused
from sandbox.redaction.binary_hunks import read_binary_hunks
from sandbox.redaction.known import KnownValues
from sandbox.redaction.shapes import shape_spans
from sandbox.redaction.spans import Span, merge, without

_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@(.*)", re.DOTALL)
_HEADERS: Final = (
    *("diff ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "deleted file mode "),
    *("new file mode ", "copy from ", "copy to ", "rename old ", "rename new ", "rename from "),
    *("rename to ", "similarity index ", "dissimilarity index ", "Binary files "),
)
_BINARY: Final = "GIT binary patch"
_OCTAL: Final = re.compile(r"\\([0-3][0-7]{2})")


@dataclass(slots=True)
class _Hunk:
    """Numbers of the patch's lines: what the file has after it, and what it had before."""

    new: list[int] = field(default_factory=list)
    old: list[int] = field(default_factory=list)


def redact_patch(known: KnownValues, data: bytes) -> tuple[bytes, int]:
    """The patch, and in how many places something was hidden; raises PatchRefused."""
    text = data.decode(errors="surrogateescape")
    if not known.spans(text) and not shape_spans(text) and _BINARY not in text:
        # Nothing to be found within lines; what is written over several has shown itself too,
        # unless a mark stands between: such values are looked for by their lines.
        return data, 0
    patch = _Patch(known, text.split("\n"))
    patch.read()
    return patch.hide().encode(errors="surrogateescape"), patch.count


class _Patch:
    """One patch while it is being read and altered."""

    def __init__(self, known: KnownValues, lines: list[str]) -> None:
        self.count = 0
        self._known = known
        self._lines = lines
        self._hunks: list[_Hunk] = []
        self._loose: list[int] = []
        """Lines that git gives no meaning."""

    def read(self) -> None:
        """Tell hunks, headers and loose words apart, as git does."""
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if match := _HUNK.match(line):
                at = self._read_hunk(at, int(match[1] or 1), int(match[2] or 1))
            elif line == _BINARY:
                at = self._read_binary(at + 1)
            else:
                self._read_header(at)
                at += 1

    def hide(self) -> str:
        left = {
            text[start:end]
            for text in (self._joined(hunk.old) for hunk in self._hunks)
            for start, end in merge(shape_spans(text))
        }
        for hunk in self._hunks:
            text = self._joined(hunk.new)
            shapes = [(s, e) for s, e in merge(shape_spans(text)) if text[s:e] not in left]
            self._hide_in(hunk.new, merge([*self._known.spans(text), *shapes]))
        for number in self._loose:
            line = self._lines[number]
            spans = merge([*self._known.spans(line), *shape_spans(line)])
            self._lines[number] = without(line, spans)
            self.count += len(spans)
        return "\n".join(self._lines)

    def _read_hunk(self, at: int, old: int, new: int) -> int:
        """The line behind the hunk; one that is broken ends early, and git refuses it."""
        self._loose.append(at)  # behind its numbers stands a line of the file, for people
        hunk = _Hunk()
        at += 1
        while at < len(self._lines) and (old > 0 or new > 0 or self._lines[at][:1] == "\\"):
            sign = self._lines[at][:1]
            if sign == "\\":
                self._loose.append(at)
            elif sign in " +-" or self._lines[at] == "":
                is_new, is_old = sign != "-", sign != "+"
                if is_new:
                    hunk.new.append(at)
                if is_old:
                    hunk.old.append(at)
                old, new = old - is_old, new - is_new
            else:
                break
            at += 1
        self._hunks.append(hunk)
        return at

    def _read_binary(self, at: int) -> int:
        if not self._known:
            return at
        contents, end = read_binary_hunks(self._lines, at)
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
        line = self._lines[at]
        if not line.startswith(_HEADERS):
            self._loose.append(at)
        elif self._known.spans(line) or self._known.spans(_unquoted(line)):
            raise PatchRefused(
                "The name of a file in the change holds a secret value.",
                resolution="Ask for another name of the file.",
            )

    def _joined(self, numbers: Iterable[int]) -> str:
        return "\n".join(self._lines[number][1:] for number in numbers)

    def _hide_in(self, numbers: list[int], spans: list[Span]) -> None:
        """Hide the parts of these places that lie in added lines."""
        touched = set()
        parts: dict[int, list[Span]] = {}
        for index, number, part in _by_line(self._lines, numbers, spans):
            if self._lines[number].startswith("+"):
                touched.add(index)
                parts.setdefault(number, []).append(part)
        for number, places in parts.items():
            self._lines[number] = "+" + without(self._lines[number][1:], places)
        self.count += len(touched)


def _by_line(
    lines: list[str], numbers: list[int], spans: list[Span]
) -> Iterator[tuple[int, int, Span]]:
    """Each place's number, and its parts: the line and where in it; line ends are left."""
    begin = index = 0
    for number in numbers:
        line = lines[number][1:]
        length = len(line.removesuffix("\r"))
        while index < len(spans) and spans[index][1] <= begin:
            index += 1
        for later in range(index, len(spans)):
            start, end = spans[later]
            if start >= begin + length:
                break
            part = (max(start - begin, 0), min(end - begin, length))
            if part[0] < part[1]:
                yield later, number, part
        begin += len(line) + 1


def _unquoted(line: str) -> str:
    """A header as git means it: it writes odd bytes of a name as octal numbers."""
    data = _OCTAL.sub(lambda found: chr(int(found[1], 8)), line)
    return data.encode("latin-1", "replace").decode(errors="surrogateescape")
