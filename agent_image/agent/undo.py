"""Takes back what the editing tools did to a file, the newest change first."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, List, NamedTuple, Optional

from agent_image.agent.files import FileProblem, load, resolve_editable

MAX_CHANGES = 100
MAX_BYTES = 64 * 1024**2
"""Of all that is kept."""


class _Change(NamedTuple):
    place: str
    before: Optional[bytes]
    """None: there was no such file."""
    after: bytes


class Undo:
    """The newest changes of a run."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._changes: List[_Change] = []

    @contextmanager
    def kept(self, path: str) -> Iterator[None]:
        """Around a change of that file; one that fails leaves nothing to take back."""
        place = resolve_editable(self._workspace, path)
        before = _content(place)
        yield
        self._changes.append(_Change(place, before, _content(place) or b""))
        while len(self._changes) > MAX_CHANGES or self._size() > MAX_BYTES:
            del self._changes[0]

    def undo(self, path: str) -> str:
        """Put the file back as it was before its newest change, if it is still what that left."""
        place = resolve_editable(self._workspace, path)
        found = [n for n, change in enumerate(self._changes) if change.place == place]
        if not found:
            raise FileProblem("No edit of {} can be undone.".format(path))
        change = self._changes[found[-1]]
        if _content(place) != change.after:
            raise FileProblem("{} has been changed since its last edit.".format(path))
        try:
            if change.before is None:
                os.unlink(place)
            else:
                with open(place, "wb") as file:
                    file.write(change.before)
                facts = os.stat(place)
                # Caches of compiled code know a file by its size and whole second.
                os.utime(place, (facts.st_atime, facts.st_mtime + 1))
        except OSError as error:
            raise FileProblem("{}: {}.".format(path, error.strerror)) from error
        del self._changes[found[-1]]
        what = "removed it, as it had been made by that" if change.before is None else "restored"
        return "Undid the last edit of {}: {}.".format(path, what)

    def _size(self) -> int:
        return sum(len(change.before or b"") + len(change.after) for change in self._changes)


def _content(place: str) -> Optional[bytes]:
    try:
        return load(place)
    except (OSError, FileProblem):
        return None
