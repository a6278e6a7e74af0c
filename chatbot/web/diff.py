"""A patch in git's words -> what the page shows of each file. Pure, and for any input at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from chatbot.git_names import unquoted
from chatbot.harmless import visible

Kind = Literal["hunk", "same", "add", "del", "note"]

MAX_FILES = 100
MAX_LINES = 3000
"""Shown of the whole patch; the rest is in the download."""
MAX_FILE_LINES = 800
MAX_CHARACTERS = 500
"""Shown of one line."""

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


@dataclass(frozen=True, slots=True)
class DiffLine:
    kind: Kind
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(slots=True, kw_only=True)
class FileDiff:
    """One file; ``lines`` may be fewer than there are, ``left_out`` says by how many."""

    path: str
    old_path: str = ""
    change: str = "modified"
    added: int = 0
    removed: int = 0
    binary: bool = False
    lines: list[DiffLine] = field(default_factory=list)
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    files: tuple[FileDiff, ...]
    files_left_out: int

    @property
    def is_cut(self) -> bool:
        return bool(self.files_left_out) or any(file.left_out for file in self.files)


def parse_diff(patch: bytes) -> Diff:
    """Files in order, with as many of their lines as a page can bear."""
    files = _parse(patch.decode(errors="replace").split("\n"))
    budget = MAX_LINES
    for file in files[:MAX_FILES]:
        shown = min(len(file.lines), MAX_FILE_LINES, budget)
        file.left_out = len(file.lines) - shown
        del file.lines[shown:]
        budget -= shown
    return Diff(files=tuple(files[:MAX_FILES]), files_left_out=max(0, len(files) - MAX_FILES))


def _parse(lines: list[str]) -> list[FileDiff]:
    files: list[FileDiff] = []
    rest = iter(lines)
    line = next(rest, None)
    while line is not None:
        if line.startswith("diff --git "):
            files.append(FileDiff(path=_header_path(line.removeprefix("diff --git "))))
        elif files and (match := _HUNK.match(line)):
            files[-1].lines.append(DiffLine("hunk", _shown(line)))
            line = _hunk(files[-1], match, rest)
            continue
        elif files:
            _header(files[-1], line)
        line = next(rest, None)
    return files


def _hunk(file: FileDiff, match: re.Match[str], rest: Iterator[str]) -> str | None:
    """Read as many lines as the hunk's head promises; the line after it."""
    old, new = int(match[1]), int(match[3])
    old_left, new_left = int(match[2] or 1), int(match[4] or 1)
    for line in rest:
        mark, text = line[:1], _shown(line[1:])
        if mark == "\\":
            file.lines.append(DiffLine("note", text.strip()))
        elif mark == "+" and new_left > 0:
            file.lines.append(DiffLine("add", text, None, new))
            file.added += 1
            new, new_left = new + 1, new_left - 1
        elif mark == "-" and old_left > 0:
            file.lines.append(DiffLine("del", text, old, None))
            file.removed += 1
            old, old_left = old + 1, old_left - 1
        elif mark in {" ", ""} and old_left > 0 and new_left > 0:
            file.lines.append(DiffLine("same", text, old, new))
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        else:
            return line
    return None


def _header(file: FileDiff, line: str) -> None:
    name, _, value = line.partition(" ")
    match name:
        case "new":
            file.change = "added" if value.startswith("file") else file.change
            file.change = "mode" if value.startswith("mode") else file.change
        case "deleted":
            file.change = "deleted"
        case "rename" if value.startswith("from "):
            file.change, file.old_path = "renamed", _path(value.removeprefix("from "))
        case "rename" if value.startswith("to "):
            file.path = _path(value.removeprefix("to "))
        case "---" | "+++" if value != "/dev/null":
            file.path = _side(value)
        case "Binary" | "GIT":
            file.binary = True
    if name == "index" and file.change == "mode":
        file.change = "modified"


def _header_path(names: str) -> str:
    """The path of `a/x b/x`; where both differ, later lines name them."""
    if names.startswith('"'):
        return _side(names[: len(names) // 2])
    return _side(names[: (len(names) - 1) // 2])


def _side(name: str) -> str:
    return _path(name.rstrip("\t"), strip=True)


def _path(name: str, *, strip: bool = False) -> str:
    name = unquoted(name)
    return visible(name[2:] if strip else name)


def _shown(text: str) -> str:
    # Only the end of the line may be a carriage return; it shows how two equal lines differ.
    if text.endswith("\r"):
        text = f"{text[:-1]}␍"
    cut = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
    return visible(cut)
