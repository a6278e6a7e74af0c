"""The two model servers on loopback, each with its provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from sandbox.llm import retries
from sandbox.llm.anthropic import AnthropicProvider
from sandbox.llm.openai import OpenAIProvider
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.openai_server import OpenAIServer
from tests.sandbox.llm.responses_server import ResponsesServer
from tests.sandbox.llm.script import Failure, Script, Words

KEY = "sk-secret-0123456789abcdefghijklmnopqrstuv"


@dataclass
class Pair:
    """A provider and the server it speaks to."""

    provider: AnthropicProvider | OpenAIProvider
    server: AnthropicServer | OpenAIServer | ResponsesServer
    label: str

    def will(self, *answers: Words | Failure) -> None:
        self.server.script.answers += answers


async def _listen(application: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def anthropic_pair() -> AsyncIterator[Pair]:
    server = AnthropicServer(Script([]))
    runner, url = await _listen(server.application())
    provider = AnthropicProvider(KEY, base_url=url, reply_tokens=lambda _: 1000, max_retries=1)
    yield Pair(provider, server, "Anthropic")
    await provider.close()
    await runner.cleanup()


@pytest.fixture
async def openai_pair() -> AsyncIterator[Pair]:
    server = OpenAIServer(Script([]))
    runner, url = await _listen(server.application())
    provider = OpenAIProvider(KEY, base_url=f"{url}/v1", reply_tokens=lambda _: 1000, max_retries=1)
    yield Pair(provider, server, f"The model server at {url.removeprefix('http://')}")
    await provider.close()
    await runner.cleanup()


@pytest.fixture
async def responses_pair() -> AsyncIterator[Pair]:
    server = ResponsesServer(Script([]))
    runner, url = await _listen(server.application())
    provider = OpenAIProvider(
        KEY, base_url=f"{url}/v1", api="responses", reply_tokens=lambda _: 1000, max_retries=1
    )
    yield Pair(provider, server, f"The model server at {url.removeprefix('http://')}")
    await provider.close()
    await runner.cleanup()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts of one reply."""
    monkeypatch.setattr(retries, "PAUSE_SECONDS", 0.0)


@pytest.fixture(params=["anthropic", "openai", "responses"])
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.getfixturevalue(f"{request.param}_pair")
    return found
