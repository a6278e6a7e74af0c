"""A task's story as server-sent events: what was missed, then what comes, as it comes."""

from __future__ import annotations

import json
import time
from typing import Final

from aiohttp import web

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Event
from chatbot.story import describe
from chatbot.web.pages import SHARE, SharedTasks
from chatbot.web.refusals import BadRequest, TooManyStreams
from chatbot.web.wall import BEGUN

MAX_STREAMS: Final = 200
BEAT_SECONDS: Final = 15.0
"""Between signs of life: proxies close what is silent, and a dead reader is found by writing."""
RETRY_MILLISECONDS: Final = 2000


class Streams:
    """Every open stream of this application."""

    def __init__(self, history: History, tasks: SharedTasks) -> None:
        self._history = history
        self._tasks = tasks
        self._open = 0
        self._is_stopping = False

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"{SHARE}/stream", self._serve, allow_head=False)]

    async def stop(self, _app: web.Application) -> None:
        """Let the open streams end, so that they do not hold up the program's end."""
        self._is_stopping = True

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        task = await self._tasks.find(request)
        seq = _last_seen(request)
        if self._open >= MAX_STREAMS:
            raise TooManyStreams
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self._open += 1
        try:
            request[BEGUN] = True
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
            await self._follow(request, response, task.id, seq)
        finally:
            self._open -= 1
        return response

    async def _follow(
        self, request: web.Request, response: web.StreamResponse, task_id: str, seq: int
    ) -> None:
        spoke_at = time.monotonic()
        while not self._is_stopping and request.transport is not None:
            version = self._history.version
            after = seq
            events = await self._history.read(
                lambda db, after=after: queries.task_events(db, task_id, after_seq=after)  # type: ignore[misc]
            )
            if events:
                seq = events[-1].seq
                await response.write("".join(_message(event) for event in events).encode())
            elif time.monotonic() - spoke_at > BEAT_SECONDS:
                await response.write(b":\n\n")
            else:
                await self._history.changed(version)
                continue
            spoke_at = time.monotonic()


def _message(event: Event) -> str:
    data = {"seq": event.seq, "at": event.at, "kind": event.kind, "text": describe(event)}
    return f"id: {event.seq}\nevent: story\ndata: {json.dumps(data)}\n\n"


def _last_seen(request: web.Request) -> int:
    """Where the reader stopped: the browser says so itself when it comes back."""
    given = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise BadRequest("`Last-Event-ID` must be the number of an event.")
    return int(given)
