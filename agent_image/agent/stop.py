"""A stop: set once, from a signal or the inbox; whatever waits in the main thread waits on it."""

from __future__ import annotations

import os
import select
import time
from typing import Optional


class Stopped(Exception):
    """The run is to end now."""


class Stop:
    """A flag with a file descriptor, so that it wakes `poll` at once."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.is_set = False

    def set(self) -> None:
        """Safe in a signal handler and in any thread."""
        self.is_set = True
        try:
            os.write(self._writer, b"!")
        except BlockingIOError:
            pass

    def check(self) -> None:
        if self.is_set:
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep; raises Stopped as soon as the stop is set."""
        select.select([self._reader], [], [], seconds)
        self.check()

    def fileno(self) -> int:
        return self._reader


def wait_readable(*files: int, stop: Optional[Stop], deadline: float) -> set[int]:
    """The files that can be read, empty at the deadline; raises Stopped."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    if stop is not None:
        poll.register(stop.fileno(), select.POLLIN)
    seconds = max(0.0, min(deadline - time.monotonic(), 86_400.0))
    ready = {file for file, _ in poll.poll(seconds * 1000)}
    if stop is not None:
        stop.check()
    return ready
