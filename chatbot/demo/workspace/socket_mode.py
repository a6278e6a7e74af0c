"""Socket Mode: each payload goes to one connection, and again where it is not acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.http_delivery import HttpDelivery, HttpRefused

Json = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]

ACK_SECONDS = 3.0
RETRY_SECONDS = (0.0, 60.0, 300.0)
MAX_SOCKETS = 10
PING_SECONDS = 15.0


class NotAcknowledged(Exception):
    """The app did not answer in time, or no connection is open."""


class ConnectionLost(NotAcknowledged):
    """The connection that had the payload is gone."""


class SocketMode:
    """The connections of one app, and what is on its way to them."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Json]]] = {}
        self._connected = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: HttpDelivery | None = None
        self._rests = False
        self._losing = 0

    @property
    def count(self) -> int:
        return len(self._sockets)

    def use_http(self, delivery: HttpDelivery) -> None:
        """The app is called from now on, as its manifest says for HTTP."""
        self._http = delivery
        self._connected.set()

    def issue_ticket(self) -> str:
        """For one connection."""
        if len(self._transports) >= MAX_SOCKETS:
            raise ApiError("too_many_websockets")
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        if isinstance(request.transport, asyncio.Transport):
            self._transports[socket] = request.transport
        hello = {
            "type": "hello",
            "num_connections": len(self._transports),
            "connection_info": {"app_id": "A0THREADS"},
            "debug_info": {"host": "applink-local", "approximate_connection_time": 18060},
        }
        try:
            await socket.send_json(hello)
            self._sockets.append(socket)
            self._connected.set()
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self._forget(socket)
        return socket

    def deliver_event(self, payload: Json) -> None:
        """With Slack's retries; waits for a connection where there is none."""
        self._spawn(self._deliver_with_retries(payload))

    def deliver_closing(self, payload: Json) -> None:
        """Of a modal: nobody waits for the answer."""
        self._spawn(self._deliver_closing(payload))

    async def _deliver_closing(self, payload: Json) -> None:
        with contextlib.suppress(NotAcknowledged):
            await self.deliver_interaction(payload)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._rests:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def deliver_interaction(self, payload: Json) -> Json:
        """Once; answers what the app answered with. Raises NotAcknowledged."""
        return await self._deliver("interactive", payload, accepts_response=True)

    async def deliver_command(self, payload: Json) -> Json:
        """Once; answers what the app answered with. Raises NotAcknowledged."""
        return await self._deliver("slash_commands", payload, accepts_response=True)

    async def drop(self) -> None:
        """Cut every connection without a word, as a broken network does."""
        for transport in list(self._transports.values()):
            transport.abort()

    async def refresh(self) -> None:
        """Ask every connection to come back anew, as Slack does every few hours."""
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError):  # It was cut meanwhile.
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def rest(self) -> None:
        """Deliver nothing more, nor again."""
        self._rests = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Until all that is on its way is acknowledged, or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.rest()
        for socket in list(self._sockets):
            await socket.close()

    async def _deliver_with_retries(self, payload: Json) -> None:
        attempt, reason = 0, ""
        while True:
            await self._connected.wait()
            retry: Json = {"retry_attempt": attempt, "retry_reason": reason}
            try:
                await self._deliver("events_api", payload, more=retry)
            except ConnectionLost:
                continue  # Nobody was asked in vain: the next connection gets it.
            except NotAcknowledged:
                if attempt == len(RETRY_SECONDS):
                    return
                await self._sleep(RETRY_SECONDS[attempt])
                attempt, reason = attempt + 1, "timeout"
            else:
                return

    async def _deliver(
        self, kind: str, payload: Json, *, accepts_response: bool = False, more: Json | None = None
    ) -> Json:
        if self._http is not None:
            given = await _called(self._http, kind, payload, more)
            if self._is_lost():
                raise NotAcknowledged("The answer was lost.")
            return given
        if not self._sockets:
            raise ConnectionLost
        socket = random.choice(self._sockets)  # noqa: S311
        envelope_id = secrets.token_hex(16)
        envelope = {
            "type": kind,
            "envelope_id": envelope_id,
            "payload": payload,
            "accepts_response_payload": accepts_response,
            **(more or {}),
        }
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = socket, answer
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await socket.send_json(envelope)
                given = await answer
            if self._is_lost():
                if (transport := self._transports.get(socket)) is not None:
                    transport.abort()
                self._forget(socket)
                raise ConnectionLost
            return given
        except TimeoutError as error:
            raise NotAcknowledged from error
        except ConnectionError as error:
            answer.cancel()
            self._forget(socket)
            raise ConnectionLost from error
        finally:
            del self._waiting[envelope_id]

    def lose(self, times: int) -> None:
        """So many of the next acknowledgements do not arrive: their connections break."""
        self._losing = times

    def _is_lost(self) -> bool:
        self._losing -= 1
        return self._losing >= 0

    def _forget(self, socket: web.WebSocketResponse) -> None:
        """It is gone; what it had and did not acknowledge goes to another."""
        if socket in self._sockets:
            self._sockets.remove(socket)
        self._transports.pop(socket, None)
        if not self._sockets and self._http is None:
            self._connected.clear()
        for owner, answer in self._waiting.values():
            if owner is socket and not answer.done():
                answer.set_exception(ConnectionLost())

    def _take(self, text: str) -> None:
        try:
            given = json.loads(text)
        except ValueError:
            return
        if not isinstance(given, dict):
            return
        _, answer = self._waiting.get(str(given.get("envelope_id")), (None, None))
        if answer is not None and not answer.done():
            answer.set_result(given.get("payload") or {})


async def _called(http: HttpDelivery, kind: str, payload: Json, more: Json | None) -> Json:
    try:
        async with asyncio.timeout(ACK_SECONDS):
            return await http.deliver(kind, payload, more)
    except (TimeoutError, HttpRefused) as error:
        raise NotAcknowledged(str(error)) from error
