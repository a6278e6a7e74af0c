"""The contract of a container engine: it starts, watches and removes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sandbox.spec import ContainerSpec

Handle = dict[str, Any]
"""An engine's stored reference to one container: JSON, opaque to everybody else but for its
`run_id` and `phase`."""

LABEL = "dev.threadsmith.run"
"""Label that holds the run's id; the sweep finds our containers by it."""


@dataclass(frozen=True, slots=True)
class State:
    """What an engine knows of a container; ``gone`` only when it is sure."""

    name: Literal["starting", "running", "exited", "gone", "unknown"]
    code: int | None = None
    reason: str = ""
    """Why it exited, where the engine says so: "out of memory", …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """What a container wrote over its image."""

    size_bytes: int
    files: int | None = None
    """None: the engine cannot count them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineImage:
    """An environment that `snapshot` made."""

    id: str
    tag: str
    """Empty where a newer image took it."""
    size_bytes: int
    """With everything it shares with others."""
    labels: dict[str, str]


class Engine(Protocol):
    """Each call may be repeated; what is gone already counts as success."""

    name: str

    async def check(self) -> None:
        """Raise EngineUnavailable unless containers can be started."""

    async def check_image(self, image: str) -> None:
        """Raise ImageMissing unless the engine has the image, ImageUnfit unless it will do.

        Environments are refused: they hold other people's trees.
        """

    async def image_id(self, image: str) -> str:
        """What names the image's content; raises ImageMissing."""

    async def start(self, spec: ContainerSpec) -> Handle:
        """Start the run's container of that phase, or find the one that already runs."""

    async def poll(self, handle: Handle) -> State:
        """The container's state; an engine that does not answer gives ``unknown``."""

    async def logs(self, handle: Handle, *, limit_bytes: int = 65_536) -> str:
        """The end of what the container's first process printed."""

    async def stop(self, handle: Handle, *, grace_seconds: float = 2.0) -> None:
        """Ask it to end, then end it."""

    async def remove(self, handle: Handle) -> None:
        """Remove the container with its anonymous volumes."""

    async def list(self) -> list[Handle]:
        """Every container of ours, on this engine, by label."""

    async def processes(self, handle: Handle) -> int | None:
        """How many run in the container; None where nobody can tell."""

    async def halt(self, handle: Handle) -> None:
        """Let nothing in it run until `resume`; it can be removed all the same."""

    async def resume(self, handle: Handle) -> None:
        """Let it run again; EngineError where it was not halted."""

    async def disk_usage(self, handle: Handle) -> DiskUsage | None:
        """What the container has written so far; None where nobody can tell."""

    async def snapshot(self, handle: Handle, *, tag: str, labels: Mapping[str, str]) -> str:
        """Keep an exited container's file system as an image; answer its name."""

    async def images(self) -> tuple[EngineImage, ...]:
        """Every environment of ours, by label."""

    async def remove_image(self, image: str) -> None:
        """Remove an image that ``snapshot`` made; EngineError while a container uses it."""

    async def close(self) -> None:
        """Let go of the engine's connections."""
