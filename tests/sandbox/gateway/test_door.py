"""The door itself: tokens, long paths, restarts, slow and greedy callers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from sandbox.gateway import bodies, routes, wall
from sandbox.gateway.door import MAX_CONNECTIONS
from sandbox.gateway.journal import Entry, Journal
from tests.sandbox.gateway.conftest import House, Open
from tests.sandbox.memory_recorder import MemoryRecorder


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer x", "Basic x", "Bearer é"])
async def test_without_the_token_nobody_comes_in(open_house: Open, header: str | None) -> None:
    house = await open_house()
    headers = {} if header is None else {"Authorization": header}
    connector = aiohttp.UnixConnector(str(house.door.directory / "gateway.sock"))
    async with aiohttp.ClientSession(connector=connector, headers=headers) as stranger:
        for path in ("/run", "/nowhere"):
            async with stranger.get(f"http://gateway{path}") as response:
                assert response.status == 401
                body = await response.json()
    assert body == {"error": {"code": "unauthorized", "brief": "The token is not this run's."}}


async def test_the_token_of_another_run_is_none(open_house: Open) -> None:
    house = await open_house(name="r_1")
    other = await open_house(name="r_2")
    token = other.door.journal.entry.token
    status, _ = await house.call("GET", "/run", headers={"Authorization": f"Bearer {token}"})
    assert status == 401


async def test_each_phase_has_a_token_of_its_own(tmp_path: Path) -> None:
    setup = await Journal.begin(tmp_path, Entry(phase="setup", started_at=0))
    agent = await Journal.begin(tmp_path, Entry(phase="agent", started_at=0))
    assert setup.entry.token != agent.entry.token
    assert agent.entry.token not in repr(agent.entry)


async def test_a_restarted_host_takes_up_where_it_was(open_house: Open) -> None:
    house = await open_house()
    note = {"id": 1, "kind": "note", "text": "one"}
    await house.call("POST", "/events", json={"events": [note]})
    await house.door.close()
    found = await Journal.find(house.door.directory.parent)
    assert found is not None
    assert found.entry == house.door.journal.entry
    again = await open_house(journal=found)  # over the socket that was left behind
    assert await again.call("POST", "/events", json={"events": [note]}) == (200, {"last": 1})
    assert again.recorder.events == []
    await house.call("GET", "/run")  # the first client dials the same path


async def test_an_outcome_survives_the_restart(open_house: Open) -> None:
    house = await open_house()
    await house.call("PUT", "/outcome", json={"kind": "finished", "title": "T"})
    await house.door.close()
    found = await Journal.find(house.door.directory.parent)
    again = await open_house(journal=found)
    assert again.door.routes.ended.is_set()
    assert again.door.routes.claim == house.door.routes.claim


@pytest.mark.parametrize("text", ["", "{", "[]", '{"odd": 1}'])
async def test_a_journal_that_is_none(tmp_path: Path, text: str) -> None:
    assert await Journal.find(tmp_path) is None
    (tmp_path / "journal.json").write_text(text)
    assert await Journal.find(tmp_path) is None


async def test_paths_longer_than_an_address(
    open_house: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "r_" + "x" * 120
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / "short").symlink_to(tmp_path / name / "gateway")
    house = await open_house(name=name)
    assert len(str(house.door.directory)) > 107
    connector = aiohttp.UnixConnector("short/gateway.sock")
    headers = {"Authorization": f"Bearer {house.door.journal.entry.token}"}
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as client,
        client.get("http://gateway/run") as response,
    ):
        assert response.status == 200


async def _raw(house: House, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    path = str(house.door.directory / "gateway.sock")
    reader, writer = await asyncio.open_unix_connection(path)
    token = house.door.journal.entry.token
    writer.write(f"{head}\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode())
    return reader, writer


async def test_a_slow_body_is_given_up(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async def impatient(request: aiohttp.web.Request, *, limit_bytes: int) -> bytes:
        return await bodies.read_body(request, limit_bytes=limit_bytes, seconds=0.05)

    monkeypatch.setattr(routes, "read_body", impatient)
    house = await open_house()
    reader, writer = await _raw(house, "POST /events HTTP/1.1")
    writer.write(b"Content-Length: 100\r\n\r\n{")
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_body_without_a_length_is_held_to_the_limit(open_house: Open) -> None:
    house = await open_house()

    async def endless() -> aiohttp.typedefs.AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    try:
        status, _ = await house.call("POST", "/events", data=endless())
    except aiohttp.ClientError:
        status = 413  # hung up while we were still sending
    assert status == 413
    assert (await house.call("GET", "/run"))[0] == 200


async def test_compressed_bodies_are_refused(open_house: Open) -> None:
    house = await open_house()
    status, body = await house.call(
        "POST", "/events", data=b"x", headers={"Content-Encoding": "gzip"}
    )
    assert (status, body["error"]["code"]) == (400, "bad_request")


async def test_connections_are_counted(open_house: Open) -> None:
    house = await open_house()
    path = str(house.door.directory / "gateway.sock")
    pairs = [await asyncio.open_unix_connection(path) for _ in range(MAX_CONNECTIONS + 8)]
    ended = [asyncio.create_task(reader.read()) for reader, _ in pairs]
    done, _ = await asyncio.wait(ended, timeout=0.5)
    assert len(done) == 8
    for _, writer in pairs:
        writer.close()
    await asyncio.gather(*ended)
    await asyncio.sleep(0.05)
    assert (await house.call("GET", "/run"))[0] == 200


async def test_requests_at_a_time_are_counted(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "MAX_REQUESTS", 2)
    house = await open_house()
    waiting = [asyncio.create_task(house.call("GET", "/inbox?wait=20")) for _ in range(2)]
    await asyncio.sleep(0.05)
    status, body = await house.call("GET", "/run")
    assert (status, body["error"]["code"]) == (429, "busy")
    await house.door.close()
    assert [status for status, _ in await asyncio.gather(*waiting)] == [503, 503]


async def test_garbage_on_the_socket(open_house: Open) -> None:
    house = await open_house()
    reader, writer = await _raw(house, "\x00\x01 nonsense")
    writer.write(b"\r\n\r\n")
    await reader.read()
    writer.close()
    assert (await house.call("GET", "/run"))[0] == 200


class BrokenRecorder(MemoryRecorder):
    async def event(self, kind: str, payload: dict[str, object]) -> None:
        raise RuntimeError("disk full at /secret/place")


async def test_a_fault_of_ours_is_named_without_its_details(open_house: Open) -> None:
    house = await open_house(recorder=BrokenRecorder())
    note = {"id": 1, "kind": "note", "text": "one"}
    assert await house.call("POST", "/events", json={"events": [note]}) == (
        500,
        {"error": {"code": "internal", "brief": "Something broke on the host."}},
    )
