"""The proxy of one phase: each request and tunnel is checked, dialled, carried and told."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import structlog

from sandbox.egress.addresses import NameUnknown, Resolver, check_public, resolve
from sandbox.egress.heads import MAX_HEAD_BYTES, BadHead, Head, parse_head
from sandbox.egress.relay import Counter, carry_body, pump, pump_both
from sandbox.egress.rules import EgressRules
from sandbox.egress.upstream import Upstream
from sandbox.errors import ThreadsmithError
from sandbox.unix_socket import bind_unix

log = structlog.get_logger(__name__)

SOCKET_NAME: Final = "egress.sock"
PREAMBLE: Final = "THREADSMITH"
MAX_CONNECTIONS: Final = 128
HEAD_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 20.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str, int], Awaitable[Streams]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request or tunnel, and what came of it."""

    host: str
    port: int
    method: str
    """`CONNECT` for a tunnel."""
    verdict: Literal["allowed", "refused", "failed"]
    reason: str = ""
    program: str = ""
    """What asked, by its own word."""
    sent: int = 0
    received: int = 0
    seconds: float = 0.0


class _Refused(Exception):
    """By the rules; answered with 403."""


class _Failed(Exception):
    """On the way; answered with 502 or 504."""

    def __init__(self, reason: str, status: str = "502 Bad Gateway") -> None:
        self.status = status
        super().__init__(reason)


class EgressProxy:
    """Serves one phase until it is closed."""

    def __init__(
        self,
        rules: EgressRules,
        *,
        token: str,
        report: Callable[[Attempt], Awaitable[None]],
        private_hosts: Collection[str] = (),
        upstream: str | None = None,
        resolver: Resolver = resolve,
        dial: Dial = asyncio.open_connection,
    ) -> None:
        """``upstream`` is the host's own proxy, where it has no other way out."""
        self._rules = rules
        self._preamble = f"{PREAMBLE} {token}\r\n".encode()
        self._report = report
        self._private_hosts = private_hosts
        self._upstream = Upstream.parse(upstream) if upstream else None
        self._resolver = resolver
        self._dial = dial
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def open(self, directory: Path) -> None:
        """Listen beside the gateway."""
        # At once: what is cancelled in between would leave the socket open.
        bound = bind_unix(directory, SOCKET_NAME)
        self._path = directory / SOCKET_NAME
        self._server = await asyncio.start_unix_server(
            self._accept, sock=bound, limit=MAX_HEAD_BYTES, start_serving=False
        )
        try:
            await self._server.start_serving()
        except BaseException:
            self._server.close()
            raise

    async def close(self) -> None:
        """End every request and tunnel; the next phase finds no socket."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the container hung up, or never said what it wanted
        except asyncio.CancelledError:
            pass  # closing
        finally:
            self._open.discard(task)
            writer.transport.abort() if writer.is_closing() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            given = await reader.readline()
            if not hmac.compare_digest(given, self._preamble):
                return
            data = await reader.readuntil(b"\r\n\r\n")
        try:
            head = parse_head(data)
        except BadHead as problem:
            await _answer(writer, "400 Bad Request", f"The request is not passed on: {problem}.")
            return
        counter, began = Counter(), time.monotonic()
        verdict: Literal["allowed", "refused", "failed"] = "allowed"
        reason = ""
        try:
            await self._carry(head, (reader, writer), counter)
        except _Refused as refusal:
            verdict, reason = "refused", str(refusal)
        except _Failed as failure:
            verdict, reason = "failed", str(failure)
            await self._tell(head, "failed", reason, counter, began)
            await _answer(writer, failure.status, f"{head.authority}: {reason}.")
            return
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            reason = f"cut off: {type(error).__name__}"
        finally:
            if verdict != "failed":
                await self._tell(head, verdict, reason, counter, began)
        if verdict == "refused":
            await _answer(
                writer,
                "403 Forbidden",
                f"Threadsmith refuses {head.method} to {head.authority}: {reason}.",
            )

    async def _carry(self, head: Head, client: Streams, counter: Counter) -> None:
        if not self._rules.allows(head.host, head.port, head.method):
            raise _Refused(self._rules.why_not(head.host, head.port, head.method))
        reader, writer = client
        server = await self._connect(head)
        try:
            if head.is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await pump_both(client, server, counter)
                return
            wire = head.to_wire()
            server[1].write(wire)
            counter.send(len(wire))
            await carry_body(reader, server[1], head, counter)
            await pump(server[0], writer, counter.receive)
        except BadHead as problem:
            raise _Failed(str(problem), "400 Bad Request") from problem
        finally:
            server[1].transport.abort()

    async def _connect(self, head: Head) -> Streams:
        addresses = await self._check(head)
        if self._upstream is not None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._upstream.connect(head, self._dial)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                raise _Failed(f"the host's own proxy does not answer ({error})") from error
        last: Exception | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    # The address that was checked: a second look at the name could differ.
                    return await self._dial(address, head.port)
            except TimeoutError as error:
                raise _Failed("no answer in time", "504 Gateway Timeout") from error
            except OSError as error:
                last = error
        raise _Failed(f"it cannot be reached ({last})") from last

    async def _check(self, head: Head) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await check_public(
                    head.host,
                    head.port,
                    private_hosts=self._private_hosts,
                    resolver=self._resolver,
                )
        except TimeoutError as error:
            raise _Failed("its name is not found in time", "504 Gateway Timeout") from error
        except NameUnknown as error:
            if self._upstream is not None:
                return ()  # names that only the proxy knows
            raise _Failed("its name leads nowhere") from error
        except ThreadsmithError as error:
            raise _Refused(error.brief.removesuffix(".").replace("`", "")) from error

    async def _tell(
        self,
        head: Head,
        verdict: Literal["allowed", "refused", "failed"],
        reason: str,
        counter: Counter,
        began: float,
    ) -> None:
        attempt = Attempt(
            host=head.host,
            port=head.port,
            method=head.method,
            verdict=verdict,
            reason=reason,
            program=head.agent,
            sent=counter.sent,
            received=counter.received,
            seconds=round(time.monotonic() - began, 3),
        )
        try:
            await self._report(attempt)
        except ThreadsmithError as error:
            log.warning("egress_untold", host=head.host, error=str(error))


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError):
        writer.write(head.encode("latin-1", "replace") + body)
        await writer.drain()
