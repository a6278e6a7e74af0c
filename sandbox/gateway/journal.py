"""What a run's door must know again after the host's process was killed: one small file."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.spec import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The state of a run's present phase."""

    phase: Phase
    started_at: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    last_event: int = 0
    prepared_commit: str | None = None
    """Whose tree the container's image holds already."""
    script: str | None = None
    """Set-up: the path of what is to be run."""
    install: str = ""
    """Set-up: the host's own script, run without the repository."""
    egress: tuple[str, ...] = ()
    """What the phase may reach."""
    stays: bool = False
    """Whether the container may stay for the task's next run."""
    container: str = ""
    """The run for which the container was started, where that is an earlier one."""
    image: str = ""
    """What the container was started from."""
    checks: tuple[str, ...] = ()
    """Verification: the commands to be run."""
    outcome: dict[str, Any] | None = None
    """Verification: what the run came to before it."""
    patch: dict[str, Any] | None = None
    """Of the newest patch: its hash, and how many files it changes."""
    claim: dict[str, Any] | None = None
    """The agent's own account of the end, as it came, without secrets."""
    has_spare: bool = False
    """Another model took over from one that was away."""
    hidden: dict[str, int] = field(default_factory=dict)
    """How much was hidden where, as the story was last told."""


class Journal:
    """One run's entry, in memory and on disk. The directory is the host's alone."""

    def __init__(self, directory: Path, entry: Entry) -> None:
        self.directory = directory
        self.entry = entry
        self._writing = asyncio.Lock()

    @classmethod
    async def begin(cls, directory: Path, entry: Entry) -> Journal:
        """Start a phase: a token of its own, and nothing heard yet."""
        journal = cls(directory, entry)
        await journal._write()
        return journal

    @classmethod
    async def find(cls, directory: Path) -> Journal | None:
        """The journal of an earlier process; None where there is none that can be read."""
        try:
            text = await asyncio.to_thread(_path(directory).read_text)
            data = json.loads(text)
            lists = {name: tuple(data.get(name, ())) for name in ("egress", "checks")}
            return cls(directory, Entry(**{**data, **lists}))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    async def note(self, **changes: Any) -> None:
        """Keep these changes; they survive a kill once this returns."""
        self.entry = replace(self.entry, **changes)
        await self._write()

    async def _write(self) -> None:
        async with self._writing:
            text = json.dumps(asdict(self.entry))
            await asyncio.to_thread(_write, _path(self.directory), text)


def _path(directory: Path) -> Path:
    return directory / "journal.json"


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
