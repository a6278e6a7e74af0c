"""An engine without containers: each one is a coroutine that dials the gateway like an agent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.engines.engine import DiskUsage, EngineImage, Handle, State
from sandbox.errors import EngineError, EngineUnavailable, ImageMissing
from sandbox.spec import GATEWAY_DIRECTORY, ContainerSpec


@dataclass
class Visit:
    """What the program in a container has: its door, and a signal to stop."""

    spec: ContainerSpec
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        mount = next(m for m in self.spec.mounts if m.target == GATEWAY_DIRECTORY)
        token = self.spec.environment["THREADSMITH_TOKEN"]
        headers = {"Authorization": f"Bearer {token}"}
        # By a short way: a socket's address has room for 107 bytes.
        directory = os.open(mount.source, os.O_RDONLY | os.O_DIRECTORY)
        connector = aiohttp.UnixConnector(f"/proc/self/fd/{directory}/gateway.sock")
        try:
            async with (
                aiohttp.ClientSession(connector=connector, headers=headers) as client,
                client.request(method, f"http://gateway{path}", **kwargs) as response,
            ):
                is_json = response.content_type == "application/json"
                return response.status, await (response.json() if is_json else response.read())
        finally:
            os.close(directory)


Program = Callable[[Visit], Awaitable[int]]
"""The program's exit code is what it returns."""


@dataclass
class _Container:
    visit: Visit
    task: asyncio.Task[int]


@dataclass
class FakeEngine:
    """Fulfils `Engine`; ``programs`` by phase."""

    programs: dict[str, Program]
    known: dict[str, str] = field(default_factory=lambda: {"threadsmith-agent:latest": "sha256:0"})
    """Names of images, and what they hold."""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of the environments among them."""
    counted: int = 0
    disk: DiskUsage | None = None
    started: list[ContainerSpec] = field(default_factory=list)
    containers: dict[str, _Container] = field(default_factory=dict)
    reason: str = ""
    halted: set[str] = field(default_factory=set)
    crowd: int = 2
    """How many processes are in each container."""
    is_away: bool = False
    """It does not answer."""
    name: str = "fake"

    async def check(self) -> None:
        self._answer()

    async def check_image(self, image: str) -> None:
        self._answer()
        if image not in self.known:
            raise ImageMissing

    async def start(self, spec: ContainerSpec) -> Handle:
        self._answer()
        key = f"{spec.run_id}-{spec.phase}"
        if key not in self.containers:
            self.started.append(spec)
            visit = Visit(spec)
            task = asyncio.create_task(self._run(visit))
            self.containers[key] = _Container(visit, task)
        return {"id": key, "run_id": spec.run_id, "phase": spec.phase}

    async def poll(self, handle: Handle) -> State:
        if self.is_away:
            return State("unknown")
        container = self.containers.get(handle["id"])
        if container is None:
            return State("gone")
        if not container.task.done():
            return State("running")
        return State("exited", code=container.task.result(), reason=self.reason)

    async def logs(self, handle: Handle, *, limit_bytes: int = 65_536) -> str:
        self._answer()
        return "first line\nlast line with ghp_" + "a" * 36

    async def stop(self, handle: Handle, *, grace_seconds: float = 2.0) -> None:
        self._answer()
        if container := self.containers.get(handle["id"]):
            container.visit.stopping.set()
            await asyncio.wait([container.task], timeout=min(grace_seconds, 0.2))
            container.task.cancel()
            await asyncio.wait([container.task])

    async def remove(self, handle: Handle) -> None:
        self._answer()
        self.halted.discard(handle["id"])
        if container := self.containers.pop(handle["id"], None):
            container.task.cancel()
            await asyncio.wait([container.task])

    async def list(self) -> list[Handle]:
        self._answer()
        return [
            {"id": key, "run_id": found.visit.spec.run_id, "phase": found.visit.spec.phase}
            for key, found in self.containers.items()
        ]

    async def image_id(self, image: str) -> str:
        self._answer()
        if image not in self.known:
            raise ImageMissing
        return self.known[image]

    async def processes(self, handle: Handle) -> int | None:
        return None if self.is_away else self.crowd

    async def halt(self, handle: Handle) -> None:
        self._answer()
        self._running(handle)
        self.halted.add(handle["id"])

    async def resume(self, handle: Handle) -> None:
        self._answer()
        self._running(handle)
        if handle["id"] not in self.halted:
            raise EngineError("It is not halted.")
        self.halted.remove(handle["id"])

    async def disk_usage(self, handle: Handle) -> DiskUsage | None:
        return self.disk

    async def snapshot(self, handle: Handle, *, tag: str, labels: Mapping[str, str]) -> str:
        self._answer()
        assert self.containers[handle["id"]].task.done()
        self.counted += 1
        self.known[tag] = f"sha256:{self.counted}"
        self.labels[tag] = dict(labels)
        return tag

    async def images(self) -> tuple[EngineImage, ...]:
        self._answer()
        return [
            EngineImage(id=self.known[tag], tag=tag, size_bytes=1000, labels=labels)
            for tag, labels in self.labels.items()
        ]

    async def remove_image(self, image: str) -> None:
        self._answer()
        tags = [tag for tag, id_ in self.known.items() if image in (tag, id_)]
        if any(c.visit.spec.image in tags for c in self.containers.values()):
            raise EngineError("It is in use.")
        for tag in tags:
            del self.known[tag], self.labels[tag]

    async def close(self) -> None:
        pass

    def _running(self, handle: Handle) -> None:
        container = self.containers.get(handle["id"])
        if container is None or container.task.done():
            raise EngineError("It does not run.")

    def _answer(self) -> None:
        if self.is_away:
            raise EngineUnavailable

    async def _run(self, visit: Visit) -> int:
        try:
            return await self.programs[visit.spec.phase](visit)
        except asyncio.CancelledError:
            return 137
