"""Changing files: exact replacement and whole files, with encoding, line ends and mode kept."""

from __future__ import annotations

import os
import stat
from typing import List

from agent_image.agent.diffs import DiffProblem, apply_diff, new_content
from agent_image.agent.files import (
    Content,
    FileProblem,
    decode,
    is_binary,
    load,
    resolve_editable,
)
from agent_image.agent.nearest import explain_miss


def edit(workspace: str, path: str, old: str, new: str, replace_all: bool) -> str:
    """Replace ``old``, which must stand there exactly once unless ``replace_all``."""
    place = resolve_editable(workspace, path)
    if not old:
        raise FileProblem("The old text is empty; write the whole file instead.")
    if old == new:
        raise FileProblem("The old text and the new are the same.")
    content = _load_text(place, path)
    old, new = _with_line_ends(content, old), _with_line_ends(content, new)
    count = content.text.count(old)
    if count == 0:
        raise FileProblem(explain_miss("The old text", path, content.text, old))
    if count > 1 and not replace_all:
        raise FileProblem(
            "The old text stands {} times in {} (lines {}); add lines around it to make it unique, "
            "or set replace_all where there is such a thing.".format(
                count, path, _line_numbers(content.text, old)
            )
        )
    first_line = content.text[: content.text.index(old)].count("\n") + 1
    _store(place, path, content.text.replace(old, new), content.encoding)
    what = "1 place" if count == 1 else "{} places".format(count)
    return "Replaced {} in {} (line {}).".format(what, path, first_line)


def insert(workspace: str, path: str, line: int, new: str) -> str:
    """Put whole lines after that line; 0: before the first."""
    place = resolve_editable(workspace, path)
    content = _load_text(place, path)
    mark = "\ufeff" if content.text.startswith("\ufeff") else ""
    lines = content.text[len(mark) :].split("\n")
    ends = lines[-1] == ""
    count = len(lines) - 1 if ends else len(lines)
    if line > count:
        raise FileProblem("{} has {} lines only.".format(path, count))
    added = _with_line_ends(content, new if new.endswith("\n") else new + "\n")
    end = "\r\n" if content.has_crlf else "\n"
    head = "".join(text + "\n" for text in lines[:line])
    if line == count and not ends:
        head = head[:-1] + end  # the last line had none
    text = mark + head + added + "\n".join(lines[line:])
    _store(place, path, text, content.encoding)
    return "Inserted after line {} of {}.".format(line, path)


def apply_patch(workspace: str, type_: str, path: str, diff: str) -> str:
    """Make, change or delete one file; a diff that does not fit in every part changes nothing."""
    place = resolve_editable(workspace, path)
    try:
        if type_ == "update_file":
            content = _load_text(place, path)
            # The diff is in plain line feeds; what the file has throughout it keeps.
            plain = content.text.replace("\r\n", "\n") if content.has_crlf else content.text
            text = _with_line_ends(content, _changed(path, plain, diff))
            _store(place, path, text, content.encoding)
            return "Changed {}.".format(path)
        if type_ == "delete_file":
            return _delete(workspace, path)
        if os.path.lexists(place):
            raise FileProblem("{} exists already; use update_file.".format(path))
        return write(workspace, path, new_content(diff))
    except DiffProblem as problem:
        raise FileProblem(str(problem)) from problem


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


def _load_text(place: str, path: str) -> Content:
    try:
        data = load(place)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    if is_binary(data):
        raise FileProblem("{} is a binary file.".format(path))
    return decode(data)


def _changed(path: str, text: str, diff: str) -> str:
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text[len(mark) :]
    try:
        return mark + apply_diff(text, diff)
    except DiffProblem as problem:
        if problem.missing is None:
            raise
        wanted = "\n".join(problem.missing)
        raise FileProblem(explain_miss(str(problem), path, text, wanted)) from problem


def _delete(workspace: str, path: str) -> str:
    """A link goes itself, not what it leads to."""
    whole = os.path.join(workspace, path)
    place = os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))
    try:
        if os.path.isdir(place) and not os.path.islink(place):
            raise FileProblem("{} is a folder; delete its files.".format(path))
        os.remove(place)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    return "Deleted {}.".format(path)


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
