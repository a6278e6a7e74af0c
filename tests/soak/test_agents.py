"""`make soak`: other agents, really installed from their registries, in the seat of our own.

Each does a whole run, from its installation to the verified patch, against a model server of the
true wire format on the loopback.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest
from pydantic import SecretStr

from sandbox.engines.docker import DockerEngine
from sandbox.environments.bounds import Bounds
from sandbox.environments.environments import Environments
from sandbox.environments.records import Records
from sandbox.llm.providers import Providers
from sandbox.outside import Outside, find_authorities
from sandbox.recorder import InboxItem, Outcome
from sandbox.runner import Runner
from sandbox.spec import Exchange, Limits, RunSpec
from tests.sandbox.llm.test_providers import Settings
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.passing.conftest import listen
from tests.sandbox.trees import bundle, make_spec, make_tree
from tests.soak.model_servers import ActingServer, Step

pytestmark = [pytest.mark.soak, pytest.mark.docker, pytest.mark.timeout(1800)]

KEY = "sk-secret-0123456789abcdefghijklmnopqrstuv"
WORK = "printf 'def one():\\n    return 1\\n' > one.py; echo done"
CHECK = "python3 -c 'import one; assert one.one() == 1'"
CLOSING = f"Add one\n\nI added `one.py`.\n\nCheck: {CHECK}"
TODOS = [
    {"content": "Look", "status": "completed", "activeForm": "Looking"},
    {"content": "Write", "status": "in_progress", "activeForm": "Writing"},
]
STEPS: dict[str, list[Step]] = {
    "claude-code": [
        ("TodoWrite", {"todos": TODOS}),
        ("Bash", {"command": WORK, "description": "Write one.py"}),
        CLOSING,
    ],
    "codex": [("exec_command", {"cmd": WORK}), CLOSING],
    "mini-swe-agent": [
        ("bash", {"command": WORK}),
        (
            "bash",
            {"command": f"cat <<'END'\nCOMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\n{CLOSING}\nEND"},
        ),
    ],
}
MODELS = {
    "claude-code": "anthropic:claude-sonnet-5-5",
    "codex": "openai:gpt-5.2",
    "mini-swe-agent": "openai:gpt-5.2",
}


@dataclass
class Yard:
    runner: Runner
    server: ActingServer
    recorder: MemoryRecorder
    spec: RunSpec
    client: docker.DockerClient

    async def run(self, **changes: Any) -> Outcome:
        return await self.runner.run(replace(self.spec, **changes), self.recorder)


Make = Callable[[str], Awaitable[Yard]]


@pytest.fixture
async def make_yard(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def make(agent: str) -> Yard:
            server = ActingServer(STEPS[agent])
            runner, url = await listen(server.application())
            stack.push_async_callback(runner.cleanup)
            settings = Settings(
                anthropic_api_key=SecretStr(KEY),
                anthropic_base_url=url,
                openai_api_key=SecretStr(KEY),
                openai_base_url=f"{url}/v1",
            )
            engine = DockerEngine(namespace=str(tmp_path))
            stack.push_async_callback(engine.close)
            stack.push_async_callback(_remove_all, engine)
            records = Records(tmp_path / "environments")
            runs = Runner(
                engine,
                Providers(settings, environment={}),
                directory=tmp_path / "runs",
                bundle=bundle,
                environments=Environments(engine, records, bounds=Bounds()),
                outside=Outside(authorities=find_authorities()),
            )
            spec = make_spec(
                make_tree(tmp_path / "source", {"README.md": "# Ones\n"}),
                run_id=f"r_{uuid.uuid4().hex[:12]}",
                image=agent_image,
                model=MODELS[agent],
                request="Add one.py.",
                limits=Limits(wall_seconds=600, setup_seconds=900),
            )
            spec = replace(spec, agent=agent, setup=None)
            return Yard(runs, server, MemoryRecorder(), spec, docker_client)

        yield make


async def _remove_all(engine: DockerEngine) -> None:
    for handle in await engine.list():
        await engine.remove(handle)
    for image in await engine.images():
        await engine.remove_image(image.id)


@pytest.mark.parametrize("agent", STEPS)
async def test_a_whole_run(make_yard: Make, agent: str) -> None:
    yard = await make_yard(agent)
    outcome = await yard.run()
    assert (outcome.kind, outcome.brief, outcome.details) == ("patch", "", "")
    assert (outcome.title, outcome.summary) == ("Add one", "I added `one.py`.")
    assert outcome.verification is not None
    assert outcome.verification["state"] == "verified"
    assert [check["command"] for check in outcome.verification["checks"]] == [CHECK]
    (data, summary, _) = yard.recorder.patches[-1]
    assert [file.path for file in summary.files] == ["one.py"]
    assert b"+def one():" in data
    assert set(yard.server.keys) == {KEY}
    steps = yard.recorder.payloads("step_started")
    assert any("one.py" in step["title"] for step in steps)
    assert len(yard.recorder.payloads("step_finished")) == len(steps)
    turns = yard.recorder.payloads("turn")
    assert len(turns) >= len(STEPS[agent])
    assert all(turn["cost_usd"] > 0 for turn in turns)
    assert {attempt["verdict"] for attempt in yard.recorder.payloads("egress")} == {"allowed"}
    # The next run finds the program installed, and hears what was before.
    before = len(yard.recorder.events)
    later = await yard.run(
        run_id=f"r_{uuid.uuid4().hex[:12]}",
        request="And again.",
        earlier=(Exchange(request="Add one.py.", summary=outcome.summary),),
        resume_turn=len(turns),
    )
    assert later.kind == "patch"
    kinds = [kind for kind, _ in yard.recorder.events[before:]]
    assert "setup_started" not in kinds
    assert "I added `one.py`." in str(yard.server.requests[-1])


async def test_claude_code_hears_people_while_it_works(make_yard: Make) -> None:
    yard = await make_yard("claude-code")
    yard.server.steps = [("Bash", {"command": "sleep 5", "description": "Wait"}), CLOSING]
    running = asyncio.create_task(yard.run())
    async with asyncio.timeout(900):
        while not yard.recorder.payloads("step_started"):
            await asyncio.sleep(0.1)
    yard.recorder.say(InboxItem(id=7, kind="message", text="Name it two.", author="Bob"))
    outcome = await running
    assert outcome.kind == "nothing"
    assert "Message from Bob in the thread: Name it two." in str(yard.server.requests[-1])
    assert [id_ for id_, _ in yard.recorder.delivered_ids] == [7]


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
async def test_a_stop_and_a_restart(make_yard: Make, agent: str) -> None:
    """A host that was restarted finds the program at work; a stop ends it at once."""
    yard = await make_yard(agent)
    tool, given = STEPS[agent][-2]
    wait = {name: f"{WORK}; sleep 600" for name in given if name != "description"}
    yard.server.steps = [(tool, {**given, **wait})]
    dying = asyncio.create_task(yard.run())
    async with asyncio.timeout(900):
        while not yard.recorder.payloads("step_started"):
            await asyncio.sleep(0.1)
    dying.cancel()
    await asyncio.wait([dying])
    again = asyncio.create_task(
        yard.runner.attach(yard.spec, yard.recorder.handles[-1], yard.recorder)
    )
    await asyncio.sleep(2)
    yard.recorder.say(InboxItem(id=1, kind="stop"))
    await yard.runner.stop(yard.spec.run_id)
    outcome = await again
    assert outcome.kind == "stopped"
    assert outcome.patch_sha256 is not None
