"""A declared secret over a whole run: it reaches its script, and nothing else."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox.engines.docker import DockerEngine
from sandbox.engines.engine import Handle
from sandbox.recorder import Outcome
from sandbox.redaction import Redactor
from sandbox.spec import Limits, Setup
from tests.sandbox.fake_engine import FakeEngine, Visit
from tests.sandbox.gateway.conftest import first
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import SECRETS, make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_patch, make_spec, make_tree

SECRET = SECRETS["NPM_TOKEN"]
CODED = base64.b64encode(SECRET.encode()).decode()
ALL = f"{SECRET} {CODED} {SECRET.encode().hex()}"


class TalkativeEngine(FakeEngine):
    """Its containers print what they should not."""

    async def logs(self, handle: Handle, *, limit_bytes: int = 65_536) -> str:
        return f"starts\n{ALL}\nbreaks\n"


@dataclass
class Seen:
    """Everything that a run leaves."""

    recorder: MemoryRecorder
    provider: ScriptedProvider
    outcome: Outcome
    directory: Path

    def text(self) -> str:
        kept = [
            path.read_text(errors="replace")
            for path in self.directory.rglob("*")
            if path.is_file() and "source" not in path.relative_to(self.directory).parts
        ]
        recorder = self.recorder
        told = json.dumps([recorder.events, recorder.stored_turns])
        return "\n".join([*kept, told, str(recorder.patches), str(self.provider.asked), repr(self)])

    def told(self) -> list[str]:
        return [payload["where"] for payload in self.recorder.payloads("redacted")]


async def drive(tmp_path: Path, agent: Any, setup: Any, **options: Any) -> Seen:
    tree = make_tree(tmp_path / "source", {"a.txt": "one\n", "setup.sh": "true\n"})
    engine, provider = TalkativeEngine({"agent": agent, "setup": setup}), ScriptedProvider()
    recorder = MemoryRecorder()
    runner = make_runner(engine, provider, tmp_path / "runs", **options)
    spec = make_spec(tree, model="replay:m", setup=Setup(secrets=("NPM_TOKEN",)))
    outcome = await runner.run(spec, recorder)
    return Seen(recorder, provider, outcome, tmp_path)


async def set_up(visit: Visit) -> int:
    _, run = await visit.call("GET", "/run")
    assert run["variables"] == {"NPM_TOKEN": SECRET}
    for number, at in enumerate(range(0, len(ALL), 5), start=1):
        event = {"id": number, "kind": "setup_output", "text": ALL[at : at + 5]}
        await visit.call("POST", "/events", json={"events": [event]})
    await visit.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 0})
    return 0


async def test_nothing_of_it_is_left_anywhere(tmp_path: Path) -> None:
    """As if the set-up had kept it where the agent reads, and the agent told everybody."""
    patches = []

    async def agent(visit: Visit) -> int:
        await visit.call("PUT", "/turns/0", json=first(ALL))
        note = {"id": 1, "kind": "note", "text": ALL}
        await visit.call("POST", "/events", json={"events": [note]})
        patches.append(make_patch(tmp_path / "source", {"a.txt": f"{ALL}\n"}))
        assert (await visit.call("PUT", "/patch?final=1", data=patches[0]))[0] == 200
        await visit.call("PUT", "/outcome", json={"kind": "finished", "summary": ALL})
        return 0

    seen = await drive(tmp_path, agent, set_up)
    assert seen.outcome.kind == "patch"
    assert seen.outcome.summary.count("[redacted]") == 3
    assert SECRET.encode() in patches[0]
    text = seen.text()
    assert "redacted" in text
    for form in (SECRET, CODED.rstrip("=")[:-1], SECRET.encode().hex()):
        assert form not in text
    assert seen.told() == ["events", "turn", "events", "patch", "outcome"]
    [finished] = seen.recorder.payloads("setup_finished")
    assert finished["tail"].count("[redacted]") == 3


async def test_containers_that_end_without_a_word(tmp_path: Path) -> None:
    async def exits(_: Visit) -> int:
        return 3

    async def quiet(visit: Visit) -> int:
        await visit.call("PUT", "/outcome", json={"kind": "finished", "exit_code": 0})
        return 0

    seen = await drive(tmp_path, exits, quiet)
    assert seen.outcome.kind == "failed"
    assert seen.outcome.details.startswith("starts\n[redacted] [redacted]")
    assert SECRET not in seen.text()
    assert seen.told() == ["log", "log"]
    failing = await drive(tmp_path / "again", exits, exits)
    assert failing.outcome.stage == "setup"
    assert failing.outcome.details.startswith("starts\n[redacted]")
    assert SECRET not in failing.text()


async def test_a_redactor_that_knows_more(tmp_path: Path) -> None:
    async def agent(visit: Visit) -> int:
        claim = {"kind": "finished", "summary": "of the host's own"}
        await visit.call("PUT", "/outcome", json=claim)
        return 0

    redactor = Redactor([*SECRETS.values(), "host's own"])
    seen = await drive(tmp_path, agent, set_up, redactor=redactor)
    assert seen.outcome.summary == "of the [redacted]"


SCRIPT = """set -eu
echo "token $NPM_TOKEN"
printf '%s' "user:$NPM_TOKEN" | base64
printf '%s' "$NPM_TOKEN" | od -An -tx1 | tr -d ' \\n'; echo
for part in $(printf '%s' "$NPM_TOKEN" | sed 's/./& /g'); do printf '%s' "$part"; sleep 0.05; done
echo; echo done; exit 7
"""


@pytest.mark.docker
async def test_a_script_that_prints_it_in_a_real_container(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    tree = make_tree(tmp_path / "source", {"a.txt": "one\n", "setup.sh": SCRIPT})
    engine, provider = DockerEngine(namespace=str(tmp_path)), ScriptedProvider()
    recorder = MemoryRecorder()
    runner = make_runner(engine, provider, tmp_path / "runs")
    limits = Limits(memory_bytes=256 * 1024**2, wall_seconds=60)
    setup = Setup(path="setup.sh", secrets=("NPM_TOKEN",))
    spec = make_spec(tree, run_id=f"r_{uuid.uuid4().hex[:12]}", image=agent_image)
    spec = replace(spec, model="replay:m", limits=limits, setup=setup)
    try:
        outcome = await runner.run(spec, recorder)
    finally:
        await runner.sweep(keep=set())
        await engine.close()
    seen = Seen(recorder, provider, outcome, tmp_path)
    assert (outcome.kind, outcome.stage) == ("failed", "setup")
    shown = "".join(p["text"] for p in recorder.payloads("setup_output"))
    assert shown.startswith("token [redacted]\n")
    assert shown.count("[redacted]") == 4
    assert shown.endswith("done\n")
    assert SECRET not in seen.text()
    assert SECRET.encode().hex() not in seen.text()
    assert "events" in seen.told()
