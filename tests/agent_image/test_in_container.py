"""The real program in the real container, driven by the real runner and gateway."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest

import agent_image
from sandbox.engines.docker import DockerEngine
from sandbox.engines.engine import LABEL
from sandbox.llm.provider import Block, Reply, Text, ToolCall, ToolResult
from sandbox.recorder import InboxItem, Outcome
from sandbox.runner import Runner
from sandbox.spec import Limits, RunSpec, Setup
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_spec, make_tree

pytestmark = pytest.mark.docker

LIMITS = Limits(memory_bytes=256 * 1024**2, cpus=1.0, processes=64, wall_seconds=60)
FILES = {
    "sums.py": "def add(a, b):\n    return a - b\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "setup.sh": "id -u; touch left-behind; echo x > /usr/local/share/installed\n",
}


def says(*calls: tuple[str, dict[str, Any]]) -> Reply:
    blocks: list[Block] = [
        ToolCall(f"c{uuid.uuid4().hex}", name, arguments) for name, arguments in calls
    ]
    return Reply(content=tuple(blocks), stop="tool_calls", model="m")


FINISH = ("finish", {"title": "Add", "summary": "Mended.", "claimed": "pytest"})


@dataclass
class House:
    runner: Runner
    provider: ScriptedProvider
    recorder: MemoryRecorder
    spec: RunSpec

    async def run(self, *replies: Reply, **changes: Any) -> Outcome:
        self.provider.replies += replies
        return await self.runner.run(replace(self.spec, **changes), self.recorder)

    def results(self) -> list[str]:
        """What the tools answered, in order."""
        (*_, last) = self.provider.asked
        blocks = [block for message in last.messages for block in message.content]
        return [block.text for block in blocks if isinstance(block, ToolResult)]


@pytest.fixture
async def house(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image_name: str
) -> AsyncIterator[House]:
    tree = make_tree(tmp_path / "source", FILES)
    run_id = f"r_{uuid.uuid4().hex[:12]}"
    spec = make_spec(tree, run_id=run_id, image=agent_image_name, model="replay:m", limits=LIMITS)
    engine, provider = DockerEngine(namespace=str(tmp_path)), ScriptedProvider()
    program = Path(str(agent_image.__file__)).parent
    runner = make_runner(engine, provider, tmp_path / "runs", program=program)
    yield House(runner, provider, MemoryRecorder(), spec)
    for image in await engine.images():
        await engine.remove_image(image.id)
    await engine.close()
    label = {"label": f"{LABEL}={run_id}"}
    for container in docker_client.containers.list(all=True, filters=label):
        container.remove(force=True)


@pytest.fixture
def agent_image_name(agent_image: str) -> str:
    return agent_image


async def test_a_run_with_set_up_mends_the_fault(house: House) -> None:
    outcome = await house.run(
        says(("bash", {"command": "python3 -m pytest -q; cat /usr/local/share/installed; id -u"})),
        says(
            ("edit", {"path": "sums.py", "old": "a - b", "new": "a + b"}),
            ("bash", {"command": "python3 -m pytest -q; git status --short"}),
        ),
        says(FINISH),
        setup=Setup(),
    )
    assert (outcome.kind, outcome.title, outcome.claimed) == ("patch", "Add", "pytest")
    before, _, after = house.results()
    assert "1 failed" in before
    assert before.endswith("x\n1000\n[exit 0]")
    assert "1 passed" in after
    assert after.endswith(" M sums.py\n?? left-behind\n[exit 0]")
    # What set-up left behind is no part of the change.
    assert [file.path for file in house.recorder.patches[-1][1].files] == ["sums.py"]
    assert house.recorder.payloads("setup_output") == [{"text": "0\n"}]
    assert house.recorder.payloads("step_finished")[-1]["output"] == "1 passed"


async def test_no_command_can_read_the_token_or_reach_a_network(house: House) -> None:
    script = (
        "cat /proc/1/environ | tr '\\0' '\\n' | grep -c PATH=;"
        " for p in /proc/[0-9]*; do cat $p/environ; done 2>/dev/null | tr '\\0' '\\n'"
        " | grep -c TOKEN; cat /proc/$PPID/environ /proc/$PPID/mem 2>&1 | cut -d: -f3 | sort -u;"
        " ls /sys/class/net; touch /opt/threadsmith/agent_image/x 2>&1 | cut -d: -f3"
    )
    outcome = await house.run(says(("bash", {"command": script})), says(FINISH))
    assert outcome.kind == "nothing"
    (text,) = house.results()
    assert text.splitlines()[:3] == ["1", "0", " Permission denied"]
    assert "eth0" not in text
    assert "Read-only file system" in text


async def test_a_stop_kills_what_runs_and_keeps_the_work(house: House) -> None:
    house.provider.replies = [
        says(("write", {"path": "half.txt", "content": "half\n"})),
        says(("bash", {"command": "sleep 1000"})),
    ]
    running = asyncio.create_task(house.runner.run(house.spec, house.recorder))
    async with asyncio.timeout(60):
        while len(house.recorder.payloads("step_started")) < 2:
            await asyncio.sleep(0.05)
    house.recorder.say(InboxItem(id=1, kind="stop"))
    outcome = await running
    assert outcome.kind == "stopped"
    data, summary, is_final = house.recorder.patches[-1]
    assert is_final
    assert [file.path for file in summary.files] == ["half.txt"]
    assert b"+half" in data


async def test_a_follow_up_goes_on_in_a_new_container(house: House) -> None:
    await house.run(says(("bash", {"command": "echo one > a; chmod +x a"})), says(FINISH))
    patch = house.recorder.patches[-1][0]
    outcome = await house.run(
        says(("bash", {"command": "cat a; echo two >> a"})),
        says(FINISH),
        run_id=f"{house.spec.run_id}b",
        request="Go on.",
        patch=patch,
        resume_turn=2,
    )
    assert outcome.kind == "patch"
    assert house.results()[-1] == "one\n[exit 0]"
    texts = [
        block.text
        for message in house.provider.asked[-1].messages
        for block in message.content
        if isinstance(block, Text)
    ]
    assert sum(text.startswith("# Task") for text in texts) == 1
    assert sum(text.startswith("# Follow-up") for text in texts) == 1
    assert json.loads(json.dumps(outcome.title)) == "Add"
