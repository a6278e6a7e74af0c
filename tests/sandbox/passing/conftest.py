"""An open gateway with native routes on a real socket, the real SDKs before it, and model servers
of the true wire format behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from sandbox.gateway.door import Door
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Entry, Journal
from sandbox.gateway.passing import Passing
from sandbox.gateway.routes import Routes
from sandbox.passing.door import derive_key
from sandbox.passing.upstream import Upstream
from sandbox.redaction import Redactor
from sandbox.spec import RunSpec, Tree
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.openai_server import OpenAIServer
from tests.sandbox.llm.script import Failure, Script, Words
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.passing.responses_server import ResponsesServer
from tests.sandbox.trees import bundle, make_spec

KEY = "sk-secret-0123456789abcdefghijklmnopqrstuv"
TREE = Tree(mirror="/nowhere", commit="0" * 40, branch="main", repository="acme/api")
Server = AnthropicServer | OpenAIServer | ResponsesServer


@dataclass
class House:
    """A door with native routes, and what stands behind and before it."""

    spec: RunSpec
    door: Door
    server: Server
    recorder: MemoryRecorder
    http: httpx2.AsyncClient
    key: str

    def will(self, *answers: Words | Failure) -> None:
        self.server.script.answers += answers

    def anthropic(self, *, key: str | None = None, max_retries: int = 0) -> AsyncAnthropic:
        return AsyncAnthropic(
            api_key=key or self.key,
            base_url="http://gateway/anthropic",
            http_client=self.http,
            max_retries=max_retries,
        )

    def openai(self, *, key: str | None = None, max_retries: int = 0) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=key or self.key,
            base_url="http://gateway/openai/v1",
            http_client=self.http,
            max_retries=max_retries,
        )


Open = Callable[..., Awaitable[House]]


async def listen(application: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_(
            server: Server,
            *,
            recorder: MemoryRecorder | None = None,
            secrets: tuple[str, ...] = (),
            **changes: Any,
        ) -> House:
            runner, url = await listen(server.application())
            stack.push_async_callback(runner.cleanup)
            spec = replace(make_spec(TREE, run_id="r_1", **changes), agent="other")
            recorder = recorder or MemoryRecorder()
            tmp_path.chmod(0o700)
            journal = await Journal.begin(tmp_path, Entry(phase="agent", started_at=0))
            hiding = Hiding(Redactor(secrets), journal, recorder)
            provider = "anthropic" if isinstance(server, AnthropicServer) else "openai"
            base_url = url if provider == "anthropic" else f"{url}/v1"
            upstream = Upstream(provider=provider, base_url=base_url, key=KEY)
            passing = Passing(spec, recorder, upstream, model=MODELS[provider], hiding=hiding)
            await passing.load()
            routes = Routes(
                spec,
                journal,
                recorder,
                turns=None,
                passing=passing,
                bundle=bundle,
                patch=b"",
                variables={},
                hiding=hiding,
            )
            door = Door(spec.run_id, journal, routes)
            await door.open()
            stack.push_async_callback(door.close)
            transport = httpx2.AsyncHTTPTransport(uds=str(door.directory / "gateway.sock"))
            http = httpx2.AsyncClient(transport=transport, timeout=60)
            stack.push_async_callback(http.aclose)
            return House(spec, door, server, recorder, http, derive_key(journal.entry.token))

        yield open_


MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-5.2"}


@pytest.fixture
def speak_anthropic() -> AnthropicServer:
    return AnthropicServer(Script([]))


@pytest.fixture
def speak_chat() -> OpenAIServer:
    return OpenAIServer(Script([]))


@pytest.fixture
def speak_responses() -> ResponsesServer:
    return ResponsesServer(Script([]))
