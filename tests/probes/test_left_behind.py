"""Nothing is left: what Docker and the disk hold before and after runs of every kind of end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from sandbox import runner as runner_module
from sandbox.engines.docker_options import NAMESPACE_LABEL
from sandbox.spec import Setup
from tests.probes.ground import FINISH, Ground, ground, says
from tests.sandbox.runners import make_runner

pytestmark = pytest.mark.docker

FILES = {"a.txt": "one\n", "setup.sh": "touch /opt/made\n"}


@dataclass(frozen=True)
class Count:
    containers: int
    networks: int
    volumes: int
    folders: tuple[str, ...]


def count(client: docker.DockerClient, here: Ground) -> Count:
    label = f"{NAMESPACE_LABEL}={here.engine._namespace}"
    runs = here.directory / "runs" / here.spec.run_id / "runs"
    left = [str(path.relative_to(runs)) for path in runs.rglob("*")] if runs.exists() else []
    return Count(
        containers=len(client.containers.list(all=True, filters={"label": label})),
        networks=len(client.networks.list()),
        volumes=len(client.volumes.list()),
        folders=tuple(left),
    )


ENDS = {
    "success": ("echo two > a.txt", {}),
    "failure": ("kill -9 -1", {}),
    "failed set-up": ("true", {"setup": Setup(path="fails.sh")}),
    "with set-up": ("ls /opt/made", {"setup": Setup()}),
}


@pytest.mark.parametrize("end", ENDS)
async def test_after_a_run(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, end: str
) -> None:
    command, changes = ENDS[end]
    async with ground(tmp_path, agent_image, {**FILES, "fails.sh": "exit 1\n"}) as here:
        before = count(docker_client, here)
        await here.run([command], **changes)  # type: ignore[arg-type]
        after = count(docker_client, here)
        # Other tests may make volumes meanwhile, and none of them is ours.
        assert (after.containers, after.networks, after.folders) == (0, before.networks, ())
        assert len(await here.engine.images()) == (1 if end == "with set-up" else 0)


@pytest.mark.parametrize("moment", ["setup_started", "container_started"])
async def test_after_a_stop(
    tmp_path: Path,
    docker_client: docker.DockerClient,
    agent_image: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    monkeypatch.setattr(runner_module, "STOP_GRACE_SECONDS", 0.5)
    files = {**FILES, "setup.sh": "sleep 2\n"}
    async with ground(tmp_path, agent_image, files) as here:
        here.provider.replies = [says(("bash", {"command": "sleep 60"})), FINISH]
        spec = replace(here.spec, setup=Setup())
        running = asyncio.create_task(here.runner.run(spec, here.recorder))
        async with asyncio.timeout(40):
            while moment not in here.recorder.kinds():
                await asyncio.sleep(0.05)
        await here.runner.stop(spec.run_id)
        assert (await running).kind == "stopped"
        after = count(docker_client, here)
        assert (after.containers, after.folders) == (0, ())


KILLED = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from sandbox.spec import Setup
from tests.probes.ground import FINISH, ground, says

async def main():
    async with ground(Path(sys.argv[1]), sys.argv[2], {"setup.sh": "sleep 30\\n"}) as here:
        print(here.spec.run_id, flush=True)
        here.provider.replies = [says(("bash", {"command": "sleep 60"})), FINISH]
        spec = replace(here.spec, setup=Setup() if sys.argv[3] == "setup_started" else None)
        running = asyncio.create_task(here.runner.run(spec, here.recorder))
        while sys.argv[3] not in here.recorder.kinds():
            await asyncio.sleep(0.02)
        while not any(here.recorder.handles):
            await asyncio.sleep(0.02)
        print("now", flush=True)
        await running

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["setup_started", "container_started"])
async def test_after_kill_9_the_next_start_sweeps(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, moment: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(tmp_path), agent_image, moment),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        run_id = (await process.stdout.readline()).decode().strip()
        assert (await process.stdout.readline()).strip() == b"now"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    async with ground(tmp_path, agent_image) as here:
        engine = type(here.engine)(namespace=run_id)
        try:
            assert len(await engine.list()) == 1
            runs = tmp_path / "runs" / run_id / "runs"
            assert list(runs.iterdir())
            assert await make_runner(engine, here.provider, runs).sweep(keep=set()) == 1
            assert await engine.list() == []
            assert list(runs.iterdir()) == []
        finally:
            for handle in await engine.list():
                await engine.remove(handle)
            await engine.close()
