"""A door in front of the workspace's Web API that fails on demand, as Slack at times does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from aiohttp import web

Fault = Literal[
    "429", "500", "dropped", "lost_answer", "invalid_blocks", "is_archived", "token_expired"
]


@dataclass(slots=True, kw_only=True)
class Planned:
    method: str
    fault: Fault
    times: int
    only: Callable[[dict[str, Any]], bool]
    retry_after: int = 1


@dataclass(slots=True)
class FaultyDoor:
    """Passes calls on, and remembers them."""

    target: str
    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each of the calls came, on the loop's clock."""
    planned: list[Planned] = field(default_factory=list)
    session: aiohttp.ClientSession | None = None

    def plan(
        self,
        method: str,
        fault: Fault,
        *,
        times: int = 1,
        only: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> None:
        """``lost_answer``: the call is made, its answer never arrives."""
        self.planned.append(Planned(method=method, fault=fault, times=times, only=only))

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        body = await request.read()
        sent: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            sent |= await request.json()
        self.calls.append((method, sent))
        self.times.append(asyncio.get_running_loop().time())
        fault = self._due(method, sent)
        if fault == "429":
            headers = {"Retry-After": "1"}
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers=headers
            )
        if fault == "500":
            return web.Response(status=500, text="oops")
        if fault in {"invalid_blocks", "is_archived", "token_expired"}:
            return web.json_response({"ok": False, "error": fault})
        if fault == "dropped":
            return self._hang_up(request)
        assert self.session is not None
        async with self.session.request(
            request.method,
            f"{self.target.rstrip('/')}/{method}",
            params=request.query,
            data=body,
            headers={
                name: value
                for name, value in request.headers.items()
                if name.lower() in {"authorization", "content-type"}
            },
        ) as answer:
            data = await answer.read()
            if fault == "lost_answer":
                return self._hang_up(request)
            headers = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
            if "Retry-After" in answer.headers:
                headers["Retry-After"] = answer.headers["Retry-After"]
            return web.Response(status=answer.status, body=data, headers=headers)

    def _due(self, method: str, sent: dict[str, Any]) -> Fault | None:
        for planned in self.planned:
            if planned.method == method and planned.times and planned.only(sent):
                planned.times -= 1
                return planned.fault
        return None

    def _hang_up(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@asynccontextmanager
async def faulty_door(target: str) -> AsyncIterator[FaultyDoor]:
    door = FaultyDoor(target)
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/api/{method}", door.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    door.url = f"http://127.0.0.1:{port}/api/"
    async with aiohttp.ClientSession() as session:
        door.session = session
        try:
            yield door
        finally:
            await runner.cleanup()
