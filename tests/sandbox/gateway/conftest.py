"""An open gateway on a real socket, and a plain client behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.gateway.door import Door
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.routes import Bundle, Routes
from sandbox.gateway.turns import Turns
from sandbox.redaction import Redactor
from sandbox.spec import Phase, RunSpec, Tree
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.scripted_provider import ScriptedProvider
from tests.sandbox.trees import bundle, make_spec, make_tree

FILES = {"README.md": "# API\n", "src/app.py": "print('one')\n"}


@dataclass
class House:
    """A door, what stands behind it, and a caller before it."""

    door: Door
    spec: RunSpec
    recorder: MemoryRecorder
    provider: ScriptedProvider
    client: aiohttp.ClientSession

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        async with self.client.request(method, f"http://gateway{path}", **kwargs) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.read())

    async def turn(self, number: int, body: dict[str, Any]) -> tuple[int, Any]:
        return await self.call("PUT", f"/turns/{number}", json=body)


Open = Callable[..., Awaitable[House]]


def first(text: str = "# Task\nMend it.", **more: Any) -> dict[str, Any]:
    """A run's first turn."""
    return {
        "system": "You are careful.",
        "tools": [{"name": "shell", "description": "Run.", "parameters": {"type": "object"}}],
        **says(text),
        **more,
    }


def says(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], **more}


def answers(*call_ids: str) -> dict[str, Any]:
    content = [
        {"type": "tool_result", "call_id": id_, "text": "ok", "is_error": False} for id_ in call_ids
    ]
    return {"messages": [{"role": "user", "content": content}]}


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return make_tree(tmp_path_factory.mktemp("tree"), FILES)


@pytest.fixture
async def open_house(tmp_path: Path, tree: Tree) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_(
            *,
            recorder: MemoryRecorder | None = None,
            provider: ScriptedProvider | None = None,
            journal: Journal | None = None,
            phase: Phase = "agent",
            secrets: tuple[str, ...] = (),
            name: str = "r_1",
            bundle: Bundle = bundle,
            **changes: Any,
        ) -> House:
            spec = make_spec(changes.pop("tree", tree), run_id=name, **changes)
            recorder = recorder or MemoryRecorder()
            provider = provider or ScriptedProvider()
            directory = tmp_path / name
            directory.mkdir(exist_ok=True, mode=0o700)
            journal = journal or await Journal.begin(directory, Entry(phase=phase, started_at=0))
            hiding = Hiding(Redactor(secrets), journal, recorder)
            turns = None
            if journal.entry.phase == "agent":
                turns = Turns(spec, recorder, provider, model="m", hiding=hiding)
                await turns.load()
            routes = Routes(
                spec,
                journal,
                recorder,
                turns=turns,
                bundle=bundle,
                patch=spec.patch,
                variables={"NPM_TOKEN": "npm-secret"},
                hiding=hiding,
            )
            door = Door(spec.run_id, journal, routes)
            await door.open()
            stack.push_async_callback(door.close)
            client = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(door.directory / "gateway.sock")),
                headers={"Authorization": f"Bearer {journal.entry.token}"},
            )
            stack.push_async_callback(client.close)
            return House(door, spec, recorder, provider, client)

        yield open_
