"""Archives sent as forms: kept once, whole, and only where a task came of it."""

from __future__ import annotations

import asyncio
import io
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from chatbot.history import queries
from chatbot.models import Source
from tests.chatbot.web.conftest import Site
from tests.chatbot.web.test_api import ASK, stored


def make_zip(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in (files or {"main.py": "print(1)"}).items():
            archive.writestr(name, text)
    return buffer.getvalue()


def uploads(site: Site) -> list[Path]:
    place = site.settings.data.directory / "uploads"
    return [path for path in place.rglob("*") if path.is_file()] if place.exists() else []


def make_form(archive: bytes | None = None, name: str = "shop.zip", **fields: str) -> FormData:
    form = FormData(default_to_multipart=True)
    for field, value in fields.items():
        form.add_field(field, value if len(value) < 10**6 else io.StringIO(value))
    if archive is not None:
        form.add_field(
            "archive", io.BytesIO(archive), filename=name, content_type="application/zip"
        )
    return form


async def send(site: Site, form: FormData, status: int = 201, key: str = "") -> Any:
    headers = site.bearer | ({"Idempotency-Key": key} if key else {})
    async with site.client.post("/tasks", data=form, headers=headers) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def test_archive_becomes_a_task(site: Site) -> None:
    data = make_zip()
    answer = await send(site, make_form(data, "../../My shop.ZIP", task="explain", mode="explain"))
    task = await stored(site, answer["id"])
    (path,) = uploads(site)
    assert task.source == Source(kind="zip", repository="My-shop.zip", path=str(path))
    assert (path.name, path.read_bytes(), task.mode) == ("My-shop.zip", data, "explain")
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_form_without_an_archive_is_like_json(site: Site) -> None:
    answer = await send(site, make_form(None, **ASK))
    assert answer["repository"] == "demo/shop"


async def test_archive_with_a_known_key_is_not_kept_twice(site: Site) -> None:
    first = await send(site, make_form(make_zip(), task="x"), key="k")
    again = await send(site, make_form(make_zip(), task="x"), key="k")
    assert again["id"] == first["id"]
    assert [str(path) for path in uploads(site)] == [(await stored(site, first["id"])).source.path]


@pytest.mark.parametrize(
    ("form", "status", "brief"),
    [
        (partial(make_form, b"no zip at all", task="x"), 400, "not a zip file"),
        (partial(make_form, make_zip(a="x" * 2**21), task="x"), 413, "larger than 1 MiB"),
        (partial(make_form, make_zip()), 400, "`task`: field required"),
        (partial(make_form, make_zip(), **ASK), 400, "Both an archive and a repository"),
        (partial(make_form, make_zip(), task="x", ref="main"), 400, "Both an archive"),
        (partial(make_form, make_zip(), task="x", colour="red"), 400, "`colour` is not known"),
        (partial(make_form, None, task="x" * 2**20), 413, "`task` is too large"),
        (partial(make_form, None, task="x"), 400, "No repository"),
    ],
)
async def test_bad_form_is_explained_and_leaves_nothing(
    site: Site, form: partial[FormData], status: int, brief: str
) -> None:
    answer = await send(site, form(), status)
    assert brief in answer["error"]["brief"]
    assert uploads(site) == []
    assert await site.history.read(queries.list_tasks) == []


@pytest.mark.parametrize("name", ["task", "archive"])
async def test_field_given_twice_is_refused(site: Site, name: str) -> None:
    form = make_form(make_zip(), task="x")
    form.add_field(name, "again", filename="again.zip" if name == "archive" else None)
    answer = await send(site, form, 400)
    assert f"`{name}` twice" in answer["error"]["brief"]
    assert uploads(site) == []


async def test_upload_that_breaks_off_leaves_nothing(site: Site) -> None:
    head = (
        "POST /tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-api-token\r\n"
        "Content-Type: multipart/form-data; boundary=y\r\nContent-Length: 100000\r\n\r\n"
        '--y\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n\r\nPK'
    )
    server = site.client.server
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(head.encode() + b"x" * 5000)
    await writer.drain()
    async with asyncio.timeout(60):
        while not uploads(site):
            await asyncio.sleep(0.01)
        writer.close()
        while uploads(site):
            await asyncio.sleep(0.01)
    await writer.wait_closed()
