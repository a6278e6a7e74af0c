"""What is known of each environment: a small file beside its build log. Engines keep the images."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sandbox.locks import is_locked

REPOSITORY: Final = "threadsmith-env"
SEAT_SCOPE: Final = "agent"
"""Of what holds no repository, but another agent's program."""
KEY_LABEL: Final = "dev.threadsmith.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One environment."""

    key: str
    repository: str
    """What people call it."""
    scope: str
    commit: str
    """Whose tree the image holds."""
    image: str
    """What it was built from."""
    built_at: float
    used_at: float = 0.0
    """When a run took it last: the time of its file."""
    seconds: float
    size_bytes: int
    generation: int = 0
    """How many maintenance runs lie over the last whole build: each is a layer."""
    spec: dict[str, Any]
    """Of the run that built it, to build it again."""
    failure: str = ""
    """Why the newest build in the background failed; the environment is the one before."""

    @property
    def tag(self) -> str:
        return tag_of(self.key)


def tag_of(key: str) -> str:
    return f"{REPOSITORY}:{key}"


class Records:
    """The files of one directory; others may write them too."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def log_path(self, key: str) -> Path:
        """What the newest build printed, a failed one included."""
        return self.directory / f"{key}.log"

    async def get(self, key: str) -> Record | None:
        return await asyncio.to_thread(_read, self._path(key))

    async def all(self) -> list[Record]:
        """The most recently used first."""

        def read() -> list[Record]:
            found = [_read(path) for path in self.directory.glob("*.json")]
            return sorted((r for r in found if r is not None), key=lambda r: -r.used_at)

        return await asyncio.to_thread(read)

    async def put(self, record: Record) -> None:
        await asyncio.to_thread(_write, self._path(record.key), json.dumps(asdict(record)))

    async def touch(self, key: str) -> None:
        """It is used now. The record itself stays: somebody may be writing a newer one."""

        def touch() -> None:
            with suppress(FileNotFoundError):
                os.utime(self._path(key))

        await asyncio.to_thread(touch)

    async def tidy(self, before: float) -> None:
        """Remove logs and locks of environments that are no more, older than that."""

        def tidy() -> None:
            for path in (*self.directory.glob("*.log"), *self.directory.glob("*.lock")):
                is_old = path.stat().st_mtime < before and not self._path(path.stem).exists()
                if is_old and not is_locked(self.lock_path(path.stem)):
                    path.unlink(missing_ok=True)

        await asyncio.to_thread(tidy)

    def lock_path(self, key: str) -> Path:
        return self.directory / f"{key}.lock"

    async def remove(self, key: str) -> None:
        def remove() -> None:
            self._path(key).unlink(missing_ok=True)
            self.log_path(key).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"


def _read(path: Path) -> Record | None:
    try:
        return Record(**{**json.loads(path.read_text()), "used_at": path.stat().st_mtime})
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.new")
    temporary.write_text(text)
    temporary.replace(path)
