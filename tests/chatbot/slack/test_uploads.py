"""Archives that people attach, fetched from a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chatbot.slack.incoming import Attachment
from chatbot.slack.uploads import GivenRefused, Uploads
from sandbox.errors import ArchiveRefused

DATA = b"PK" + b"x" * 500_000


class Files:
    """A file store that remembers who asked with what."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str | None]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization")))
        match request.path:
            case "/login":
                return web.Response(text="<html>", content_type="text/html")
            case "/moved":
                return web.Response(status=302, headers={"Location": f"{self.url}/a.zip"})
            case _:
                return web.Response(body=DATA, content_type="application/zip")


@asynccontextmanager
async def serve(directory: Path, *, limit: int = 10**6) -> AsyncIterator[tuple[Files, Uploads]]:
    files = Files()
    app = web.Application()
    app.router.add_get("/{name}", files.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        yield (
            files,
            Uploads(
                session,
                token=lambda: "xoxb-1",
                api_url=f"{files.url}/api/",
                proxy=None,
                directory=directory,
                limit_bytes=limit,
            ),
        )
    await runner.cleanup()


def attach(url: str, *, name: str = "shop.zip", size: int = 3, is_zip: bool = True) -> Attachment:
    return Attachment(name=name, url=url, size=size, is_zip=is_zip)


async def test_an_archive_is_stored_under_its_name(tmp_path: Path) -> None:
    async with serve(tmp_path) as (files, uploads):
        named = attach(f"{files.url}/a.zip", name="../my shop (2).ZIP")
        picture = attach(f"{files.url}/a.png", is_zip=False)
        path = await uploads.find_archive((picture, named))
    assert path is not None
    assert path.name == "my-shop-2.zip"
    assert path.parent.parent == tmp_path
    assert path.read_bytes() == DATA
    assert files.asked == [("/a.zip", "Bearer xoxb-1")]


async def test_without_an_archive_nothing_is_fetched(tmp_path: Path) -> None:
    async with serve(tmp_path) as (files, uploads):
        assert await uploads.find_archive((attach(f"{files.url}/a.png", is_zip=False),)) is None
    assert files.asked == []


async def test_too_large_is_refused_by_what_it_says_and_by_what_it_is(tmp_path: Path) -> None:
    async with serve(tmp_path, limit=2**18) as (files, uploads):
        for size in (2**20, 3):
            with pytest.raises(ArchiveRefused, match="larger than"):
                await uploads.find_archive((attach(f"{files.url}/a.zip", size=size),))
    assert len(files.asked) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["login", "moved"])
async def test_anything_but_the_file_is_refused(tmp_path: Path, place: str) -> None:
    async with serve(tmp_path) as (files, uploads):
        with pytest.raises(ArchiveRefused, match="did not hand out"):
            await uploads.find_archive((attach(f"{files.url}/{place}"),))
    assert [path for path, _ in files.asked] == [f"/{place}"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://files.slack.com/a.zip",
        "https://files.slack.com.evil.example/a.zip",
        "https://evil.example/a.zip",
        "file:///etc/passwd",
    ],
)
async def test_the_token_goes_to_slack_alone(tmp_path: Path, url: str) -> None:
    async with serve(tmp_path) as (_, uploads):
        with pytest.raises(ArchiveRefused, match="not stored in Slack"):
            await uploads.find_archive((attach(url),))


async def test_other_files_are_read_under_the_same_rules(tmp_path: Path) -> None:
    async with serve(tmp_path) as (files, uploads):
        assert await uploads.read(f"{files.url}/a.log", limit_bytes=10**6) == DATA
        for place, said in (("login", "hand it out"), ("moved", "hand it out"), ("a", "larger")):
            with pytest.raises(GivenRefused, match=said):
                await uploads.read(f"{files.url}/{place}", limit_bytes=2**18)
        page = await uploads.read(f"{files.url}/login", limit_bytes=99, is_page=True)
        assert page == b"<html>"
        with pytest.raises(GivenRefused, match="not stored in Slack"):
            await uploads.read("https://evil.example/a", limit_bytes=9)
    assert list(tmp_path.iterdir()) == []


async def test_one_archive_is_enough(tmp_path: Path) -> None:
    async with serve(tmp_path) as (files, uploads):
        with pytest.raises(ArchiveRefused, match="Several"):
            await uploads.find_archive((attach(f"{files.url}/a"), attach(f"{files.url}/b")))
