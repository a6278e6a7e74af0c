"""Changing files: exact replacement and whole files, with encoding, line ends and mode kept."""

from __future__ import annotations

import os
import stat
from typing import List

from agent_image.agent.files import (
    Content,
    FileProblem,
    decode,
    is_binary,
    load,
    resolve_editable,
)
from agent_image.agent.output import escape_unsafe

_NEAR_LINES = 12


def edit(workspace: str, path: str, old: str, new: str, replace_all: bool) -> str:
    """Replace ``old``, which must stand there exactly once unless ``replace_all``."""
    place = resolve_editable(workspace, path)
    if not old:
        raise FileProblem("`old` is empty; use write to make a file or to replace all of it.")
    if old == new:
        raise FileProblem("`old` and `new` are the same.")
    try:
        data = load(place)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    if is_binary(data):
        raise FileProblem("{} is a binary file.".format(path))
    content = decode(data)
    old, new = _with_line_ends(content, old), _with_line_ends(content, new)
    count = content.text.count(old)
    if count == 0:
        raise FileProblem(_explain_miss(path, content.text, old))
    if count > 1 and not replace_all:
        raise FileProblem(
            "`old` stands {} times in {} (lines {}); add lines around it to make it unique, "
            "or set replace_all.".format(count, path, _line_numbers(content.text, old))
        )
    first_line = content.text[: content.text.index(old)].count("\n") + 1
    _store(place, path, content.text.replace(old, new), content.encoding)
    what = "1 place" if count == 1 else "{} places".format(count)
    return "Replaced {} in {} (line {}).".format(what, path, first_line)


def insert(workspace: str, path: str, line: int, new: str) -> str:
    """Put whole lines after that line; 0: before the first."""
    place = resolve_editable(workspace, path)
    try:
        data = load(place)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    if is_binary(data):
        raise FileProblem("{} is a binary file.".format(path))
    content = decode(data)
    lines = content.text.split("\n")
    ends = lines[-1] == ""
    count = len(lines) - 1 if ends else len(lines)
    if line > count:
        raise FileProblem("{} has {} lines only.".format(path, count))
    added = _with_line_ends(content, new if new.endswith("\n") else new + "\n")
    end = "\r\n" if content.has_crlf else "\n"
    head = "".join(text + "\n" for text in lines[:line])
    if line == count and not ends:
        head = head[:-1] + end  # the last line had none
    _store(place, path, head + added + "\n".join(lines[line:]), content.encoding)
    return "Inserted after line {} of {}.".format(line, path)


def write(workspace: str, path: str, content: str) -> str:
    """Make or overwrite a file; an existing one keeps its encoding and line ends."""
    place = resolve_editable(workspace, path)
    verb, notes, encoding = "Made", "", "utf-8"
    try:
        if os.path.lexists(place):
            data = load(place)
            verb = "Overwrote"
            if data and not is_binary(data):
                before = decode(data)
                content, encoding = _with_line_ends(before, content), before.encoding
                notes = "; kept its CR LF line ends" if before.has_crlf else ""
                if before.text.startswith("\ufeff") and not content.startswith("\ufeff"):
                    content = "\ufeff" + content
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    size = _store(place, path, content, encoding)
    return "{} {} ({:,} bytes{}).".format(verb, path, size, notes)


def _with_line_ends(content: Content, text: str) -> str:
    """The model writes plain line feeds; a file that has CR LF throughout keeps them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n") if content.has_crlf else text


def _store(place: str, path: str, text: str, encoding: str) -> int:
    """Into the same file, so that its mode, owner and hard links stay."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        if encoding.startswith("utf"):
            raise FileProblem("The text is no valid Unicode.") from None
        raise FileProblem(
            "{} is in {}, which lacks some of the new characters; write them in another way, "
            "or convert the file first.".format(path, encoding)
        ) from None
    try:
        facts = os.stat(place) if os.path.exists(place) else None
        before = facts.st_mtime if facts else 0.0
        if facts and not facts.st_mode & stat.S_IWUSR:
            raise FileProblem(
                "{} is read-only; chmod it first if it has to be changed.".format(path)
            )
        with open(place, "wb") as file:
            file.write(data)
        _touch_past(place, before)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    return len(data)


def _touch_past(place: str, before: float) -> None:
    """Caches of compiled code know a file by its size and whole second: give it a new second."""
    if int(os.stat(place).st_mtime) <= int(before):
        os.utime(place, (int(before) + 1, int(before) + 1))


def _line_numbers(text: str, old: str) -> str:
    numbers: List[str] = []
    at = text.find(old)
    while at >= 0 and len(numbers) < 20:
        numbers.append(str(text.count("\n", 0, at) + 1))
        at = text.find(old, at + len(old))
    return ", ".join(numbers)


def _explain_miss(path: str, text: str, old: str) -> str:
    lines = text.split("\n")
    wanted = [line.strip() for line in old.split("\n")]
    while len(wanted) > 1 and not wanted[0]:
        wanted.pop(0)
    start, is_same = _nearest(lines, wanted)
    if start is None:
        return "`old` was not found in {}, nor anything like it; read the file again.".format(path)
    count = min(max(len(wanted), 3), _NEAR_LINES)
    shown = "\n".join(
        "{:>6}\t{}".format(number, escape_unsafe(line.rstrip("\r")))
        for number, line in enumerate(lines[start : start + count], start + 1)
    )
    why = " (only white space differs)" if is_same else ""
    return "`old` was not found in {}. The nearest lines{}:\n{}".format(path, why, shown)


def _nearest(lines: List[str], wanted: List[str]) -> tuple[int | None, bool]:
    """Where the lines are most like the wanted ones; whether only white space differs."""
    import difflib  # takes a while to load, and is seldom needed

    plain = [line.strip() for line in lines]
    for start in range(len(plain) - len(wanted) + 1):
        if plain[start : start + len(wanted)] == wanted:
            return start, True
    close = difflib.get_close_matches(wanted[0], set(plain[:20_000]) - {""}, n=1, cutoff=0.5)
    return (plain.index(close[0]), False) if close else (None, False)
