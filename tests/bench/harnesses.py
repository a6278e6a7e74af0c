"""Three ways to carry out one script: our agent alone, with its gateway, and mini-swe-agent."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from sandbox.gateway.door import Door
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.routes import Routes
from sandbox.gateway.turns import Turns
from sandbox.llm.openai import OpenAIProvider
from sandbox.redaction import Redactor
from tests.agent_image.conftest import PROGRAM, describe
from tests.agent_image.fake_gateway import TOKEN, FakeGateway, bash, finish, opened
from tests.bench.chat_server import Asked, ChatServer, Held, look_at
from tests.sandbox.git_repository import Repository, run_git
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.trees import bundle, make_spec, make_tree
from tests.tasks.packages import cache_directory

MINI = "mini-swe-agent==2.4.6"
REQUEST = "Mend `add` in sums.py, which subtracts."
SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of the script in one harness."""

    start: float
    """Seconds from the start of the program to its first request."""
    turn: float
    """Seconds between a reply and the next request, the commands included; the median."""
    request_bytes: int
    prompt_tokens: int
    resident_bytes: int
    """Of the agent's process, at its last request."""
    processor: float
    """Seconds of a processor that the agent's process itself used for a turn."""


def measure(asked: Sequence[Asked], *, began: float) -> Measured:
    used = asked[-1].held.processor_seconds - asked[0].held.processor_seconds
    pairs = itertools.pairwise(asked)
    return Measured(
        start=asked[0].at - began,
        turn=statistics.median(after.at - before.answered_at for before, after in pairs),
        request_bytes=sum(request.request_bytes for request in asked),
        prompt_tokens=sum(request.prompt_tokens for request in asked),
        resident_bytes=asked[-1].held.resident_bytes,
        processor=used / (len(asked) - 1),
    )


async def agent_alone(directory: Path, files: dict[str, str], commands: Sequence[str]) -> Measured:
    """The agent program before a gateway that answers at once."""
    repository = Repository(directory / "repository")
    base = repository.commit(dict(files))
    repository.git("update-ref", "refs/heads/base", base)
    source = run_git(repository.path, "bundle", "create", "-", "refs/heads/base")
    asked: list[Asked] = []
    process: asyncio.subprocess.Process | None = None

    class Watched(FakeGateway):
        async def _put_turn(self, request: web.Request) -> web.Response:
            at, body = time.perf_counter(), await request.read()
            answer = await super()._put_turn(request)
            held = look_at(process.pid) if process is not None else Held()
            asked.append(
                Asked(
                    at=at,
                    answered_at=time.perf_counter(),
                    request_bytes=len(body),
                    prompt_tokens=0,
                    held=held,
                )
            )
            return answer

    with tempfile.TemporaryDirectory(prefix="ts-") as sockets:
        gateway = Watched(Path(sockets) / "g.sock", describe(base, request=REQUEST), bundle=source)
        gateway.replies = [*([bash(command)] for command in commands), [finish()]]
        async with opened(gateway):
            began = time.perf_counter()
            process = await _start_agent(directory, gateway.socket, TOKEN)
            await asyncio.wait_for(process.communicate(), SECONDS)
        assert gateway.breaches == []
        assert gateway.outcome is not None
        assert gateway.outcome["kind"] == "finished"
    return measure(asked, began=began)


async def agent_with_gateway(
    directory: Path, files: dict[str, str], commands: Sequence[str]
) -> Measured:
    """The agent program, its door, and the provider's SDK: as a task goes."""
    tree = make_tree(directory / "tree", dict(files))
    spec = make_spec(tree, request=REQUEST)
    recorder = MemoryRecorder()
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        journal = await Journal.begin(Path(folder), Entry(phase="agent", started_at=time.time()))
        process: asyncio.subprocess.Process | None = None
        server = ChatServer(commands, lambda: look_at(process.pid) if process else Held())
        async with _serving(server) as url:
            provider = OpenAIProvider("key", base_url=url)
            hiding = Hiding(Redactor(()), journal, recorder)
            turns = Turns(spec, recorder, provider, model="bench", hiding=hiding)
            await turns.load()
            routes = Routes(
                *(spec, journal, recorder),
                turns=turns,
                bundle=bundle,
                patch=b"",
                variables={},
                hiding=hiding,
            )
            door = Door(spec.run_id, journal, routes)
            await door.open()
            try:
                began = time.perf_counter()
                socket = door.directory / "gateway.sock"
                process = await _start_agent(directory, socket, journal.entry.token)
                await asyncio.wait_for(process.communicate(), SECONDS)
            finally:
                await door.close()
                await provider.close()
            assert routes.claim is not None
            assert routes.claim.kind == "finished", routes.claim
    return measure(server.asked, began=began)


async def mini_swe_agent(
    directory: Path, files: dict[str, str], commands: Sequence[str]
) -> Measured:
    """As its own command starts it, with its own default configuration."""
    program = await asyncio.to_thread(install_mini)
    repository = Repository(directory / "repository")
    repository.commit(dict(files))
    process: asyncio.subprocess.Process | None = None
    server = ChatServer(commands, lambda: look_at(process.pid) if process else Held())
    async with _serving(server) as url:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "OPENAI_API_KEY": "key",
            "OPENAI_API_BASE": url,
            "MSWEA_CONFIGURED": "true",
            "MSWEA_SILENT_STARTUP": "1",
            "MSWEA_COST_TRACKING": "ignore_errors",
            "MSWEA_GLOBAL_CONFIG_DIR": str(directory / "configuration"),
            # Or it would ask the network for prices.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(program, "--model", "openai/bench", "--task", REQUEST, "--yolo"),
            *("--exit-immediately", "--output", str(directory / "trajectory.json")),
            cwd=repository.path,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert len(server.asked) == len(commands) + 1, output.decode()
    return measure(server.asked, began=began)


def commands_alone(directory: Path, files: dict[str, str], commands: Sequence[str]) -> float:
    """Seconds of one command without any harness; the median."""
    repository = Repository(directory / "repository")
    repository.commit(dict(files))
    took = []
    for command in commands:
        at = time.perf_counter()
        subprocess.run(["bash", "-c", command], cwd=repository.path, capture_output=True)
        took.append(time.perf_counter() - at)
    return statistics.median(took)


def without(measured: Measured, command: float) -> Measured:
    """What of a turn is the harness's own."""
    return replace(measured, turn=max(0.0, measured.turn - command))


def install_mini() -> str:
    """mini-swe-agent in an environment of its own, once."""
    place = cache_directory() / MINI.replace("==", "-")
    program = place / "bin" / "mini"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "installed"
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", MINI], check=True)
            done.touch()
    return str(program)


async def _start_agent(directory: Path, socket: Path, token: str) -> asyncio.subprocess.Process:
    for name in ("home", "tmp"):
        (directory / name).mkdir()
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(PROGRAM)),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "tmp"),
            "THREADSMITH_TOKEN": token,
            "THREADSMITH_SOCKET": str(socket),
            "THREADSMITH_WORKSPACE": str(directory / "workspace"),
            "THREADSMITH_HOME": str(directory / "home"),
        },
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
    )


@asynccontextmanager
async def _serving(server: ChatServer) -> AsyncIterator[str]:
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()
