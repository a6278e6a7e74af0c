"""`make bench`: a follow-up to its first turn, cold and warm; a stop to its command's end."""

from __future__ import annotations

import asyncio
import statistics
import time
from functools import partial
from pathlib import Path

import docker
import pytest

from chatbot.config import ModelSettings, SandboxSettings
from chatbot.demo.stage import Stage, staged
from chatbot.history import queries
from chatbot.models import Event, Person, Task
from sandbox.engines.engine import LABEL
from tests.bench.test_environments import large
from tests.bench.test_path import _floor, _row
from tests.end_to_end.stage import SECONDS, call, finish, wait_event, write_replies

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROUNDS = 5
ADA = Person("bench", "Bench")
SMALL = {"a.txt": b"one\n", "setup.sh": b"mkdir -p /opt/tool\n"}
CONVERSATIONS = {
    "begin it": [[call("bash", command="echo two > begun.txt")], [finish()]],
    "go on": [[finish()]],
    "sleep long": [[call("bash", command="exec -a bench-sleeper sleep 600")], [finish()]],
}


async def begin(stage: Stage, repository: str, words: str = "begin it") -> Task:
    return await stage.app.intake.ask(
        words, author=ADA, origin="api", repository=f"{stage.forge.url}/{repository}"
    )


async def follow_up(stage: Stage, task: Task, number: int) -> tuple[float, bool]:
    """Seconds from the reply to the run's first turn, and whether the container had stayed."""
    queued = await wait_event(stage, task.id, "run_finished", count=number)
    await stage.app.intake.reply(task, "go on", author=ADA, key=None)
    await wait_event(stage, task.id, "run_finished", count=number + 1)
    told = await stage.app.history.read(partial(queries.task_events, task_id=task.id))
    new = [event for event in told if event.seq > queued.seq]
    asked = _first(new, "run_queued")
    started = next(
        event
        for event in new
        if event.kind == "container_started" and event.payload["phase"] == "agent"
    )
    return _first(new, "turn").at - asked.at, started.payload.get("warm") is True


def _first(events: list[Event], kind: str) -> Event:
    return next(event for event in events if event.kind == kind)


async def resting(stage: Stage, client: docker.DockerClient, task: Task) -> None:
    """Until the task's container has come to rest."""
    runs = await stage.app.history.read(partial(queries.task_runs, task_id=task.id))
    filters = {"label": f"{LABEL}={runs[0].id}", "status": "paused"}
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(client.containers.list, filters=filters):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("repository", ["acme/small", "acme/large"])
async def test_cold_and_warm(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, repository: str
) -> None:
    files = SMALL if repository == "acme/small" else large()
    recording = write_replies(tmp_path / "replies.json", CONVERSATIONS)
    floor_values = _floor(docker_client, agent_image)
    floor = statistics.median(floor_values)
    print(f"\n\n{repository}, a follow-up to its first turn, median of {ROUNDS}:")
    _row("bare container, network none, to first output", floor_values, floor)
    found = {}
    for name, count in (("cold", 0), ("warm", 2)):
        async with staged(
            tmp_path / name,
            model=ModelSettings(default=recording),
            repositories={repository: files},
            sandbox=SandboxSettings(
                trust_setup=("*",), warm_containers=count, disk_mib=40_960, verify=False
            ),
            rate_limits=False,
        ) as stage:
            task = await begin(stage, repository)
            await wait_event(stage, task.id, "run_finished")
            found[name] = []
            for number in range(1, ROUNDS + 1):
                if count:
                    await resting(stage, docker_client, task)
                seconds, stayed = await follow_up(stage, task, number)
                assert stayed == bool(count)
                found[name].append(seconds)
        _row(name, found[name], floor)
    ratio = statistics.median(found["cold"]) / statistics.median(found["warm"])
    print(f"  cold / warm: {ratio:.1f}")


async def test_a_stop_to_its_commands_end(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    recording = write_replies(tmp_path / "replies.json", CONVERSATIONS)
    floor_values = _floor(docker_client, agent_image)
    took, ended = [], []
    async with staged(
        tmp_path / "stage",
        model=ModelSettings(default=recording),
        repositories={"acme/small": {"a.txt": b"one\n"}},
        rate_limits=False,
    ) as stage:
        for _ in range(ROUNDS):
            task = await begin(stage, "acme/small", "sleep long")
            pid = await asyncio.to_thread(_find_sleeper)
            at = time.perf_counter()
            await stage.app.actions.stop_task(task.id, ADA)
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.002)
            took.append(time.perf_counter() - at)
            await wait_event(stage, task.id, "run_finished")
            ended.append(time.perf_counter() - at)
    floor = statistics.median(floor_values)
    print(f"\n\nA stop, median of {ROUNDS}, against the bare container start:")
    _row("bare container, network none, to first output", floor_values, floor)
    _row("to the running command's end", took, floor)
    _row("to the run's end, its patch kept", ended, floor)


def _find_sleeper() -> int:
    """The command's process, as the host sees it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if path.read_bytes().startswith(b"bench-sleeper"):
                    return int(path.parent.name)
            except OSError:
                continue
        time.sleep(0.02)
    raise AssertionError("The command does not run.")
