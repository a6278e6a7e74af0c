"""The story as server-sent events: complete, in order, from where the reader stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse

from chatbot.history.store import History
from chatbot.story import describe
from chatbot.web import stream
from tests.chatbot.history.lives import Life
from tests.chatbot.web.conftest import Site


@asynccontextmanager
async def streaming(
    site: Site, life: Life, query: str = "", **headers: str
) -> AsyncIterator[ClientResponse]:
    async with site.client.get(f"{await site.page(life)}/stream{query}", headers=headers) as opened:
        assert opened.status == 200
        assert opened.content_type == "text/event-stream"
        assert opened.headers["Cache-Control"] == "no-store"
        assert await opened.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        yield opened


async def take(opened: ClientResponse, count: int) -> list[dict[str, Any]]:
    """That many events; each has its number as its id."""
    events = []
    async with asyncio.timeout(60):
        while len(events) < count:
            block = (await opened.content.readuntil(b"\n\n")).decode().strip()
            if block == ":":
                continue
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            data = json.loads(fields["data"])
            assert fields["event"] == "story"
            assert fields["id"] == str(data["seq"])
            events.append(data)
    return events


async def test_stream_tells_what_was_and_what_comes(site: Site) -> None:
    life = await Life.begin(site.actions)
    async with streaming(site, life) as opened:
        before = await take(opened, 2)
        await life.work()
        await life.tell("note", text="line\none and \u2028 two")
        after = await take(opened, 4)
    assert [*before, *after] == [
        {"seq": event.seq, "at": event.at, "kind": event.kind, "text": describe(event)}
        for event in await life.events()
    ]


@pytest.mark.parametrize(
    ("query", "headers"), [("?after=2", {}), ("?after=1", {"Last-Event-ID": "2"})]
)
async def test_stream_goes_on_where_the_reader_stopped(
    site: Site, query: str, headers: dict[str, str]
) -> None:
    life = await Life.begin(site.actions)
    await life.work()
    async with streaming(site, life, query, **headers) as opened:
        assert [event["seq"] for event in await take(opened, 3)] == [3, 4, 5]


async def test_stream_tells_of_its_task_only(site: Site) -> None:
    life, other = await Life.begin(site.actions), await Life.begin(site.actions)
    async with streaming(site, life, "?after=2") as opened:
        await other.tell("note", text="not for you")
        await life.tell("note", text="for you")
        assert [event["text"] for event in await take(opened, 1)] == ["for you"]


async def test_stream_does_not_wait_for_a_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is woken by the write: no interval of any length stands in between."""
    changed = History.changed

    async def wait_long(history: History, since: int) -> None:
        await changed(history, since, timeout_seconds=3600)

    monkeypatch.setattr(History, "changed", wait_long)
    life = await Life.begin(site.actions)
    async with streaming(site, life, "?after=2") as opened:
        await asyncio.sleep(0.05)
        await life.tell("note", text="now")
        assert len(await take(opened, 1)) == 1


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣", "9" * 30])
async def test_bad_number_is_refused(site: Site, number: str) -> None:
    life = await Life.begin(site.actions)
    path = f"{await site.page(life)}/stream"
    async with site.client.get(path, params={"after": number}) as response:
        assert response.status == 400


async def test_silent_stream_gives_signs_of_life(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.0)
    life = await Life.begin(site.actions)
    async with streaming(site, life, "?after=2") as opened, asyncio.timeout(60):
        assert await opened.content.readuntil(b"\n\n") == b":\n\n"


async def test_too_many_streams_are_turned_away_and_places_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_STREAMS", 1)
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.0)
    life = await Life.begin(site.actions)
    path = f"{await site.page(life)}/stream"
    async with streaming(site, life), site.client.get(path) as refused:
        assert refused.status == 503
        assert refused.headers["Retry-After"] == "5"
    async with asyncio.timeout(60):
        while True:
            async with site.client.get(path) as again:
                if again.status == 200:
                    break
            await asyncio.sleep(0.02)


async def test_open_streams_end_with_the_program(site: Site) -> None:
    life = await Life.begin(site.actions)
    async with streaming(site, life, "?after=2") as opened:
        async with asyncio.timeout(60):
            closing = asyncio.create_task(site.client.server.close())
            try:
                rest = await opened.content.read()
            except ClientPayloadError:
                rest = b""
            await closing
    assert rest == b""
