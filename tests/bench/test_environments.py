"""`make bench`: to the first turn, cold and warm, small and large, one and eight at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import docker
import pytest

from chatbot.config import ModelSettings, SandboxSettings
from chatbot.demo.stage import Stage, staged
from chatbot.models import Person, Task
from chatbot.report import task_report
from sandbox.environments.records import Records
from tests.bench.test_path import _floor, _row
from tests.end_to_end.stage import finish, wait_event, write_replies

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROUNDS = 5
LARGE = 100_000
SMALL = {"a.txt": b"one\n", "setup.sh": b"mkdir -p /opt/tool\n"}
BUILD_SECONDS = 300


def large() -> dict[str, bytes]:
    files = {
        f"pkg{n // 500:03}/mod{n % 500:03}.py": f"VALUE = {n}\n".encode() for n in range(LARGE)
    }
    return {**files, "setup.sh": b"mkdir -p /opt/tool\n"}


async def start(stage: Stage, repository: str) -> Task:
    return await stage.app.intake.ask(
        "measure it",
        author=Person("bench", "Bench"),
        origin="api",
        repository=f"{stage.forge.url}/{repository}",
    )


async def first_turn(stage: Stage, repository: str) -> float:
    """Seconds from the request to the model's first turn."""
    task = await start(stage, repository)
    await wait_event(stage, task.id, "run_finished")
    report = await task_report(stage.app.history, task.id)
    assert report["error"] is None, report["error"]
    return float(report["timings"]["first_turn"])


async def is_built(stage: Stage, repository: str) -> None:
    records = Records(stage.app.settings.environments_directory)
    async with asyncio.timeout(BUILD_SECONDS):
        while repository not in {record.repository for record in await records.all()}:
            await asyncio.sleep(0.2)


async def test_cold_and_warm(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    floor_values = _floor(docker_client, agent_image)
    floor = statistics.median(floor_values)
    recording = write_replies(tmp_path / "replies.json", {"measure it": [[finish()]]})
    async with staged(
        tmp_path / "stage",
        model=ModelSettings(default=recording),
        repositories={"acme/small": SMALL, "acme/large": large()},
        sandbox=SandboxSettings(max_runs=8, trust_setup=("*",)),
        rate_limits=False,
    ) as stage:
        print(f"\n\nRequest to first turn, median of {ROUNDS}, against the bare container start:")
        _row("bare container, network none, to first output", floor_values, floor)
        for name in ("acme/small", "acme/large"):
            _row(f"{name}, cold: clone, set-up, snapshot", [await first_turn(stage, name)], floor)
            await is_built(stage, name)
            warm = [await first_turn(stage, name) for _ in range(ROUNDS)]
            _row(f"{name}, warm", warm, floor)
            moved = []
            for number in range(ROUNDS):
                await stage.forge.commit(name, {"moved.txt": f"{number}\n".encode()})
                moved.append(await first_turn(stage, name))
            _row(f"{name}, its branch moved", moved, floor)
        at = time.perf_counter()
        tasks = [await start(stage, "acme/small") for _ in range(8)]
        for task in tasks:
            await wait_event(stage, task.id, "run_finished")
        whole = time.perf_counter() - at
        reports = [await task_report(stage.app.history, task.id) for task in tasks]
        assert [report["error"] for report in reports] == [None] * 8
        _row(
            "eight at once, warm: request to first turn",
            [float(report["timings"]["first_turn"]) for report in reports],
            floor,
        )
        _row("eight at once: all of them to their end", [whole], floor)
        assert len({report["status"] for report in reports}) == 1
