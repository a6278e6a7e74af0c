"""What a command prints: never more than the limit in memory, and safe to show."""

from __future__ import annotations

import re
from typing import BinaryIO, Optional

MAX_KEPT_BYTES = 64 * 1024**2
"""Of one command's output in a file; a flood must not fill the disk."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)
# Control characters but tab and line feed, and what turns the direction of text around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Capture:
    """Keeps head and tail; the whole goes to a file once there is more than both."""

    def __init__(self, limit_bytes: int, path: str) -> None:
        self.total = 0
        self._half = max(1, limit_bytes // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._path = path
        self._file: Optional[BinaryIO] = None

    def add(self, data: bytes) -> None:
        begins_at = self.total
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data[max(0, room) :]
        if len(self._tail) > self._half:
            self._spill(begins_at, data)
            del self._tail[: -self._half]

    def _spill(self, begins_at: int, data: bytes) -> None:
        if self._file is None:
            # Nothing was dropped so far: head and tail are the whole.
            self._file = open(self._path, "wb")
            self._file.write(self._head + self._tail)
        elif begins_at < MAX_KEPT_BYTES:
            self._file.write(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def is_binary(self) -> bool:
        return looks_binary(bytes(self._head))

    def text(self) -> str:
        """Head and tail as safe text, with a line between them that says what is left out."""
        if self.is_binary:
            return "[binary output, {:,} bytes, not shown]".format(self.total)
        head, tail = self._head, self._tail
        left_out = self.total - len(head) - len(tail)
        if left_out == 0:
            return make_safe(bytes(head + tail))
        where = "the whole" if self.total <= MAX_KEPT_BYTES else "its beginning"
        middle = "\n[… {:,} of {:,} bytes left out; {} is in {} …]\n".format(
            left_out, self.total, where, self._path
        )
        return make_safe(bytes(head)) + middle + make_safe(bytes(tail))


def make_safe(data: bytes) -> str:
    """Text without escape sequences and control characters; of a redrawn line the last state."""
    text = _ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return escape_unsafe(text)


def escape_unsafe(text: str) -> str:
    return _UNSAFE.sub(lambda match: "\\u{:04x}".format(ord(match[0])), text)


def looks_binary(data: bytes) -> bool:
    """By the first bytes: a NUL, or much that is neither text nor a terminal's control."""
    sample = data[:8192]
    if b"\0" in sample:
        return True
    odd = sum(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x08\x1b\x07" for byte in sample)
    return odd * 10 > len(sample)
