"""The proxy over real sockets: what it passes on, what it refuses, what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.egress import proxy as module
from sandbox.egress.heads import BadHead, parse_head
from sandbox.egress.proxy import Attempt, EgressProxy
from sandbox.egress.rules import EgressRules

TOKEN = "token-of-the-run"
NAMES = {
    "good.example": "203.0.113.1",
    "other.example": "203.0.113.2",
    "inside.example": "10.0.0.1",
}


@dataclass
class House:
    """A proxy, and a server that stands for every public address."""

    path: Path
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    told: list[Attempt] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)
    """What the resolver says, call by call; then by NAMES."""

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(str(self.path / "egress.sock"))
        writer.write(f"THREADSMITH {TOKEN}\r\n".encode())
        return reader, writer

    async def ask(self, data: bytes, *, seconds: float = 10.0) -> bytes:
        reader, writer = await self.open()
        writer.write(data)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()

    async def until_told(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.told) < count:
                await asyncio.sleep(0.01)


Make = Callable[..., Awaitable[House]]


@pytest.fixture
async def make_house(tmp_path: Path) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def make(*words: str, **options: Any) -> House:
            house = House(tmp_path)

            async def answer(request: web.Request) -> web.Response:
                body = await request.read()
                house.seen.append((request.method, request.raw_path, dict(request.headers), body))
                return web.Response(text="hello", headers={"X-Kept": "1"})

            server = web.AppRunner(web.Application(), access_log=None)
            server.app.router.add_route("*", "/{path:.*}", answer)
            await server.setup()
            stack.push_async_callback(server.cleanup)
            site = web.TCPSite(server, "127.0.0.1", 0)
            await site.start()
            port = server.addresses[0][1]

            async def resolver(host: str, _: int) -> list[str]:
                if house.answers:
                    return house.answers.pop(0)
                if host in NAMES:
                    return [NAMES[host]]
                raise OSError("no such name")

            async def dial(address: str, wanted: int) -> Any:
                house.dialled.append((address, wanted))
                return await asyncio.open_connection("127.0.0.1", port)

            async def report(attempt: Attempt) -> None:
                house.told.append(attempt)

            proxy = EgressProxy(
                EgressRules.parse(words),
                token=TOKEN,
                report=report,
                **{"resolver": resolver, "dial": dial, **options},
            )
            await proxy.open(tmp_path)
            stack.push_async_callback(proxy.close)
            return house

        yield make


async def test_a_plain_request_is_passed_on_and_told(make_house: Make) -> None:
    house = await make_house("good.example")
    answer = await house.ask(
        b"POST http://good.example/a?b=c HTTP/1.1\r\nHost: evil.example\r\nX-One: 1\r\n"
        b"Proxy-Authorization: Basic secret\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
        b"User-Agent: tool/1\r\nContent-Length: 4\r\n\r\nbody"
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"X-Kept: 1" in answer
    assert answer.endswith(b"hello")
    [(method, path, headers, body)] = house.seen
    assert (method, path, body) == ("POST", "/a?b=c", b"body")
    assert (headers["Host"], headers["X-One"]) == ("good.example", "1")
    assert not {"Proxy-Authorization", "X-Hop"} & set(headers)
    await house.until_told(1)
    [told] = house.told
    assert (told.host, told.port, told.method, told.verdict) == (
        "good.example",
        80,
        "POST",
        "allowed",
    )
    assert told.program == "tool/1"
    assert told.sent > 4
    assert told.received == len(answer)
    assert house.dialled == [("203.0.113.1", 80)]


async def test_a_body_in_chunks_arrives(make_house: Make) -> None:
    house = await make_house("all")
    answer = await house.ask(
        b"PUT http://good.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert house.seen[0][3] == b"abcde"


async def test_a_second_request_on_the_line_is_not_passed_on(make_house: Make) -> None:
    house = await make_house("GET good.example")
    one = b"GET http://good.example/1 HTTP/1.1\r\n\r\n"
    two = b"POST http://good.example/2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    await house.ask(one + two)
    assert [(method, path) for method, path, *_ in house.seen] == [("GET", "/1")]


async def test_a_tunnel_carries_both_ways(make_house: Make) -> None:
    house = await make_house("good.example")
    reader, writer = await house.open()
    writer.write(b"CONNECT good.example:443 HTTP/1.1\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /inner HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await house.until_told(1)
    told = house.told[0]
    assert (told.method, told.port, told.verdict) == ("CONNECT", 443, "allowed")
    assert told.sent > 0
    assert told.received > 0


@pytest.mark.parametrize(
    "target", ["other.example:443", "good.example:22", "inside.example:443", "127.0.0.1:80"]
)
async def test_refusals_come_with_a_reason_and_are_told_first(
    make_house: Make, target: str
) -> None:
    house = await make_house("good.example", "inside.example")
    answer = await house.ask(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert target.partition(":")[0].encode() in answer
    [told] = house.told
    assert told.verdict == "refused"
    assert told.reason
    assert house.dialled == []


async def test_a_name_that_moves_is_dialled_where_it_was_checked(make_house: Make) -> None:
    """Rebinding: public at the first look, private at any other."""
    house = await make_house("all")
    house.answers = [["203.0.113.9"], ["127.0.0.1"], ["127.0.0.1"]]
    await house.ask(b"GET http://moves.example/ HTTP/1.1\r\n\r\n")
    assert house.dialled == [("203.0.113.9", 80)]
    answer = await house.ask(b"GET http://moves.example/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert len(house.dialled) == 1


async def test_a_host_of_ones_own_may_be_private(make_house: Make) -> None:
    house = await make_house("all", private_hosts=["inside.example"])
    answer = await house.ask(b"GET http://inside.example/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_what_cannot_be_reached_is_a_failure(make_house: Make) -> None:
    async def dial(_: str, __: int) -> Any:
        raise ConnectionRefusedError("nobody there")

    house = await make_house("all", dial=dial)
    answer = await house.ask(b"GET http://good.example/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    answer = await house.ask(b"GET http://unknown.example/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    assert [told.verdict for told in house.told] == ["failed", "failed"]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET https://good.example/ HTTP/1.1\r\n\r\n",
        b"GET ftp://good.example/ HTTP/1.1\r\n\r\n",
        b"GET http://user@good.example/ HTTP/1.1\r\n\r\n",
        b"GET http://good.example:99999/ HTTP/1.1\r\n\r\n",
        b"GET http://good.example/ HTTP/2.0\r\n\r\n",
        b"GET http://good.example/a b HTTP/1.1\r\n\r\n",
        b"get http://good.example/ HTTP/1.1\r\n\r\n",
        b"GET http://good.example/ HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        b"GET http://good.example/ HTTP/1.1\r\nX : a\r\n\r\n",
        b"GET http://good.example/ HTTP/1.1\r\nX: a\nY: b\r\n\r\n",
        b"GET http://good.example/ HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"POST http://good.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST http://good.example/ HTTP/1.1\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"POST http://good.example/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST http://good.example/ HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
        b"GET http://good.example/ HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"CONNECT good.example HTTP/1.1\r\n\r\n",
        b"CONNECT good.example:0 HTTP/1.1\r\n\r\n",
        b"CONNECT good.example:443@evil.example:443 HTTP/1.1\r\n\r\n",
        b"CONNECT [::1%25lo]:443 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
)
async def test_requests_that_two_readers_could_take_differently(
    make_house: Make, data: bytes
) -> None:
    house = await make_house("all")
    answer = await house.ask(data)
    assert answer.startswith(b"HTTP/1.1 400")
    assert house.dialled == []


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"-1\r\n", b"fffffffff\r\n"]
)
async def test_a_body_whose_chunks_make_no_sense(make_house: Make, body: bytes) -> None:
    house = await make_house("all")
    head = b"POST http://good.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await house.ask(head + body)
    assert answer.startswith(b"HTTP/1.1 400")
    assert house.seen == []


@pytest.mark.parametrize(
    "preamble",
    [b"", b"THREADSMITH x\r\n", b"GET http://good.example/ HTTP/1.1\r\n\r\n", b"\n" * 99],
)
async def test_without_the_run_s_token_nothing_is_said(make_house: Make, preamble: bytes) -> None:
    house = await make_house("all")
    reader, writer = await asyncio.open_unix_connection(str(house.path / "egress.sock"))
    writer.write(preamble + b"GET http://good.example/ HTTP/1.1\r\n\r\n")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert (house.dialled, house.told) == ([], [])


async def test_the_slow_are_hung_up_on(make_house: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.2)
    house = await make_house("all")
    assert await house.ask(b"GET http://good.example/ HTTP/1.1\r\nX: ") == b""
    assert (await house.ask(b"GET http://good.example/ HTTP/1.1\r\n\r\n"))[:12] == b"HTTP/1.1 200"


async def test_a_head_without_end(make_house: Make) -> None:
    house = await make_house("all")
    assert await house.ask(b"GET http://good.example/ HTTP/1.1\r\nX: " + b"y" * 200_000) == b""


async def test_connections_have_a_ceiling(
    make_house: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 5)
    house = await make_house("all")
    lines = [await house.open() for _ in range(8)]
    await asyncio.sleep(0.1)
    assert sum(reader.at_eof() or reader.exception() is not None for reader, _ in lines) == 3
    for _, writer in lines:
        writer.transport.abort()


async def test_closing_ends_every_tunnel(tmp_path: Path, make_house: Make) -> None:
    house = await make_house("all")
    reader, writer = await house.open()
    writer.write(b"CONNECT good.example:443 HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert (tmp_path / "egress.sock").exists()
    writer.transport.abort()


async def test_the_host_s_own_proxy_is_the_way(make_house: Make) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if b"good.example" in asked[-1]:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 407 Who are you\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    house = await make_house(
        "all", upstream=f"http://me:pass%40word@127.0.0.1:{port}", dial=asyncio.open_connection
    )
    answer = await house.ask(b"GET http://good.example/x HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")
    assert asked[0].startswith(b"CONNECT good.example:80 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFzc0B3b3Jk\r\n" in asked[0]
    assert asked[1].startswith(b"GET /x HTTP/1.1\r\nHost: good.example\r\n")
    assert b"Proxy-Authorization" not in asked[1]
    # Names that only the proxy knows are handed to it; what is private here is not.
    assert b"502" in (await house.ask(b"GET http://hidden.example/ HTTP/1.1\r\n\r\n"))[:12]
    assert b"403" in (await house.ask(b"GET http://inside.example/ HTTP/1.1\r\n\r\n"))[:12]
    server.close()


async def test_many_at_a_time(make_house: Make) -> None:
    house = await make_house("all")
    request = b"GET http://good.example/ HTTP/1.1\r\n\r\n"
    answers = await asyncio.gather(*(house.ask(request) for _ in range(60)))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    await house.until_told(60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_head_is_understood_or_refused(data: bytes) -> None:
    try:
        head = parse_head(data + b"\r\n\r\n")
    except BadHead:
        return
    assert head.host
    assert b"\r\n\r\n" not in head.to_wire()[:-4]


async def test_a_client_library_goes_through(make_house: Make) -> None:
    """The forwarder's side is tried in containers; this is the plain protocol by another's hand."""
    house = await make_house("all")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await house.open()
        inner_writer.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await inner_reader.read())
        writer.close()
        inner_writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        aiohttp.ClientSession() as client,
        client.get("http://good.example/", proxy=f"http://127.0.0.1:{port}") as response,
    ):
        assert await response.text() == "hello"
    server.close()
