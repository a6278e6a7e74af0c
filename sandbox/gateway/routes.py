"""The routes of one run's gateway: each reads a request, lets it be done, and answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from aiohttp import web

from sandbox.errors import ProviderError
from sandbox.gateway.bodies import read_body
from sandbox.gateway.delivery import deliver
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.journal import Journal
from sandbox.gateway.passing import Passing
from sandbox.gateway.protocol import (
    MAX_EVENTS_BYTES,
    MAX_INBOX_WAIT_SECONDS,
    MAX_TURN_BYTES,
    WAITED,
)
from sandbox.gateway.refusals import BadRequest, Closing, Conflict, ReadOnly
from sandbox.gateway.stream import EventStream
from sandbox.gateway.turns import Turns
from sandbox.gateway.wall import BEGUN
from sandbox.gateway.wire import (
    Claim,
    describe_run,
    parse_claim,
    parse_events,
    parse_taken,
    parse_turn,
    reply_to_wire,
)
from sandbox.patch import check_patch
from sandbox.recorder import Recorder
from sandbox.sources.files import read_file
from sandbox.spec import Mode, RunSpec, Tree

Bundle = Callable[[Tree, str | None], AsyncIterator[bytes]]
"""Streams a git bundle that holds the tree's commit under `refs/heads/base`.

With a commit that is there already, only what came after it: perhaps nothing.
"""

T = TypeVar("T")

RESULT: Final = "result.patch"
"""In the run's folder: its newest patch, for the container that verifies it."""
MAX_OUTCOME_BYTES: Final = 2 * 1024**2
MAX_SCRIPT_BYTES: Final = 1024**2
LONG_BYTES: Final = 64 * 1024
SHOWN_PATHS: Final = 10
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
SOURCE_SECONDS: Final = 900.0
"""For a container to take in its source; a reader that stalls must not hold git for ever."""


