"""Runs in real containers, with a program that shows the edges."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox import phases
from sandbox import runner as runner_module
from sandbox.engines.docker import DockerEngine
from sandbox.engines.engine import LABEL
from sandbox.recorder import InboxItem, Outcome
from sandbox.runner import Runner
from sandbox.spec import Limits, RunSpec, Setup
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_spec, make_tree

pytestmark = pytest.mark.docker

LIMITS = Limits(memory_bytes=128 * 1024**2, cpus=1.0, processes=64, wall_seconds=60)


@dataclass
class Yard:
    engine: DockerEngine
    client: docker.DockerClient
    directory: Path
    program: Path
    spec: RunSpec
    recorder: MemoryRecorder

    def runner(self) -> Runner:
        return make_runner(self.engine, ScriptedProvider(), self.directory, program=self.program)

    async def run(self, request: str, **changes: Any) -> Outcome:
        spec = replace(self.spec, request=request, **changes)
        return await self.runner().run(spec, self.recorder)

    def left_behind(self) -> list[str]:
        run_id = self.spec.run_id
        containers = self.client.containers.list(all=True, filters={"label": f"{LABEL}={run_id}"})
        folders = [path.name for path in self.directory.glob("*")]
        return [*(str(c.name) for c in containers), *folders]


@pytest.fixture
async def yard(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> AsyncIterator[Yard]:
    program = tmp_path / "program"
    (program / "agent").mkdir(parents=True)
    scripted = Path(__file__).parent / "scripted_agent.py"
    shutil.copy(scripted, program / "agent" / "__main__.py")
    (program / "agent" / "__main__.py").chmod(0o644)
    tree = make_tree(tmp_path / "source", {"a.txt": "one\n", "setup.sh": "true\n"})
    run_id = f"r_{uuid.uuid4().hex[:12]}"
    spec = make_spec(tree, run_id=run_id, image=agent_image, model="replay:m", limits=LIMITS)
    engine = DockerEngine(namespace=str(tmp_path))
    yard = Yard(engine, docker_client, tmp_path / "runs", program, spec, MemoryRecorder())
    yield yard
    for handle in await engine.list():
        if handle["run_id"] == run_id:
            await engine.remove(handle)
    for image in await engine.images():
        await engine.remove_image(image.id)
    await engine.close()


async def test_a_whole_run(yard: Yard) -> None:
    outcome = await yard.run("work")
    assert (outcome.kind, outcome.title) == ("patch", "200")
    [(_, summary, is_final)] = yard.recorder.patches
    assert ([file.path for file in summary.files], is_final) == (["a.txt"], True)
    assert yard.recorder.kinds() == ["environment", "container_started", "turn"]
    assert yard.left_behind() == []


async def test_what_the_agent_finds_in_its_container(yard: Yard) -> None:
    outcome = await yard.run("look")
    assert json.loads(outcome.answer) == {
        "uid": 1000,
        "interfaces": ["lo"],
        "environment": ["THREADSMITH_TOKEN"],
        "prepared": False,
        "marker": False,
        "program_writable": False,
        "gateway": ["gateway.sock"],
    }


async def test_set_up_prepares_the_agents_container(yard: Yard) -> None:
    outcome = await yard.run("look", setup=Setup())
    facts = json.loads(outcome.answer)
    assert (facts["uid"], facts["prepared"], facts["marker"]) == (1000, True, True)
    assert yard.recorder.payloads("setup_finished")[0]["tail"] == "marked"
    assert yard.left_behind() == []


async def test_an_agent_that_exits_at_once(yard: Yard) -> None:
    outcome = await yard.run("leave")
    assert outcome.brief == "The agent ended without a result (exit code 3)."
    assert outcome.details.strip() == "I am off."
    assert yard.left_behind() == []


async def test_an_agent_that_devours_its_memory(yard: Yard) -> None:
    outcome = await yard.run("devour")
    assert outcome.kind == "failed"
    assert outcome.brief.startswith("The agent ended without a result (exit code")
    assert yard.left_behind() == []


async def test_an_agent_that_floods(yard: Yard) -> None:
    outcome = await yard.run("flood")
    assert outcome.brief == "The agent ended without a result (exit code 0)."
    assert 0 < len(outcome.details) <= 4000
    stored = sum(len(json.dumps(payload)) for _, payload in yard.recorder.events)
    assert stored < 17 * 1024**2


async def test_a_stuck_agent_is_stopped_and_its_work_kept(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "STOP_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(phases, "FORCED_GRACE_SECONDS", 1.0)
    runner = yard.runner()
    spec = replace(yard.spec, request="hang")
    running = asyncio.create_task(runner.run(spec, yard.recorder))
    async with asyncio.timeout(60):
        while not yard.recorder.patches:
            await asyncio.sleep(0.05)
    await runner.stop(spec.run_id)
    outcome = await running
    assert outcome.kind == "stopped"
    assert outcome.patch_sha256 == yard.recorder.patches[0][1].sha256
    assert yard.left_behind() == []


async def test_an_agent_outlives_the_process_that_started_it(yard: Yard) -> None:
    spec = replace(yard.spec, request="wait")
    running = asyncio.create_task(yard.runner().run(spec, yard.recorder))
    async with asyncio.timeout(60):
        while "container_started" not in yard.recorder.kinds():
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    handle = yard.recorder.handles[-1]
    going_on = asyncio.create_task(yard.runner().attach(spec, handle, yard.recorder))
    await asyncio.sleep(0.3)
    yard.recorder.say(InboxItem(id=1, kind="message", text="Welcome back."))
    outcome = await going_on
    assert (outcome.kind, outcome.answer) == ("answer", "Welcome back.")
    assert yard.left_behind() == []
