"""Docker restarts while a run is at work: it ends in words, its work is kept, all else is gone."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.engines.docker import DockerEngine
from tests.probes.ground import FINISH, LIMITS, says
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_spec, make_tree
from tests.soak.second_engine import SecondEngine

pytestmark = [
    pytest.mark.soak,
    pytest.mark.docker,
    pytest.mark.timeout(600),
    # The SDK itself leaves sockets open when an engine goes away.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(not SecondEngine.is_possible(), reason="needs root, dockerd and unshare"),
]


@pytest.fixture
def second(agent_image: str) -> Iterator[SecondEngine]:
    directory = Path(tempfile.mkdtemp(prefix="ts-engine-", dir="/var/tmp"))
    engine = SecondEngine(directory)
    engine.start()
    try:
        engine.load(agent_image)
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def test_a_restart_of_docker(tmp_path: Path, second: SecondEngine, agent_image: str) -> None:
    engine = DockerEngine(base_url=second.url, namespace="restart")
    provider, recorder = ScriptedProvider(), MemoryRecorder()
    runner = make_runner(engine, provider, tmp_path / "runs")
    tree = replace(make_tree(tmp_path / "source", {"a.txt": "one\n"}), default_branch="main")
    spec = make_spec(tree, image=agent_image, model="replay:m", limits=LIMITS)
    provider.replies = [
        says(("write", {"path": "a.txt", "content": "two\n"})),
        says(("bash", {"command": "sleep 300"})),
        FINISH,
    ]
    running = asyncio.create_task(runner.run(spec, recorder))
    async with asyncio.timeout(60):
        while not recorder.patches:
            await asyncio.sleep(0.1)
    await asyncio.to_thread(second.stop)
    await asyncio.sleep(2)
    assert not running.done() or (await running).kind in ("failed", "stopped", "patch")
    await asyncio.to_thread(second.start)
    outcome = await asyncio.wait_for(running, 120)
    assert outcome.kind in ("failed", "stopped", "patch")
    assert outcome.patch_sha256 == recorder.patches[-1][1].sha256
    # What could not be removed while Docker was away goes with the next sweep.
    await runner.sweep(keep=set())
    assert await engine.list() == []
    assert list((tmp_path / "runs").iterdir()) == []
    # And the engine works as before.
    provider.replies = [FINISH]
    again = await runner.run(replace(spec, run_id="r_2"), MemoryRecorder())
    assert again.kind == "nothing"
    assert await engine.list() == []
    await engine.close()
