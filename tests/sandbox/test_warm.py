"""Containers that stay, on an engine whose containers are coroutines."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import warm as warm_module
from sandbox import watch
from sandbox.recorder import InboxItem, Outcome
from sandbox.runner import Runner
from sandbox.spec import GATEWAY_DIRECTORY, Limits, RunSpec
from sandbox.warm import READY, SOCKET, Warm
from tests.sandbox.fake_engine import FakeEngine, Visit
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_patch, make_spec, make_tree

SECONDS = 30


@dataclass
class Dweller:
    """A program that does runs one after the other in one container, whatever folder it is in."""

    visit: Visit
    patch: bytes
    waits: bool = True
    descriptor: int = -1

    async def __call__(self) -> int:
        mount = next(m for m in self.visit.spec.mounts if m.target == GATEWAY_DIRECTORY)
        # Like a mount it follows the folder, not its name.
        self.descriptor = os.open(mount.source, os.O_RDONLY | os.O_DIRECTORY)
        token = self.visit.spec.environment["THREADSMITH_TOKEN"]
        try:
            while token:
                await self._run(token)
                token = await self._rest() if self.waits else ""
        finally:
            os.close(self.descriptor)
        return 0

    async def _run(self, token: str) -> None:
        run = await self._call(token, "GET", "/run")
        assert run["stays"] is True
        while run["request"] == "linger":
            items = (await self._call(token, "GET", "/inbox?after=0&wait=20"))["items"]
            if items:
                break
        await self._call(token, "PUT", "/patch?final=1", data=self.patch)
        claim = {"kind": "finished", "title": token}
        await self._call(token, "PUT", "/outcome", json=claim)

    async def _call(self, token: str, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        while True:
            connector = aiohttp.UnixConnector(self._path("gateway.sock"))
            try:
                async with (
                    aiohttp.ClientSession(connector=connector, headers=headers) as client,
                    client.request(method, f"http://gateway{path}", **body) as answer,
                ):
                    if answer.status == 200:
                        return await answer.json()
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)

    async def _rest(self) -> str:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path(SOCKET))
                break
            except OSError:
                await asyncio.sleep(0.02)
        writer.write(READY)
        try:
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()

    def _path(self, name: str) -> str:
        return f"/proc/self/fd/{self.descriptor}/{name}"


@dataclass
class House:
    engine: FakeEngine
    directory: Path
    spec: RunSpec
    patch: bytes
    recorder: MemoryRecorder
    runners: list[tuple[Runner, Warm]] = field(default_factory=list)
    dies: bool = False

    def runner(self, *, seconds: float = 600, count: int = 4) -> Runner:
        warm = Warm(self.engine, self.directory, seconds=seconds, count=count)
        runner = make_runner(self.engine, ScriptedProvider(), self.directory, warm=warm)
        self.runners.append((runner, warm))
        return runner

    async def run(self, runner: Runner, name: str, **changes: Any) -> Outcome:
        return await runner.run(replace(self.spec, run_id=name, **changes), self.recorder)

    async def follow_up(self, runner: Runner, name: str = "r_2", **changes: Any) -> Outcome:
        return await self.run(runner, name, **{"patch": self.patch, **changes})

    async def halted(self, count: int = 1) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.engine.halted) != count:
                await asyncio.sleep(0.01)

    async def empty(self) -> None:
        async with asyncio.timeout(SECONDS):
            while self.engine.containers or list(self.directory.glob("*")):
                await asyncio.sleep(0.01)

    def warm_starts(self) -> list[bool]:
        return ["warm" in payload for payload in self.recorder.payloads("container_started")]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.02)
    source = tmp_path / "source"
    tree = make_tree(source, {"a.txt": "one\n"})
    patch = make_patch(source, {"a.txt": "two\n"})

    async def agent(visit: Visit) -> int:
        return await Dweller(visit, patch, waits=not house.dies)()

    engine = FakeEngine({"agent": agent})
    engine.known["other:1"] = "sha256:other"
    spec = make_spec(tree, model="replay:m", verify=False, setup=None)
    house = House(engine, tmp_path / "runs", spec, patch, MemoryRecorder())
    yield house
    for runner, _ in house.runners:
        await runner.close()
    await house.empty()


async def test_the_next_run_is_in_the_same_container_with_a_token_of_its_own(
    house: House,
) -> None:
    runner = house.runner()
    first = await house.run(runner, "r_1")
    await house.halted()
    assert list(house.directory.glob("r_*")) == []
    assert [path.name for path in house.directory.glob("warm-r_1/gateway/*")] == []
    second = await house.follow_up(runner)
    await house.halted()
    third = await house.follow_up(runner, "r_3")
    assert (second.kind, third.kind) == ("patch", "patch")
    assert len({first.title, second.title, third.title}) == 3
    assert [spec.run_id for spec in house.engine.started] == ["r_1"]
    assert house.warm_starts() == [False, True, True]
    await house.halted()


@pytest.mark.parametrize(
    "changes",
    [
        {"patch": b""},
        {"task_id": "t_other"},
        {"image": "other:1"},
        {"mode": "explain"},
        {"limits": Limits(memory_bytes=2**30)},
        {"agent_network": ("example.com",)},
        {"branch": "other"},
        {"own_container": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_does_not_agree_starts_cold(house: House, changes: dict[str, Any]) -> None:
    runner = house.runner()
    await house.run(runner, "r_1")
    await house.halted()
    if branch := changes.pop("branch", None):
        changes = {"tree": replace(house.spec.tree, branch=branch)}
    house.dies = True
    running = asyncio.create_task(house.follow_up(runner, **changes))
    async with asyncio.timeout(SECONDS):
        while len(house.engine.started) < 2:
            await asyncio.sleep(0.01)
    assert house.warm_starts()[1:] in ([], [False])
    running.cancel()
    await asyncio.wait([running])
    for handle in await house.engine.list():
        if handle["run_id"] == "r_2":
            await house.engine.remove(handle)
    assert await runner.sweep(keep=set()) >= 0


async def test_it_ends_when_its_time_is_up(house: House) -> None:
    await house.run(house.runner(seconds=0.05), "r_1")
    await house.empty()


async def test_no_more_than_so_many_stay(house: House) -> None:
    runner = house.runner(count=2)
    for number in range(4):
        await house.run(runner, f"r_{number}", task_id=f"t_{number}")
    await house.halted(2)
    async with asyncio.timeout(SECONDS):
        while len(house.engine.containers) > 2:
            await asyncio.sleep(0.01)
    assert sorted(h["run_id"] for h in await house.engine.list()) == ["r_2", "r_3"]


async def test_nothing_stays_where_it_is_switched_off(house: House) -> None:
    async def agent(visit: Visit) -> int:
        _, run = await visit.call("GET", "/run")
        assert run["stays"] is False
        await visit.call("PUT", "/outcome", json={"kind": "finished"})
        return 0

    house.engine.programs["agent"] = agent
    await house.run(house.runner(count=0), "r_1")
    await house.empty()


async def test_what_is_not_alone_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_module, "READY_SECONDS", 0.2)
    house.engine.crowd = 3
    await house.run(house.runner(), "r_1")
    await house.empty()


async def test_one_that_never_says_it_is_ready_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_module, "READY_SECONDS", 0.2)
    house.dies = True
    await house.run(house.runner(), "r_1")
    await house.empty()


async def test_one_that_has_died_is_replaced(house: House) -> None:
    runner = house.runner()
    await house.run(runner, "r_1")
    await house.halted()
    (container,) = house.engine.containers.values()
    container.task.cancel()
    await asyncio.wait([container.task])
    assert (await house.follow_up(runner)).kind == "patch"
    assert house.warm_starts() == [False, False]


async def test_another_process_sweeps_only_what_nobody_owns(house: House) -> None:
    owner = house.runner()
    await house.run(owner, "r_1")
    await house.halted()
    assert await house.runner().sweep(keep=set()) == 0
    assert len(house.engine.containers) == 1
    warm = house.runners[0][1]
    (guest,) = warm._guests.values()
    assert guest.stay is not None
    guest.stay.cancel()  # as a kill: the lock goes, and nothing else
    await asyncio.wait([guest.stay])
    guest.lock.close()
    assert await house.runner().sweep(keep=set()) >= 1
    await house.empty()


async def test_a_run_in_it_survives_a_restart_and_a_sweep(house: House) -> None:
    runner = house.runner()
    await house.run(runner, "r_1")
    await house.halted()
    going_on = replace(house.spec, run_id="r_2", patch=house.patch, request="linger")
    running = asyncio.create_task(runner.run(going_on, house.recorder))
    async with asyncio.timeout(SECONDS):
        while house.warm_starts() != [False, True]:
            await asyncio.sleep(0.01)
    assert await house.runner().sweep(keep={"r_2"}) == 0
    running.cancel()
    await asyncio.wait([running])
    assert await house.runner().sweep(keep={"r_2"}) == 0
    handle = house.recorder.handles[-1]
    again = asyncio.create_task(house.runner().attach(going_on, handle, house.recorder))
    house.recorder.say(InboxItem(id=1, kind="message", text="Go on."))
    outcome = await again
    assert outcome.kind == "patch"
    await house.empty()


async def test_a_stranger_at_the_socket_is_given_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is alive, so there are three; once it has been killed, its connection has ended."""
    monkeypatch.setattr(warm_module, "TAKE_SECONDS", 0.2)
    ends: list[socket.socket] = []

    async def processes(handle: Any) -> int:
        return 3 if ends.pop(0).fileno() > 0 else 2

    mine, peer = socket.socketpair()
    warm = Warm(house.engine, house.directory, seconds=1, count=1)
    with mine, peer:
        mine.sendall(READY)
        ends.append(mine)
        monkeypatch.setattr(house.engine, "processes", processes)
        assert not await warm._is_alone(peer, {})
        mine.sendall(READY)
        mine.close()
        ends.append(mine)
        assert not await warm._is_alone(peer, {})
