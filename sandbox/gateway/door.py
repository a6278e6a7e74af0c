"""The only door between a run's container and the host: an HTTP site on a Unix socket.

The socket lies in a directory that is mounted into the container, so that a host that was
restarted can lay a new one in its place; the token in the journal stays the same.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.gateway.journal import Journal
from sandbox.gateway.routes import Routes
from sandbox.gateway.wall import make_wall
from sandbox.spec import GATEWAY_SOCKET
from sandbox.unix_socket import bind_unix

SOCKET_NAME: Final = Path(GATEWAY_SOCKET).name
MAX_CONNECTIONS: Final = 64
"""Open at a time: a container must not use up the file descriptors of the host's process."""
IDLE_SECONDS: Final = 75
CLOSE_SECONDS: Final = 2.0


class Door:
    """One run's gateway while it is open."""

    def __init__(self, run_id: str, journal: Journal, routes: Routes) -> None:
        self.directory = journal.directory / "gateway"
        """What the container is shown; nothing but the socket lies in it."""
        self.journal = journal
        self.routes = routes
        application = web.Application(middlewares=[make_wall(run_id, journal.entry.token)])
        routes.add_to(application)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            auto_decompress=False,
            handler_cancellation=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=1.0,
            shutdown_timeout=CLOSE_SECONDS,
        )
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; a socket that an earlier process left is replaced."""
        await self._runner.setup()
        # At once: what is cancelled in between would leave the socket open.
        bound = bind_unix(self.directory, SOCKET_NAME)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._accept, sock=bound, start_serving=False)
        try:
            await self._server.start_serving()
        except BaseException:
            self._server.close()
            raise

    async def close(self) -> None:
        """Stop listening, let requests that are being answered end, and drop the rest."""
        if self._server is not None:
            self._server.close()
        await self.routes.close()
        await self._runner.cleanup()

    def _accept(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= MAX_CONNECTIONS:
            return _Refusing()
        return server()


class _Refusing(asyncio.Protocol):
    """Hangs up at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.abort()  # type: ignore[attr-defined]
