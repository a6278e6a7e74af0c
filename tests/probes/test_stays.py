"""A container that stays after a run: what is still in it, and who clears it away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from sandbox.engines.docker_options import NAMESPACE_LABEL
from tests.probes.ground import ground
from tests.sandbox.runners import make_runner

pytestmark = pytest.mark.docker

STAYS = """
import asyncio, sys
from pathlib import Path
from sandbox.warm import Warm
from tests.probes.ground import FINISH, ground, says
from tests.sandbox.runners import make_runner

async def main():
    async with ground(Path(sys.argv[1]), sys.argv[2]) as here:
        runs = here.directory / "runs" / here.spec.run_id / "runs"
        warm = Warm(here.engine, runs, seconds=600, count=1)
        runner = make_runner(here.engine, here.provider, runs, warm=warm)
        command = "(setsid sleep 600 &) ; nohup sleep 600 >/dev/null 2>&1 & echo two > a.txt"
        here.provider.replies = [says(("bash", {"command": command})), FINISH]
        outcome = await runner.run(here.spec, here.recorder)
        (guest,) = warm._guests.values()
        await guest.ready.wait()
        print(here.spec.run_id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def _holds(pid: int, needle: bytes) -> bool:
    """Whether the process has it anywhere in the memory it may write to, or in its environment."""
    root = Path(f"/proc/{pid}")
    if needle in (root / "environ").read_bytes():
        return True
    with (root / "mem").open("rb", buffering=0) as memory:
        for line in (root / "maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            with suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                if needle in memory.read(end - start):
                    return True
    return False


async def test_it_is_alone_without_a_token_and_ends_with_its_host(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STAYS, str(tmp_path), agent_image),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    async with ground(tmp_path, agent_image) as here:
        try:
            async with asyncio.timeout(90):
                run_id = (await process.stdout.readline()).decode().strip()
            engine = type(here.engine)(namespace=run_id)
            label = f"{NAMESPACE_LABEL}={engine._namespace}"
            (container,) = docker_client.containers.list(all=True, filters={"label": label})
            assert container.status == "paused"
            pids = [int(row[1]) for row in container.top()["Processes"]]
            assert len(pids) == 2
            given = dict(line.split("=", 1) for line in container.attrs["Config"]["Env"])
            if os.geteuid() == 0:  # nobody else may look
                assert any(_holds(pid, b"rest.sock") for pid in pids)
                token = given["THREADSMITH_TOKEN"].encode()
                assert [_holds(pid, token) for pid in pids] == [False, False]
            (place,) = (tmp_path / "runs" / run_id / "runs").iterdir()
            assert sorted(p.name for p in place.rglob("*")) == ["gateway", "lock"]
            runner = make_runner(engine, here.provider, place.parent)
            assert await runner.sweep(keep=set()) == 0
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        try:
            assert await runner.sweep(keep=set()) >= 1
            assert await engine.list() == []
            assert list(place.parent.iterdir()) == []
        finally:
            for handle in await engine.list():
                await engine.remove(handle)
            await engine.close()
