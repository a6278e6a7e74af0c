"""Server-sent events, as their bytes come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

MAX_EVENT_BYTES: Final = 32 * 1024**2
"""A longer one is not read; it is passed on all the same."""


class EventReader:
    """Finds the JSON objects in a stream of events."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data = bytearray()

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any] | None]:
        """The events that end in this piece; None for the word by which a stream ends."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._line += line
            yield from self._take(bytes(self._line).rstrip(b"\r"))
            self._line.clear()
        self._line += rest
        if len(self._line) + len(self._data) > MAX_EVENT_BYTES:
            self._line.clear()
            self._data.clear()

    def _take(self, line: bytes) -> Iterator[dict[str, Any] | None]:
        if line.startswith(b"data:"):
            self._data += line.removeprefix(b"data:").removeprefix(b" ") + b"\n"
        elif not line and self._data:
            data = bytes(self._data).strip()
            self._data.clear()
            if data == b"[DONE]":
                yield None
                return
            try:
                event = json.loads(data)
            except (ValueError, RecursionError):
                return
            if isinstance(event, dict):
                yield event
