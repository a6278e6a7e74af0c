"""Secrets taken out of a patch: in the lines it adds, and never so that it stops to apply."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Final

from sandbox.errors import PatchRefused
from sandbox.redaction import REDACTED, Redactor

_HUNK: Final = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_BINARY_SIZE: Final = re.compile(rb"(?:literal|delta) \d+")
_MAX_BINARY: Final = 64 * 1024**2


class SecretInPatch(PatchRefused):
    """The change holds the value of a secret where it cannot be taken out."""

    code = "secret_in_patch"


def redact_patch(data: bytes, redactor: Redactor) -> tuple[bytes, int]:
    """The patch without secrets in added lines, and how many there were.

    A token that also stands in removed or kept lines is in the repository already; changing it
    would corrupt what it is for. Raises SecretInPatch for names of files and binary content.
    """
    lines = data.split(b"\n")
    kinds = list(_kinds(lines))
    old = "\n".join(_text(line) for line, kind in zip(lines, kinds, strict=True) if kind == "old")
    known_shapes = redactor.shapes_in(old)
    total = 0
    for index, kind in enumerate(kinds):
        line = lines[index]
        if kind == "head" and redactor.has_known(line):
            raise SecretInPatch("The name of a changed file holds the value of a secret.")
        if kind == "new":
            clean, count = _clean(_text(line), redactor, known_shapes)
            if count:
                lines[index] = clean.encode("utf-8", "surrogateescape")
                total += count
    _check_binary(lines, kinds, redactor)
    return (b"\n".join(lines) if total else data), total


def _clean(line: str, redactor: Redactor, known_shapes: set[str]) -> tuple[str, int]:
    line, count = redactor.known_in_line(line)
    for shape in sorted(redactor.shapes_in(line) - known_shapes, key=len, reverse=True):
        count += line.count(shape)
        line = line.replace(shape, REDACTED)
    return line, count


def _kinds(lines: list[bytes]) -> Iterator[str]:
    """What each line is: of a head, added, old (removed or kept), or of binary content."""
    old_left = new_left = 0
    is_binary = False
    for line in lines:
        if old_left > 0 or new_left > 0:
            mark = line[:1]
            if mark == b"+":
                new_left -= 1
                yield "new"
                continue
            if mark in (b"-", b" ", b""):
                old_left -= 1
                new_left -= mark != b"-"
                yield "old"
                continue
        if (hunk := _HUNK.match(line)) is not None:
            old_left = int(hunk[1]) if hunk[1] is not None else 1
            new_left = int(hunk[2]) if hunk[2] is not None else 1
            is_binary = False
            yield "hunk"
        elif line.startswith(b"diff --git "):
            is_binary = False
            yield "head"
        elif line == b"GIT binary patch":
            is_binary = True
            yield "hunk"
        else:
            yield "binary" if is_binary else "head"


def _check_binary(lines: list[bytes], kinds: list[str], redactor: Redactor) -> None:
    if redactor.longest == 0:
        return
    piece: list[bytes] = []
    for line, kind in zip([*lines, b""], [*kinds, "hunk"], strict=True):
        if kind == "binary" and line and not _BINARY_SIZE.fullmatch(line):
            piece.append(line)
        elif piece:
            if redactor.has_known(_unpack(piece)):
                raise SecretInPatch("A binary file of the change holds the value of a secret.")
            piece = []


def _unpack(lines: list[bytes]) -> bytes:
    """One literal or delta; what makes no sense is left to git, which refuses it."""
    try:
        packed = b"".join(base64.b85decode(line[1:])[: _length(line[0])] for line in lines)
        return zlib.decompressobj().decompress(packed, _MAX_BINARY)
    except (ValueError, zlib.error, IndexError):
        return b""


def _length(mark: int) -> int:
    """Git's first character of a line says how many bytes it holds: A-Z, then a-z."""
    return mark - 64 if mark < 97 else mark - 70


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
