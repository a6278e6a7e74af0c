"""Bytes on their way between a container and a server, counted, never stalled for ever."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from sandbox.egress.heads import BadHead, Head

IDLE_SECONDS: Final = 300.0
_CHUNK: Final = 64 * 1024
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Counter:
    """What went each way."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0

    def send(self, count: int) -> None:
        self.sent += count

    def receive(self, count: int) -> None:
        self.received += count


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    """Carry everything until the reader's end."""
    while True:
        async with asyncio.timeout(IDLE_SECONDS):
            data = await reader.read(_CHUNK)
        if not data:
            return
        await _write(writer, data, count)


async def pump_both(client: Streams, server: Streams, counter: Counter) -> None:
    """Until one side has ended and the other has heard of it."""
    ways = [
        asyncio.create_task(_half(client[0], server[1], counter.send)),
        asyncio.create_task(_half(server[0], client[1], counter.receive)),
    ]
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def carry_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head, counter: Counter
) -> None:
    """The request's body and not a byte more: what follows it would be a request unseen."""
    if head.is_chunked:
        await _carry_chunks(reader, writer, counter)
        return
    await _carry_length(reader, writer, head.length, counter)


async def _carry_chunks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter
) -> None:
    while True:
        size = _SIZE.fullmatch((await _line(reader)).partition(b";")[0].strip())
        if size is None:
            raise BadHead("a chunk of the body makes no sense")
        length = int(size[0], 16)
        await _write(writer, b"%x\r\n" % length, counter.send)
        await _carry_length(reader, writer, length, counter)
        if length == 0:
            while await _line(reader):  # trailers are dropped
                pass
            await _write(writer, b"\r\n", counter.send)
            return
        if await _line(reader):
            raise BadHead("a chunk of the body is longer than it says")
        await _write(writer, b"\r\n", counter.send)


async def _carry_length(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int, counter: Counter
) -> None:
    while length > 0:
        async with asyncio.timeout(IDLE_SECONDS):
            data = await reader.read(min(_CHUNK, length))
        if not data:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(data)
        await _write(writer, data, counter.send)


async def _line(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(IDLE_SECONDS):
        line = await reader.readuntil(b"\r\n")
    if b"\n" in line[:-2] or len(line) > 8192:
        raise BadHead("a line of the body makes no sense")
    return line[:-2]


async def _write(writer: asyncio.StreamWriter, data: bytes, count: Callable[[int], None]) -> None:
    writer.write(data)
    async with asyncio.timeout(IDLE_SECONDS):
        await writer.drain()
    count(len(data))


async def _half(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    await pump(reader, writer, count)
    if writer.can_write_eof():
        writer.write_eof()
