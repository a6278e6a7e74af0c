"""A gateway with prepared replies that holds a container to the protocol and keeps what it said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.errors import ThreadsmithError
from sandbox.gateway.protocol import MAX_EVENTS_BYTES, MAX_TURN_BYTES
from sandbox.gateway.refusals import (
    BadRequest,
    BudgetExceeded,
    Conflict,
    ReadOnly,
    Refusal,
    Unauthorized,
)
from sandbox.gateway.wire import parse_claim, parse_events, parse_taken, parse_turn

Json = dict[str, Any]
TOKEN = "run-token-that-nobody-may-see"


class ProviderGone(Refusal):
    """The model cannot be reached."""

    status = 502
    code = "provider_error"


class PatchNo(Refusal):
    """The patch was refused."""

    status = 422
    code = "patch_refused"


Scripted = list[Json] | Json | Refusal | Callable[[], Any]
"""A reply: content blocks; a whole reply; a refusal; or something to await that answers one."""


class FakeGateway:
    """One phase of a run. A breach of the protocol is refused and kept in ``breaches``."""

    def __init__(self, socket: Path, run: Json, *, bundle: bytes, patch: bytes = b"") -> None:
        self.socket = socket
        self.run = run
        self.bundle = bundle
        self.patch = patch
        self.replies: list[Scripted] = []
        self.patch_refusals: list[Refusal] = []
        self.requests: list[str] = []
        self.breaches: list[str] = []
        self.turns: list[Json] = []
        self.events: list[tuple[str, Json]] = []
        self.patches: list[bytes] = []
        self.final_patches: list[bytes] = []
        self.outcome: Json | None = None
        self.inbox: list[Json] = []
        self.taken: list[int] = []
        """Messages that another agent was given."""
        self.given: dict[int, bytes] = {}
        self.busy = 0
        """So many requests are answered with 503 first."""
        self.broken = 0
        """So many answers are cut off in the middle."""
        self._answers: list[tuple[str, Json]] = []
        self._asked = asyncio.Lock()
        self._news = asyncio.Event()
        self._last_event = 0
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        application = web.Application(middlewares=[self._wall], client_max_size=64 * 1024**2)
        route = application.router.add_route
        route("GET", "/run", self._get_run)
        route("GET", "/source", self._get_source)
        route("GET", "/patch", self._get_patch)
        route("GET", r"/given/{id:\d+}", self._get_given)
        route("PUT", r"/turns/{n:\d+}", self._put_turn)
        route("POST", "/events", self._post_events)
        route("GET", "/inbox", self._get_inbox)
        route("POST", "/inbox", self._post_inbox)
        route("PUT", "/patch", self._put_patch)
        route("PUT", "/outcome", self._put_outcome)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self.socket.unlink(missing_ok=True)
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def close(self) -> None:
        """Go as a killed process goes: every connection ends, the socket stays as a corpse."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def say(self, text: str, *, author: str = "Ada", enclosed: list[Json] | None = None) -> None:
        item = {"kind": "message", "text": text, "author": author, "enclosed": enclosed or []}
        self._put_item(item)

    def stop(self) -> None:
        self._put_item({"kind": "stop", "text": "", "author": "Ada", "enclosed": []})

    def payloads(self, kind: str) -> list[Json]:
        return [payload for found, payload in self.events if found == kind]

    def texts(self, turn: int) -> list[str]:
        """Every text of a turn: words and results."""
        (message,) = self.turns[turn]["messages"]
        return [block["text"] for block in message["content"] if "text" in block]

    def results(self, turn: int) -> list[Json]:
        (message,) = self.turns[turn]["messages"]
        return [block for block in message["content"] if block["type"] == "tool_result"]

    def _put_item(self, item: Json) -> None:
        self.inbox.append({"id": len(self.inbox) + 1, **item})
        self._news.set()

    @web.middleware
    async def _wall(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        try:
            if self.busy and request.path != "/inbox":
                self.busy -= 1
                return web.json_response({}, status=503, headers={"Retry-After": "0"})
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Unauthorized
            response: web.StreamResponse = await handler(request)
        except ThreadsmithError as error:
            status = error.status if isinstance(error, Refusal) else 500
            if status in (400, 401, 409):
                self.breaches.append(f"{request.method} {request.path}: {error}")
            body = {"error": {"code": error.code, "brief": error.brief}}
            return web.json_response(body, status=status)
        if self.broken and isinstance(response, web.Response) and response.body:
            self.broken -= 1
            response.headers["Content-Length"] = str(len(bytes(response.body)) + 1)  # type: ignore[arg-type]
            response.force_close()
        return response

    async def _get_run(self, _: web.Request) -> web.Response:
        return web.json_response(self.run)

    async def _get_source(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, len(self.bundle), 1000):
            await response.write(self.bundle[start : start + 1000])
        await response.write_eof()
        return response

    async def _get_patch(self, _: web.Request) -> web.Response:
        return web.Response(body=self.patch) if self.patch else web.Response(status=204)

    async def _get_given(self, request: web.Request) -> web.Response:
        return web.Response(body=self.given[int(request.match_info["id"])])

    async def _put_turn(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > MAX_TURN_BYTES:
            raise BadRequest("The turn is too large.")
        parsed, turn, number = parse_turn(body), json.loads(body), int(request.match_info["n"])
        async with self._asked:
            first = self.run["turn"]
            if number - first < len(self._answers):
                sha256, answer = self._answers[number - first]
                if sha256 != parsed.sha256:
                    raise Conflict("Other content.")
                return web.json_response(answer)
            self._check(number - first, turn)
            self.turns.append(turn)
            answer = await self._reply(number)
            self._answers.append((parsed.sha256, answer))
        return web.json_response(answer)

    def _check(self, index: int, turn: Json) -> None:
        if index != len(self._answers):
            raise Conflict(f"The next turn is {len(self._answers)}.")
        if (index == 0) != ("system" in turn and "tools" in turn):
            raise BadRequest("The first turn, and no other, has `system` and `tools`.")
        calls = self._answers[-1][1]["content"] if self._answers else []
        expected = [block["id"] for block in calls if block["type"] == "tool_call"]
        (message,) = turn["messages"]
        given = [b["call_id"] for b in message["content"] if b["type"] == "tool_result"]
        if given != expected:
            raise BadRequest(f"Results for {given}, calls were {expected}.")
        texts = [n for n, b in enumerate(message["content"]) if b["type"] == "text"]
        if texts and texts[0] < len(given):
            raise BadRequest("Results come first.")

    async def _reply(self, number: int) -> Json:
        left = self.run["turn"] + self.run["limits"]["turns"] - number - 1
        if left < 0:
            self.turns.pop()
            raise BudgetExceeded
        reply = self.replies.pop(0) if self.replies else [finish()]
        if callable(reply):
            reply = await reply()
        if isinstance(reply, Refusal):
            self.turns.pop()
            raise reply
        whole = reply if isinstance(reply, dict) else {"content": reply}
        for index, block in enumerate(whole["content"]):
            if block["type"] == "tool_call":
                block.setdefault("id", f"call_{number}_{index}")
        has_calls = any(block["type"] == "tool_call" for block in whole["content"])
        stop = "tool_calls" if has_calls else "end"
        return {"turn": number, "stop": stop, "turns_left": left, **whole}

    async def _post_events(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > MAX_EVENTS_BYTES:
            raise BadRequest("Too many events.")
        for id_, kind, payload, _ in parse_events(body):
            if id_ > self._last_event + 1:
                raise BadRequest(f"Event {id_} follows {self._last_event}.")
            if id_ == self._last_event + 1:
                self._last_event = id_
                self.events.append((kind, payload))
        return web.json_response({"last": self._last_event})

    async def _post_inbox(self, request: web.Request) -> web.Response:
        self.taken += parse_taken(await request.read())
        return web.json_response({})

    async def _get_inbox(self, request: web.Request) -> web.Response:
        after = int(request.query["after"])
        try:
            async with asyncio.timeout(float(request.query["wait"])):
                while not (found := [item for item in self.inbox if item["id"] > after]):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            found = []
        return web.json_response({"items": found})

    async def _put_patch(self, request: web.Request) -> web.Response:
        data = await request.read()
        if self.patch_refusals:
            raise self.patch_refusals.pop(0)
        if data and self.run["mode"] != "change":
            raise ReadOnly("It changes no files.")
        self.patches.append(data)
        if request.query.get("final") == "1":
            self.final_patches.append(data)
        return web.json_response({"sha256": "", "files": 0, "added": 0, "removed": 0})

    async def _put_outcome(self, request: web.Request) -> web.Response:
        body = await request.read()
        parse_claim(body, self.run["phase"])
        if self.outcome is not None and self.outcome != json.loads(body):
            raise Conflict("There is an outcome already.")
        self.outcome = json.loads(body)
        return web.json_response({})


@asynccontextmanager
async def opened(gateway: FakeGateway) -> AsyncIterator[FakeGateway]:
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


def call(name: str, **arguments: Any) -> Json:
    raw = json.dumps(arguments)
    return {"type": "tool_call", "name": name, "arguments": arguments, "raw": raw}


def bash(command: str, **more: Any) -> Json:
    return call("bash", command=command, **more)


def finish(**fields: Any) -> Json:
    return call("finish", **{"title": "Done", "summary": "Did it.", "claimed": "Ran it.", **fields})


def words(text: str, stop: str = "end") -> Json:
    return {"content": [{"type": "text", "text": text}], "stop": stop}
