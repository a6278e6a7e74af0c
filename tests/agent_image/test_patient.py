"""A request that the host holds for its own reasons is waited for beyond the run's time."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from agent_image.agent import gateway as module
from agent_image.agent.gateway import Gateway, Lost
from sandbox.gateway.protocol import WAITED


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.setattr(module, "LAST_SECONDS", 0.05)

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.json_response({}, headers={WAITED: "700.0"})

    application = web.Application()
    application.router.add_put("/turns/0", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:  # a socket's path must be short
        path = Path(folder) / "g.sock"
        await web.UnixSite(runner, str(path)).start()
        yield Gateway(str(path), "token", seconds=0.0)
        await runner.cleanup()


async def test_the_runs_time_ends(gateway: Gateway) -> None:
    with pytest.raises(Lost):
        await asyncio.to_thread(gateway.ask, "PUT", "/turns/0", {})


async def test_what_the_host_waited_is_none_of_it(gateway: Gateway) -> None:
    before = gateway.deadline
    answer = await asyncio.to_thread(gateway.ask, "PUT", "/turns/0", {}, patient=True)
    assert answer.status == 200
    assert gateway.deadline == pytest.approx(before + 700.0)
    assert gateway.seconds_left > 600


async def test_a_host_that_is_gone_is_not_waited_for(gateway: Gateway) -> None:
    gone = Gateway(gateway.path + "-gone", "token", seconds=0.0)
    with pytest.raises(Lost):
        await asyncio.to_thread(gone.ask, "PUT", "/turns/0", {}, patient=True)
    assert gone.deadline < time.monotonic()
