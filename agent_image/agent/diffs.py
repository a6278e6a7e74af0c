"""Diffs in the form that OpenAI's models write (V4A): hunks found by their context. Pure.

    @@ class Shop                 where to look, optional; several lead from outer to inner
     a line that stays
    -a line that goes
    +a line that comes
    *** End of File               optional: the hunk is the file's end

Line numbers, if there are any, are not believed. A hunk that fits nowhere, or in several places,
is refused, and with it the whole diff.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Tuple

END_OF_FILE = "*** End of File"
_NUMBERED = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)")
_FRAME = ("*** Begin Patch", "*** End Patch", "*** Update File:", "*** Add File:", "\\ No newline")
_TYPOGRAPHY = str.maketrans(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
    "\u00a0\u2009\u202f\u3000",
    4 * "'" + 3 * '"' + 7 * "-" + 4 * " ",
)


class DiffProblem(Exception):
    """The diff cannot be applied; ``missing`` holds the lines that were not found."""

    def __init__(self, text: str, missing: Optional[List[str]] = None) -> None:
        self.missing = missing
        super().__init__(text)


class Hunk(NamedTuple):
    anchors: List[str]
    lines: List[Tuple[str, str]]
    """Each with its mark: space, minus or plus."""
    is_end: List[bool]
    """Not empty: it is the file's end."""

    @property
    def old(self) -> List[str]:
        return [line for mark, line in self.lines if mark != "+"]


class _Change(NamedTuple):
    start: int
    end: int
    new: List[str]


def new_content(diff: str) -> str:
    """Of a file that is made: every line with a plus before it, or none."""
    lines = [line for line in _split(diff) if not line.startswith(("@@", END_OF_FILE, *_FRAME))]
    if lines and all(line.startswith("+") for line in lines if line):
        lines = [line[1:] for line in lines]
    elif any(line.startswith("+") for line in lines):
        raise DiffProblem("Each line of a new file begins with `+`.")
    return "\n".join(lines) + "\n" if lines else ""


def apply_diff(text: str, diff: str) -> str:
    """The text with every hunk in its place; raises DiffProblem."""
    hunks = parse_diff(diff)
    lines = text.split("\n")
    has_end = lines[-1] == ""
    if has_end:
        lines.pop()
    changes: List[_Change] = []
    at = 0
    for number, hunk in enumerate(hunks, 1):
        change = _place(lines, hunk, at, "Hunk {}".format(number))
        at = change.end
        changes.append(change)
    changes.sort(key=lambda change: change.start)
    for index in range(1, len(changes)):
        if changes[index].start < changes[index - 1].end:
            raise DiffProblem("Two hunks change the same lines.")
    for change in reversed(changes):
        lines[change.start : change.end] = change.new
    return "\n".join(lines) + "\n" * (has_end and bool(lines))


def parse_diff(diff: str) -> List[Hunk]:
    hunks: List[Hunk] = []
    for number, line in enumerate(_split(diff), 1):
        if line.startswith("@@"):
            numbered = _NUMBERED.match(line)
            anchor = (numbered.group(1) if numbered else line[2:]).strip()
            if not hunks or hunks[-1].lines:
                hunks.append(Hunk([], [], []))
            if anchor:
                hunks[-1].anchors.append(anchor)
        elif line.startswith(_FRAME) or (not hunks and line.startswith(("--- ", "+++ "))):
            continue
        elif line.startswith(END_OF_FILE):
            if hunks:
                hunks[-1].is_end.append(True)
        elif line[:1] in ("", " ", "-", "+"):
            if not hunks or hunks[-1].is_end:
                hunks.append(Hunk([], [], []))
            hunks[-1].lines.append((line[:1] or " ", line[1:]))
        else:
            raise DiffProblem(
                "Line {} of the diff begins with neither space, `-`, `+` nor `@@`: {}".format(
                    number, line[:100]
                )
            )
    hunks = [hunk for hunk in hunks if any(mark != " " for mark, _ in hunk.lines)]
    if not hunks:
        raise DiffProblem("The diff changes nothing.")
    return hunks


def _split(diff: str) -> List[str]:
    lines = [line[:-1] if line.endswith("\r") else line for line in diff.split("\n")]
    if lines[-1] == "":
        lines.pop()
    return lines


def _place(lines: List[str], hunk: Hunk, at: int, name: str) -> _Change:
    """Where the hunk belongs, first behind the one before it."""
    began = at
    for anchor in hunk.anchors:
        found = _find_anchor(lines, anchor, at)
        if found is None and began == at:
            found = _find_anchor(lines, anchor, 0)
        at = at if found is None else found + 1
    old = hunk.old
    if not old:
        start = at if hunk.anchors and not hunk.is_end else len(lines)
        return _Change(start, start, [line for _, line in hunk.lines])
    marked = list(hunk.lines)
    starts = _find(lines, old, at, is_end=bool(hunk.is_end))
    if not starts and old[-1] == "" and len(old) > 1 and marked[-1] == (" ", ""):
        # The empty line behind the last hunk is none of the file's.
        old, marked = old[:-1], marked[:-1]
        starts = _find(lines, old, at, is_end=bool(hunk.is_end))
    if not starts:
        starts = _find(lines, old, 0, is_end=False)
    if not starts:
        raise DiffProblem("What {} is to change".format(name[0].lower() + name[1:]), old)
    if len(starts) > 1 and not hunk.anchors:
        numbers = ", ".join(str(start + 1) for start in starts[:10])
        raise DiffProblem(
            "{} fits in {} places (lines {}): add lines around it, or `@@` with the function or "
            "class that it is in.".format(name, len(starts), numbers)
        )
    return _change(lines, marked, starts[0])


def _change(lines: List[str], marked: List[Tuple[str, str]], start: int) -> _Change:
    """Lines that stay are the file's own, letter for letter."""
    new: List[str] = []
    at = start
    for mark, line in marked:
        if mark == "+":
            new.append(line)
            continue
        if mark == " ":
            new.append(lines[at])
        at += 1
    return _Change(start, at, new)


def _find_anchor(lines: List[str], anchor: str, at: int) -> Optional[int]:
    for index in range(at, len(lines)):
        if lines[index].strip() == anchor:
            return index
    for index in range(at, len(lines)):
        if lines[index].strip().startswith(anchor):
            return index
    return None


def _find(lines: List[str], old: List[str], at: int, *, is_end: bool) -> List[int]:
    """Everywhere the old lines stand, by the strictest reading that finds them at all."""
    for reading in (str, _without_end, _plain):
        have, want = [reading(line) for line in lines], [reading(line) for line in old]
        last = len(have) - len(want)
        if is_end and last >= 0 and have[last:] == want:
            return [last]
        found = [
            start
            for start in range(at, last + 1)
            if have[start] == want[0] and have[start : start + len(want)] == want
        ]
        if found:
            return found
    return []


def _without_end(line: str) -> str:
    return line.rstrip()


def _plain(line: str) -> str:
    return line.translate(_TYPOGRAPHY).rstrip()
