"""Where probes run: real containers, the real agent program, and whatever the probe makes it do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.engines.docker import DockerEngine
from sandbox.llm.provider import Reply, ToolCall, ToolResult
from sandbox.recorder import Outcome
from sandbox.runner import Runner
from sandbox.spec import Limits, RunSpec
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.runners import make_runner
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import make_spec, make_tree

LIMITS = Limits(
    memory_bytes=512 * 1024**2,
    cpus=1.0,
    processes=100,
    wall_seconds=90,
    setup_seconds=60,
    command_seconds=20,
)


def says(*calls: tuple[str, dict[str, Any]]) -> Reply:
    blocks = tuple(ToolCall(f"c{uuid.uuid4().hex}", name, given) for name, given in calls)
    return Reply(content=blocks, stop="tool_calls", model="m")


FINISH = says(("finish", {"title": "Done", "summary": "Done.", "claimed": "Nothing."}))


@dataclass
class Ground:
    """One run's surroundings."""

    engine: DockerEngine
    runner: Runner
    provider: ScriptedProvider
    spec: RunSpec
    directory: Path
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)

    async def run(self, commands: Iterable[str] = (), **changes: Any) -> Outcome:
        """A whole run in which the model asks for these commands, one a turn."""
        self.provider.replies = [says(("bash", {"command": c})) for c in commands] + [FINISH]
        return await self.runner.run(replace(self.spec, **changes), self.recorder)

    def results(self) -> list[str]:
        """What the model was told of its commands, in order."""
        (*_, last) = self.provider.asked
        blocks = [block for message in last.messages for block in message.content]
        return [block.text for block in blocks if isinstance(block, ToolResult)]

    def said_by_setup(self) -> str:
        return "".join(payload["text"] for payload in self.recorder.payloads("setup_output"))


@asynccontextmanager
async def ground(
    directory: Path,
    image: str,
    files: Mapping[str, str] | None = None,
    *,
    limits: Limits = LIMITS,
    **options: Any,
) -> AsyncIterator[Ground]:
    """``options`` go to the runner. Nothing of it is left behind."""
    source = directory / f"source-{uuid.uuid4().hex[:8]}"
    tree = replace(make_tree(source, dict(files or {"a.txt": "one\n"})), default_branch="main")
    run_id = f"r_{uuid.uuid4().hex[:12]}"
    spec = make_spec(tree, run_id=run_id, image=image, model="replay:m", limits=limits)
    engine, provider = DockerEngine(namespace=run_id), ScriptedProvider()
    runs = directory / "runs" / run_id / "runs"
    try:
        yield Ground(
            engine, make_runner(engine, provider, runs, **options), provider, spec, directory
        )
    finally:
        for handle in await engine.list():
            await engine.remove(handle)
        for kept in await engine.images():
            await engine.remove_image(kept.id)
        await engine.close()


def observe(
    directory: Path,
    image: str,
    commands: Mapping[str, str],
    *,
    run: Mapping[str, Any] | None = None,
    **options: Any,
) -> Observed:
    """One run of all these commands; what each of them printed. ``run`` changes its spec."""

    async def watch() -> Observed:
        async with ground(directory, image, **options) as here:
            outcome = await here.run(commands.values(), **(run or {}))
            outputs = dict(zip(commands, here.results(), strict=True))
            return Observed(outcome, outputs, here.recorder, here.provider)

    return asyncio.run(watch())


@dataclass(frozen=True)
class Observed:
    outcome: Outcome
    outputs: dict[str, str]
    recorder: MemoryRecorder
    provider: ScriptedProvider

    def __getitem__(self, name: str) -> str:
        return self.outputs[name]
