"""One run, from its source to its outcome."""

from __future__ import annotations

from pathlib import Path

from sandbox.engines.engine import Engine, Handle
from sandbox.llm.provider import Provider
from sandbox.recorder import Outcome, Recorder
from sandbox.spec import RunSpec


class Runner:
    """Drives runs on one engine. Safe to use for many runs at once."""

    def __init__(self, engine: Engine, providers: dict[str, Provider], *, directory: Path) -> None:
        """``directory`` holds a folder per run with its socket; ``providers`` go by name."""

    async def run(self, spec: RunSpec, recorder: Recorder) -> Outcome:
        """Run to the end. Every failure is an Outcome; only cancellation is raised.

        Cancelling leaves the container to run on, for ``attach``, unless it was never started.
        """
        raise NotImplementedError

    async def attach(self, spec: RunSpec, handle: Handle | None, recorder: Recorder) -> Outcome:
        """Go on with a run that an earlier process started."""
        raise NotImplementedError

    async def sweep(self, *, keep: set[str]) -> int:
        """Remove every container and folder of runs not in ``keep``; answer how many."""
        raise NotImplementedError
