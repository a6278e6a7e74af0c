"""Which processes are alive: each holds a locked file, which the kernel lets go when it dies.

The server and the command line may share one data directory; a run belongs to the process that
drives it, and only runs of dead processes are taken over or swept.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from chatbot.models import make_id


class Ownership:
    """This process's own mark, and a look at the others'."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None
        self.owner = make_id("o")

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._directory / f"{self.owner}.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            (self._directory / f"{self.owner}.lock").unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def is_alive(self, owner: str | None) -> bool:
        """Whether that process still runs; removes the mark of one that does not."""
        if owner is None:
            return False
        if owner == self.owner:
            return True
        path = self._directory / f"{owner}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)
