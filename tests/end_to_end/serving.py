"""`threadsmith serve` as a process of its own, to be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from chatbot.demo.forge import Forge
from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.socket_mode import NotAcknowledged
from chatbot.slack.http_door import PATH
from sandbox.engines.docker_options import NAMESPACE_LABEL
from tests.end_to_end.stage import SECONDS, find_gates
from tests.slack_mode import current


@dataclass(kw_only=True)
class Serving:
    """The two servers here, and the program beside them."""

    workspace: Workspace
    forge: Forge
    directory: Path
    model: str
    port: int
    """Of the program's own pages: Slack's requests find it there again after a kill."""
    process: asyncio.subprocess.Process | None = None
    logged: int = 0
    """Bytes of the log when it was last started."""

    @property
    def log(self) -> Path:
        return self.directory / "serve.log"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    async def start(self) -> None:
        settings = {
            "DATA_DIRECTORY": str(self.data),
            "SLACK_BOT_TOKEN": self.workspace.bot_token,
            "SLACK_APP_TOKEN": self.workspace.app_token,
            "SLACK_API_URL": self.workspace.api_url,
            "FORGE_TOKEN": self.forge.token,
            "FORGE_API_URL": self.forge.api_url,
            "FORGE_URL": self.forge.url,
            "MODEL_DEFAULT": self.model,
            "MODEL_REPLAY_DELAY_SECONDS": "0.3",
            "SLACK_MODE": current(),
            "SLACK_SIGNING_SECRET": self.workspace.signing_secret,
            "WEB_PORT": str(self.port),
        }
        named = {f"THREADSMITH_{name}": value for name, value in settings.items()}
        self.logged = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from chatbot.cli import main; main()", "serve"),
                env={**os.environ, **named},
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def up(self) -> None:
        """Until it serves Slack."""
        async with asyncio.timeout(SECONDS):
            while not self._is_up():
                await asyncio.sleep(0.1)

    def _is_up(self) -> bool:
        if self.process is None or self.process.returncode is not None:
            return False
        return b"serves Slack" in self.log.read_bytes()[self.logged :]

    async def end(self) -> int:
        """Stop it once it is up: what an earlier one left has been cleared away by then."""
        await self.up()
        return await self.stop()

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()

    async def press(self, message: str, action: str) -> None:
        """Again where the program is not back yet: a person sees that it did not go through."""
        async with asyncio.timeout(SECONDS):
            while True:
                with contextlib.suppress(NotAcknowledged):
                    await self.workspace.click("ada", "shop", message, action)
                    return
                await asyncio.sleep(0.2)

    def gates(self, thread_ts: str) -> list[str]:
        return find_gates(self.workspace, thread_ts)


@asynccontextmanager
async def serving(
    directory: Path, *, repositories: dict[str, dict[str, bytes]], model: str
) -> AsyncIterator[Serving]:
    # Slack's minutes until it calls again are as long as the program takes to come back.
    workspace = Workspace(sleep=lambda _: found.up())
    forge = Forge(directory=directory / "forge")
    await forge.start()
    await workspace.start()
    for name, files in repositories.items():
        await forge.add_repository(name, files)
    found = Serving(
        workspace=workspace, forge=forge, directory=directory, model=model, port=_free_port()
    )
    try:
        await found.start()
        if current() == "http":
            await found.up()
            await workspace.deliver_to(f"http://127.0.0.1:{found.port}{PATH}")
        yield found
    finally:
        await found.stop()
        await workspace.stop()
        await forge.stop()


def _free_port() -> int:
    """Below those that the system gives to others, which come and go meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def containers(client: docker.DockerClient, namespace: str) -> list[str]:
    """Names of one installation's containers."""
    label = f"{NAMESPACE_LABEL}={namespace}"
    return [
        found.name or "" for found in client.containers.list(all=True, filters={"label": label})
    ]
