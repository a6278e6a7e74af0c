"""`make soak`: many tasks at once, and many kills; nothing is lost, doubled or left."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import docker
import pytest

from chatbot.config import ModelSettings, SandboxSettings
from chatbot.demo.sample import replies_path, sample_files
from chatbot.demo.stage import staged
from chatbot.history import queries
from chatbot.models import Status
from tests.end_to_end.serving import serving
from tests.end_to_end.stage import ask, wait_event, wait_task
from tests.end_to_end.test_kill import nothing_left, run_with_kills

pytestmark = [pytest.mark.soak, pytest.mark.docker, pytest.mark.timeout(1800)]

TASKS = 20
KILL_ROUNDS = 10


async def test_many_tasks_four_at_a_time(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        sandbox=SandboxSettings(max_runs=4, warm_containers=2),
    ) as stage:
        threads = [await ask(stage, "fix the failing test in demo/shop") for _ in range(TASKS)]
        for thread in threads:
            task = await wait_task(stage, thread)
            async with asyncio.timeout(600):
                await wait_event(stage, task.id, "approval_requested")
        tasks = await stage.app.history.read(lambda db: queries.list_tasks(db, limit=TASKS + 1))
        assert [task.status for task in tasks] == [Status.READY] * TASKS
        # Before the stage ends: it removes what a server would leave to its next start.
        nothing_left(docker_client, stage.app.settings.data.directory, staying=2)
        database = stage.app.settings.database_path
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("seed", range(KILL_ROUNDS))
async def test_kills_at_random(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, seed: int
) -> None:
    chance = random.Random(seed)
    kills = [chance.uniform(0.2, 4.0) for _ in range(3)]
    async with serving(
        tmp_path, repositories={"demo/shop": sample_files()}, model=f"replay:{replies_path()}"
    ) as found:
        await run_with_kills(found, kills, publishing=(chance.uniform(0.0, 0.8),))
        await found.end()
        nothing_left(docker_client, found.data)
