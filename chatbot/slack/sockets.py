"""Socket Mode over several connections, none of which ends before the next one stands.

Slack sends each payload to one connection, asks every few hours for a new one, and drops some
without a word. The SDK's client closes the old one first, and what comes meanwhile waits.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import structlog
from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 30.0
FINISH_SECONDS = 5.0
"""What was taken has this long to be stored and acknowledged when a connection ends."""
HEARTBEAT_SECONDS = 20.0
"""A connection on which Slack is silent, pings included, for longer is given up."""
MAX_WAIT_SECONDS = 30.0

Json = dict[str, Any]


class Sockets:
    """``count`` connections at once; ``connect`` answers when the first one stands."""

    def __init__(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        *,
        app_token: str,
        count: int,
    ) -> None:
        self._app = app
        self._client = client
        self._session = session
        self._app_token = app_token
        self._count = count
        self._keepers: list[asyncio.Task[None]] = []
        self._open: set[_Connection] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    async def connect(self, url: str) -> None:
        """``url``: an address that was asked for already. Raises TimeoutError."""
        async with asyncio.timeout(CONNECT_SECONDS):
            first = await self._stand(url)
        self._keepers = [asyncio.create_task(self._keep(first), name="slack socket")]
        for _ in range(1, self._count):
            self._keepers.append(asyncio.create_task(self._keep(None), name="slack socket"))

    async def close(self) -> None:
        """Take nothing more, finish what was taken while its connection still stands, close."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(connection.finish() for connection in list(self._open)))
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _keep(self, connection: _Connection | None) -> None:
        """One place among the connections, filled again and again."""
        failures = 0
        while True:
            try:
                if connection is None:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        connection = await self._stand(await self._address())
                failures = 0
                await connection.until_over()
                old, connection = connection, None
                try:
                    if not old.is_lost:
                        # Slack wants it replaced: it goes on until the next one stands.
                        async with asyncio.timeout(CONNECT_SECONDS):
                            connection = await self._stand(await self._address())
                finally:
                    self._leave(old)
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                failures += 1
                wait = min(MAX_WAIT_SECONDS, 0.2 * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311
                log.warning("slack_socket_lost", reason=str(error), next_try_seconds=round(wait, 1))
                await asyncio.sleep(wait)

    async def _address(self) -> str:
        answer = await self._client.apps_connections_open(app_token=self._app_token)
        return str(answer["url"])

    async def _stand(self, url: str) -> _Connection:
        socket = await self._session.ws_connect(
            url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=0, proxy=self._client.proxy
        )
        connection = _Connection(self._app, socket, self._open.discard)
        try:
            await connection.greeted()
        except BaseException:
            await socket.close()
            raise
        self._open.add(connection)
        return connection

    def _leave(self, connection: _Connection) -> None:
        task = asyncio.create_task(connection.finish())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class _Connection:
    """One WebSocket, what it was given to do, and whether it is still good."""

    def __init__(
        self,
        app: AsyncApp,
        socket: ClientWebSocketResponse,
        ended: Callable[[_Connection], None],
    ) -> None:
        self._app = app
        self._socket = socket
        self._ended = ended
        self._in_hand: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.is_lost = False
        """It broke; otherwise Slack asked for another."""

    async def greeted(self) -> None:
        """Slack has said hello: from now on payloads come. Raises ClientError, TimeoutError."""
        while (given := await self._receive()) is not None:
            if given.get("type") == "hello":
                self._reading = asyncio.create_task(self._read())
                return
        raise aiohttp.ClientConnectionError("Slack closed the connection before its hello.")

    async def until_over(self) -> None:
        await self._over.wait()

    async def finish(self) -> None:
        """Take nothing more; what is in hand is acknowledged on it still."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=FINISH_SECONDS)
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)
        await self._socket.close()
        self._ended(self)

    async def _receive(self) -> Json | None:
        """The next object; None where there is no connection any more."""
        while True:
            message = await self._socket.receive()
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED}:
                return None
            if message.type == WSMsgType.ERROR:
                return None
            if message.type != WSMsgType.TEXT:
                continue
            try:
                given = json.loads(message.data)
            except ValueError:
                continue
            if isinstance(given, dict):
                return given

    async def _read(self) -> None:
        try:
            while (given := await self._receive()) is not None:
                if given.get("type") == "disconnect":
                    log.info("slack_socket_refreshed", reason=given.get("reason"))
                    # It may still bring payloads until the next one stands.
                    self._over.set()
                elif given.get("envelope_id"):
                    task = asyncio.create_task(self._deal_with(given))
                    self._in_hand.add(task)
                    task.add_done_callback(self._in_hand.discard)
            self.is_lost = not self._over.is_set()
        finally:
            self._over.set()

    async def _deal_with(self, envelope: Json) -> None:
        payload = envelope.get("payload")
        headers: dict[str, str | Sequence[str]] = {}
        if envelope.get("retry_attempt"):
            headers["x-slack-retry-num"] = str(envelope["retry_attempt"])
            headers["x-slack-retry-reason"] = str(envelope.get("retry_reason") or "")
        answer = await self._app.async_dispatch(
            AsyncBoltRequest(
                mode="socket_mode",
                body=payload if isinstance(payload, dict) else {},
                headers=headers,
            )
        )
        if answer.status != 200:
            # Not acknowledged: Slack delivers it again.
            log.info("slack_not_acknowledged", status=answer.status)
            return
        response: Json = {"envelope_id": envelope["envelope_id"]}
        if answer.body:
            kind = (answer.headers.get("content-type") or [""])[0]
            is_json = kind.startswith("application/json")
            response["payload"] = json.loads(answer.body) if is_json else {"text": answer.body}
        try:
            await self._socket.send_json(response)
        except (ConnectionError, aiohttp.ClientError) as error:
            log.info("slack_not_acknowledged", reason=str(error))
