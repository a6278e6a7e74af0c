"""A reply after the run goes on in the container that stayed, or in a new one: nobody can tell."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path

import docker
import pytest

from chatbot.config import SandboxSettings
from chatbot.history import queries
from sandbox.engines.docker_options import NAMESPACE_LABEL
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    call,
    finish,
    product,
    wait_event,
    wait_task,
)

pytestmark = [pytest.mark.docker, pytest.mark.slack_modes(both=True)]

CONVERSATIONS = {
    "begin it": [[call("bash", command="echo one >> a.txt; sleep 300 &")], [finish("Begun")]],
    "go on": [
        [call("bash", command="cat a.txt; jobs; git status --short; echo two >> a.txt")],
        [finish("Gone on")],
    ],
}


async def _rest(client: docker.DockerClient, data: Path, count: int) -> None:
    """Until so many containers of the installation are there, all of them at rest."""
    namespace = hashlib.sha256(str(data.absolute()).encode()).hexdigest()[:16]
    filters = {"label": f"{NAMESPACE_LABEL}={namespace}"}
    async with asyncio.timeout(SECONDS):
        while True:
            found = await asyncio.to_thread(client.api.containers, all=True, filters=filters)
            if [item["State"] for item in found] == ["paused"] * count:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("count", [2, 0], ids=["warm", "cold"])
async def test_a_reply_goes_on(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str, count: int
) -> None:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={"acme/api": {"a.txt": b"zero\n"}},
        sandbox=SandboxSettings(warm_containers=count),
    ) as stage:
        data = stage.app.settings.data.directory
        thread = await ask(stage, "begin it in acme/api")
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "approval_requested")
        await _rest(docker_client, data, min(count, 1))
        await stage.workspace.post("ada", "shop", "go on, please", thread_ts=thread)
        await wait_event(stage, task.id, "approval_requested", count=2)
        told = await stage.app.history.read(partial(queries.task_events, task_id=task.id))
        started = [
            event.payload.get("warm") is True
            for event in told
            if event.kind == "container_started" and event.payload["phase"] == "agent"
        ]
        assert started == [False, bool(count)]
        task = await stage.app.history.read(partial(queries.get_task, task_id=task.id))
        assert task.patch_sha256 is not None
        patch = await stage.app.history.read(partial(queries.get_patch, sha256=task.patch_sha256))
        assert b"+one\n+two\n" in patch
