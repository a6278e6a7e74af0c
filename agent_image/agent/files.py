"""Reading files and listing folders for the model; which paths it may change."""

from __future__ import annotations

import base64
import os
import stat
from typing import Any, Dict, List, NamedTuple, Optional

from agent_image.agent.output import escape_unsafe, looks_binary

MAX_FILE_BYTES = 32 * 1024**2
MAX_LINE_CHARACTERS = 2000
MAX_ENTRIES = 500
_IMAGES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
)


MAX_PIXELS = 8000
"""Of one side of a picture."""
MAX_IMAGE_BYTES = 1_000_000
"""What people send may be larger: a turn has room for both."""


class FileProblem(Exception):
    """A path or file that the tool cannot work with; the text tells the model why."""


class Content(NamedTuple):
    """A text file: its words with their own line ends."""

    text: str
    encoding: str

    @property
    def has_crlf(self) -> bool:
        """Whether every line ends with CR LF."""
        return 0 < self.text.count("\n") == self.text.count("\r\n")


def resolve(workspace: str, path: str) -> str:
    """The real place of a path, relative ones from the workspace's root."""
    if not path or "\0" in path:
        raise FileProblem("`path` must name a file.")
    return os.path.realpath(os.path.join(workspace, path))


def resolve_editable(workspace: str, path: str) -> str:
    """As ``resolve``; only what lies in the workspace, links followed, and not in `.git`."""
    root = os.path.realpath(workspace)
    place = resolve(workspace, path)
    if not place.startswith(root + os.sep):
        leads = "" if place == os.path.normpath(os.path.join(root, path)) else " leads to " + place
        raise FileProblem(
            "{}{} is outside the workspace ({}); only files inside it may be changed.".format(
                path, leads + ", which" if leads else "", workspace
            )
        )
    if ".git" in place[len(root) :].split(os.sep):
        raise FileProblem("Files in .git are git's own; use git commands instead.")
    return place


def read(workspace: str, path: str, start: int, end: Optional[int], limit_bytes: int) -> str:
    """Lines start to end (from 1) with their numbers, or what a folder holds."""
    place = resolve(workspace, path)
    try:
        if os.path.isdir(place):
            return _list(place)
        data = load(place)
    except OSError as error:
        raise FileProblem("{}: {}.".format(path, error.strerror)) from error
    kind = next((name for magic, name in _IMAGES if data.startswith(magic)), None)
    if kind is not None and is_binary(data):
        return "[{} image, {:,} bytes; it cannot be shown]".format(kind, len(data))
    if is_binary(data):
        return "[binary file, {:,} bytes; not shown]".format(len(data))
    return _number(decode(data), start, end, limit_bytes)


def find_image(workspace: str, path: str) -> Optional[Dict[str, Any]]:
    """The picture that is there, as a block; None: there is none that models take."""
    try:
        data = load(resolve(workspace, path))
    except (OSError, FileProblem):
        return None
    media_type = find_image_type(data) if len(data) <= MAX_IMAGE_BYTES else ""
    if not media_type:
        return None
    shown = base64.b64encode(data).decode()
    return {"type": "image", "media_type": media_type, "data": shown}


def find_image_type(data: bytes) -> str:
    """By its bytes; empty: no whole picture that models take.

    A provider refuses the whole conversation for one that is broken.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        sides = [int.from_bytes(data[at : at + 4], "big") for at in (16, 20)]
        is_whole = b"IEND" in data[-64:] and all(0 < side <= MAX_PIXELS for side in sides)
        return "image/png" if is_whole else ""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg" if b"\xff\xd9" in data[3:] else ""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif" if data.rstrip(b"\0").endswith(b";") else ""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp" if int.from_bytes(data[4:8], "little") + 8 <= len(data) else ""
    return ""


def load(place: str) -> bytes:
    """The bytes of a regular file that is not too large."""
    facts = os.stat(place)
    if not stat.S_ISREG(facts.st_mode):
        raise FileProblem("{} is no regular file.".format(place))
    if facts.st_size > MAX_FILE_BYTES:
        raise FileProblem(
            "{} has {:,} bytes, too many for this tool; use bash (head, tail, sed, grep).".format(
                place, facts.st_size
            )
        )
    with open(place, "rb") as file:
        return file.read()


def is_binary(data: bytes) -> bool:
    return looks_binary(data) and not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def decode(data: bytes) -> Content:
    """Any text comes back from its encoding byte for byte: Latin-1 takes what UTF-8 does not."""
    encodings = ["utf-8", "latin-1"]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16-le" if data[:1] == b"\xff" else "utf-16-be")
    for encoding in encodings:
        try:
            return Content(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            pass
    raise AssertionError("latin-1 decodes everything")


def _number(content: Content, start: int, end: Optional[int], limit_bytes: int) -> str:
    lines = content.text.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    total = len(lines)
    if not total:
        return "[empty file]"
    if start > total:
        raise FileProblem("The file has {} lines only.".format(total))
    shown: List[str] = []
    used = 0
    for number, line in enumerate(lines[start - 1 : end], start):
        if len(line) > MAX_LINE_CHARACTERS:
            line = line[:MAX_LINE_CHARACTERS] + "[… {} characters]".format(len(line))
        row = "{:>6}\t{}".format(number, escape_unsafe(line))
        used += len(row.encode()) + 1
        if used > limit_bytes and shown:
            break
        shown.append(row)
    last = start + len(shown) - 1
    notes = []
    if last < total:
        notes.append(
            "lines {} to {} of {}; go on with start={}".format(start, last, total, last + 1)
        )
    if content.has_crlf:
        notes.append("lines end with CR LF")
    if content.encoding != "utf-8":
        notes.append("encoding {}".format(content.encoding))
    return "\n".join(shown + ["[{}]".format("; ".join(notes))] * bool(notes))


def _list(place: str) -> str:
    rows = []
    with os.scandir(place) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = escape_unsafe(os.fsencode(entry.name).decode(errors="replace"))
            if entry.is_symlink():
                name += " -> " + escape_unsafe(os.readlink(entry.path))
            elif entry.is_dir():
                name += "/"
            else:
                name += "  ({:,} bytes)".format(entry.stat().st_size)
            rows.append(name)
    left_out = len(rows) - MAX_ENTRIES
    if left_out > 0:
        rows[MAX_ENTRIES:] = ["[… {} more entries]".format(left_out)]
    return "\n".join(rows) or "[empty folder]"
