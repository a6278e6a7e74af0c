"""The content of `GIT binary patch` hunks, as far as it can be told without the repository."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Final

from sandbox.errors import PatchRefused

MAX_BYTES: Final = 256 * 1024**2
"""Of all that one file's hunks unfold to."""

_HEAD: Final = re.compile(r"(literal|delta) (\d{1,12})")


def read_binary_hunks(lines: list[str], at: int) -> tuple[list[bytes], int]:
    """What the hunks from line ``at`` on bring, both ways, and the line behind them.

    Raises PatchRefused for what cannot be read.
    """
    contents = []
    while at < len(lines) and (head := _HEAD.fullmatch(lines[at])):
        packed, at = _decode(lines, at + 1)
        unpacked = _unpack(packed, int(head[2]))
        contents.append(unpacked)
        if head[1] == "delta":
            contents[-1:] = [b"".join(_inserted(unpacked))]
    return contents, at


def _decode(lines: list[str], at: int) -> tuple[bytes, int]:
    parts = []
    while at < len(lines) and lines[at]:
        sign, text = lines[at][0], lines[at][1:]
        length = ord(sign) - 64 if sign.isupper() else ord(sign) - 70
        try:
            parts.append(base64.b85decode(text)[:length])
        except ValueError as error:
            raise _unreadable() from error
        at += 1
    return b"".join(parts), at + 1


def _unpack(packed: bytes, size: int) -> bytes:
    if size > MAX_BYTES:
        raise PatchRefused(f"The patch makes a file {size:,} bytes large.")
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(packed, size + 1)
    except zlib.error as error:
        raise _unreadable() from error
    if len(data) != size:
        raise _unreadable()
    return data


def _inserted(delta: bytes) -> Iterator[bytes]:
    """What a delta brings of its own; the rest it copies from the repository."""
    try:
        at = _skip_size(delta, _skip_size(delta, 0))
        while at < len(delta):
            code = delta[at]
            at += 1
            if code & 0x80:
                at += (code & 0x7F).bit_count()
            elif code:
                yield delta[at : at + code]
                at += code
            else:
                raise _unreadable()
    except IndexError as error:
        raise _unreadable() from error


def _skip_size(delta: bytes, at: int) -> int:
    while delta[at] & 0x80:
        at += 1
    return at + 1


def _unreadable() -> PatchRefused:
    return PatchRefused("A binary file in the patch cannot be read.")