class Routes:
    """What one phase of a run may ask for."""

    def __init__(
        self,
        spec: RunSpec,
        journal: Journal,
        recorder: Recorder,
        *,
        turns: Turns | None,
        passing: Passing | None = None,
        bundle: Bundle,
        patch: bytes,
        variables: Mapping[str, str],
        hiding: Hiding,
    ) -> None:
        """``patch`` is the work so far, laid over the commit before the agent starts.

        ``turns`` or ``passing`` are given in the agent phase, ``variables`` in a set-up phase only.
        """
        self.phase = journal.entry.phase
        self.events = EventStream(self.phase, journal, recorder, hiding)
        self.turns = turns
        self.passing = passing
        self.ended = asyncio.Event()
        self._spec = spec
        self._journal = journal
        self._recorder = recorder
        self._bundle = bundle
        self._patch = patch
        self._variables = variables
        self._hiding = hiding
        self._closing = asyncio.Event()
        self._bundling = asyncio.Lock()
        self._patching = asyncio.Lock()
        if journal.entry.claim is not None:
            self.ended.set()

    @property
    def fault(self) -> ProviderError | None:
        """Why the model could not be asked, where that was the last that happened."""
        speaking = self.turns or self.passing
        return speaking.fault if speaking is not None else None

    @property
    def claim(self) -> Claim | None:
        """How the container says its phase ended."""
        stored = self._journal.entry.claim
        if stored is None:
            return None
        lists = {name: tuple(stored.get(name, ())) for name in ("findings", "checks")}
        return Claim(**{**stored, **lists})

    def add_to(self, application: web.Application) -> None:
        route = application.router.add_route
        route("GET", "/run", self._get_run)
        route("GET", "/source", self._get_source)
        route("POST", "/events", self._post_events)
        route("GET", "/inbox", self._get_inbox)
        route("PUT", "/outcome", self._put_outcome)
        if self.phase != "setup":
            route("GET", "/patch", self._get_patch)
        if self.phase == "agent":
            route("GET", r"/given/{id:\d{1,15}}", self._get_given)
            route("PUT", "/patch", self._put_patch)
        # An agent program speaks to the model in one way: its turns follow one another.
        if self.passing is not None:
            self.passing.add_to(application)
            route("POST", "/inbox", partial(self._post_inbox, self.passing))
        elif self.turns is not None:
            # A set-up script is the repository's: it never speaks to the model.
            route("PUT", r"/turns/{n:\d{1,9}}", partial(self._put_turn, self.turns))

    async def close(self) -> None:
        """Let no request wait any longer."""
        self._closing.set()
        if self.turns is not None:
            await self.turns.close()
        if self.passing is not None:
            await self.passing.close()
        await self.events.finish()

    async def _get_run(self, _: web.Request) -> web.Response:
        entry, spec = self._journal.entry, self._spec
        speaking = self.turns or self.passing
        turn = speaking.next_number if speaking is not None else 0
        described = describe_run(spec, entry, turn=turn, patch=self._patch)
        enclosed = await self._recorder.enclosed() if self.turns is not None else []
        described["given"] = [item.to_json() for item in enclosed]
        if entry.script is not None:
            # As it stands in the commit that was approved: attributes of the repository may lay
            # other bytes into its working tree.
            content = await read_file(spec.tree, entry.script, limit_bytes=MAX_SCRIPT_BYTES)
            text = (content or b"").decode(errors="surrogateescape")
            described["script"] = {"path": entry.script, "content": text, "is_own": False}
            described["variables"] = dict(self._variables)
        elif entry.install:
            described["script"] = {"path": "", "content": entry.install, "is_own": True}
        return web.json_response(described)

    async def _get_source(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        have = request.query.get("have") or None
        if have is not None and not _COMMIT.fullmatch(have):
            raise BadRequest("`have` must be a full commit id.")
        async with self._bundling, asyncio.timeout(SOURCE_SECONDS):
            chunks = self._bundle(self._spec.tree, have)
            try:
                async for chunk in chunks:
                    if not response.prepared:  # only now: a fault before it has a proper answer
                        await response.prepare(request)
                        request[BEGUN] = True
                    await response.write(chunk)
            finally:
                if isinstance(chunks, AsyncGenerator):
                    await chunks.aclose()
            if not response.prepared:
                return web.Response(status=204)
            await response.write_eof()
        return response

    async def _get_patch(self, _: web.Request) -> web.Response:
        if not self._patch:
            return web.Response(status=204)
        return web.Response(body=self._patch)

    async def _get_given(self, request: web.Request) -> web.Response:
        data = await self._recorder.enclosed_data(int(request.match_info["id"]))
        if data is None:
            raise web.HTTPNotFound
        return web.Response(body=data)

    async def _put_patch(self, request: web.Request) -> web.Response:
        limit = self._spec.limits.patch_bytes
        data = await read_body(request, limit_bytes=limit)
        tree = self._spec.tree
        async with self._patching:
            data, hidden = await asyncio.to_thread(self._hiding.redactor.patch, data)
            summary = await check_patch(Path(tree.mirror), tree.commit, data, limit_bytes=limit)
            if summary.files and self._spec.mode != "change":
                raise ReadOnly(_read_only(self._spec.mode, [f.path for f in summary.files]))
            is_final = request.query.get("final") == "1"
            await self._recorder.patch(data, summary, final=is_final)
            await asyncio.to_thread((self._journal.directory / RESULT).write_bytes, data)
            files = len(summary.files)
            await self._journal.note(patch={"sha256": summary.sha256, "files": files})
            await self._hiding.reach("patch", hidden)
        return web.json_response(
            {
                "sha256": summary.sha256,
                "files": files,
                "added": summary.added,
                "removed": summary.removed,
            }
        )

    async def _put_turn(self, turns: Turns, request: web.Request) -> web.Response:
        number = int(request.match_info["n"])
        body = await read_body(request, limit_bytes=MAX_TURN_BYTES)
        turn = await _read(body, parse_turn, self._hiding.redactor)
        reply = await turns.put(number, turn)
        told = reply_to_wire(number, reply, turns_left=turns.left)
        waited = turns.take_waited()
        return web.json_response(told, headers={WAITED: f"{waited:.1f}"} if waited else None)

    async def _post_events(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit_bytes=MAX_EVENTS_BYTES)
        events = await _read(body, parse_events, self._hiding.redactor)
        return web.json_response({"last": await self.events.put(events)})

    async def _get_inbox(self, request: web.Request) -> web.Response:
        after = _number(request, "after")
        wait = min(_number(request, "wait"), MAX_INBOX_WAIT_SECONDS)
        asked = asyncio.ensure_future(self._recorder.inbox(int(after), wait_seconds=wait))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({asked, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise Closing
            items = [asdict(item) for item in asked.result()]
        finally:
            asked.cancel()
            closing.cancel()
            await asyncio.wait({asked, closing})
        return web.json_response({"items": items})

    async def _post_inbox(self, passing: Passing, request: web.Request) -> web.Response:
        body = await read_body(request, limit_bytes=LONG_BYTES)
        taken = parse_taken(body)
        await deliver(self._recorder, taken, turn=passing.next_number)
        return web.json_response({})

    async def _put_outcome(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit_bytes=MAX_OUTCOME_BYTES)
        claim = await _read(body, parse_claim, self.phase, self._hiding.redactor)
        if self.claim not in (None, claim):
            raise Conflict("The run has ended already.")
        if self.claim is None:
            await self.events.finish()
            await self._journal.note(claim=asdict(claim))
            await self._hiding.add("outcome", claim.hidden)
        self.ended.set()
        return web.json_response({})


def _read_only(mode: Mode, paths: list[str]) -> str:
    """Why a changed tree is refused, with what is to be undone."""
    shown = ", ".join(paths[:SHOWN_PATHS]) + ", …" * (len(paths) > SHOWN_PATHS)
    return f"This run is to {mode} and changes no files, but these differ: {shown}"


async def _read(body: bytes, parse: Callable[..., T], *more: object) -> T:
    """A long body is read beside the loop."""
    if len(body) < LONG_BYTES:
        return parse(body, *more)
    return await asyncio.to_thread(parse, body, *more)


def _number(request: web.Request, name: str) -> float:
    try:
        value = float(request.query.get(name, "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2**53:
        raise BadRequest(f"`{name}` must be a number, not negative.")
    return value
