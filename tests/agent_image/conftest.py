"""The real program as a process of its own, a gateway before it, and a repository."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agent_image.fake_gateway import TOKEN, FakeGateway, Scripted, opened
from tests.sandbox.git_repository import Repository, run_git

PROGRAM = Path(__file__).parent.parent.parent / "agent_image" / "agent"

FILES: dict[str, str | bytes | None] = {
    "README.md": "# Sums\n",
    "sums.py": "def add(a, b):\n    return a - b\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "setup.sh": "echo set up\n",
}


@dataclass
class Stage:
    """One run of the agent program."""

    gateway: FakeGateway
    repository: Repository
    base: str
    directory: Path
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None

    @property
    def workspace(self) -> Path:
        return self.directory / "workspace"

    async def start(self) -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(PROGRAM)),
            env=self.environment,
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return self.process

    async def end(self, code: int = 0) -> dict[str, Any]:
        """Wait for the program's end; answers the outcome."""
        assert self.process is not None
        _, stderr = await self.process.communicate()
        assert self.process.returncode == code, stderr.decode()
        assert self.gateway.breaches == []
        assert self.gateway.outcome is not None
        return self.gateway.outcome

    async def play(self, *replies: Scripted, code: int = 0) -> dict[str, Any]:
        """A whole run with these replies."""
        self.gateway.replies = list(replies)
        await self.start()
        return await self.end(code)

    def git(self, *args: str) -> str:
        return run_git(self.workspace, *args).decode(errors="surrogateescape").strip()

    def apply_to_clone(self, patch: bytes) -> Path:
        """The patch over a clean clone of the base commit."""
        clone = Path(tempfile.mkdtemp(dir=self.directory))
        run_git(clone, "clone", "--quiet", str(self.repository.path), "clone")
        run_git(clone / "clone", "checkout", "--quiet", self.base)
        if patch:
            run_git(clone / "clone", "apply", "--index", "--binary", "-", stdin=patch)
        return clone / "clone"

    def result(self) -> Path:
        """A clean clone with the final patch."""
        (patch,) = self.gateway.final_patches
        return self.apply_to_clone(patch)


MakeStage = Callable[..., Awaitable[Stage]]


def describe(base: str, **changes: Any) -> dict[str, Any]:
    run = {
        "protocol": 1,
        "run_id": "r_1",
        "task_id": "t_1",
        "phase": "agent",
        "mode": "change",
        "repository": "acme/sums",
        "branch": "main",
        "base_commit": base,
        "request": "Mend the sum.",
        "author": "Ada",
        "turn": 0,
        "prepared_commit": None,
        "has_patch": False,
        "egress": False,
        "notes": [],
        "given": [],
        "agent": "threadsmith",
        "model": "replay:m",
        "earlier": [],
        "script": None,
        "variables": {},
        "checks": [],
        "can_ask": True,
        "limits": {
            "turns": 50,
            "command_seconds": 20,
            "output_bytes": 4000,
            "patch_bytes": 200_000,
            "wall_seconds": 60,
        },
    }
    limits = {**run["limits"], **changes.pop("limits", {})}
    return {**run, **changes, "limits": limits}


@pytest.fixture
async def make_stage(tmp_path: Path) -> AsyncIterator[MakeStage]:
    sockets = Path(tempfile.mkdtemp(prefix="ts-"))  # a socket's path must be short
    stages: list[Stage] = []
    async with AsyncExitStack() as stack:

        async def make(
            files: dict[str, str | bytes | None] | None = None,
            *,
            patch: bytes = b"",
            **changes: Any,
        ) -> Stage:
            directory = tmp_path / str(len(stages))
            repository = Repository(directory / "repository")
            base = repository.commit(FILES if files is None else files)
            repository.git("update-ref", "refs/heads/base", base)
            bundle = run_git(repository.path, "bundle", "create", "-", "refs/heads/base")
            run = describe(base, has_patch=bool(patch), **changes)
            socket = sockets / f"{len(stages)}.sock"
            gateway = FakeGateway(socket, run, bundle=bundle, patch=patch)
            for name in ("home", "tmp"):
                (directory / name).mkdir()
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(directory / "home"),
                "TMPDIR": str(directory / "tmp"),
                "THREADSMITH_TOKEN": TOKEN,
                "THREADSMITH_SOCKET": str(socket),
                "THREADSMITH_WORKSPACE": str(directory / "workspace"),
                "THREADSMITH_HOME": str(directory / "home"),
            }
            await stack.enter_async_context(opened(gateway))
            stages.append(Stage(gateway, repository, base, directory, environment))
            return stages[-1]

        yield make
        for stage in stages:
            if stage.process is not None and stage.process.returncode is None:
                stage.process.kill()
                await stage.process.communicate()
    shutil.rmtree(sockets, ignore_errors=True)
