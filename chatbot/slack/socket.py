"""The Socket Mode connection, with an end that loses nothing."""

from __future__ import annotations

import asyncio

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

CONNECT_SECONDS = 30.0
FINISH_SECONDS = 5.0
"""What was taken has this long to be stored and acknowledged when the program ends."""


class Socket:
    """Bolt's handler, and what it has in hand."""

    def __init__(self, handler: AsyncSocketModeHandler) -> None:
        self._handler = handler
        self._client = handler.client
        self._in_hand: set[asyncio.Task[None]] = set()
        self._client.socket_mode_request_listeners[:] = [self._handle]  # type: ignore[list-item]
        if not handler.client.web_client.proxy:
            self._client.proxy = None

    async def connect(self, url: str) -> None:
        """TimeoutError where Slack does not take us; the SDK would go on with the same address."""
        self._client.wss_uri = url
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._handler.connect_async()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Take nothing more, finish what was taken while the socket still carries it, close."""
        if self._client.message_receiver is not None:
            self._client.message_receiver.cancel()
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=FINISH_SECONDS)
        for task in self._in_hand:
            task.cancel()
        await self._handler.close_async()  # type: ignore[no-untyped-call]
        ended = (
            *self._in_hand,
            self._client.message_receiver,
            self._client.message_processor,
            self._client.current_session_monitor,
        )
        await asyncio.gather(*(task for task in ended if task), return_exceptions=True)

    async def _handle(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._in_hand.add(task)
        try:
            await self._handler.handle(client, request)
        finally:
            self._in_hand.discard(task)
