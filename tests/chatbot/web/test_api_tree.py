"""The changed tree over the HTTP API."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from sandbox.sources.archive import import_zip
from sandbox.spec import Tree
from tests.chatbot.history.lives import Life
from tests.chatbot.history.test_export_tree import begin, patch_to
from tests.chatbot.web.conftest import Site
from tests.chatbot.web.test_api import get


@pytest.fixture
async def tree(tmp_path: Path) -> Tree:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "one\n")
    return await import_zip(tmp_path / "x.zip", directory=tmp_path / "archives", name="x.zip")


async def test_the_zip_is_sent_whole(site: Site, tree: Tree) -> None:
    life = await begin(site.actions, tree, patch_to("two"))
    links = (await get(site, f"/tasks/{life.task_id}"))["links"]
    path = f"/tasks/{life.task_id}/tree.zip"
    assert links["tree"].endswith(path)
    async with site.client.get(path, headers=site.bearer) as response:
        assert (response.status, response.content_type) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(await response.read())) as archive:
            assert archive.read("a.txt") == b"two\n"
    async with site.client.get(path) as response:
        assert response.status == 401


async def test_a_repository_has_no_tree(site: Site) -> None:
    life = await Life.begin(site.actions)
    await life.to_ready()
    path = f"/tasks/{life.task_id}"
    assert (await get(site, path))["links"]["tree"] is None
    answer = await get(site, f"{path}/tree.zip", 404)
    assert "on an archive" in answer["error"]["brief"]


async def test_an_archive_that_is_gone_is_said(site: Site, tree: Tree) -> None:
    life = await begin(site.actions, tree, patch_to("two"))
    shutil.rmtree(tree.mirror)
    async with site.client.get(f"/tasks/{life.task_id}/tree.zip", headers=site.bearer) as response:
        assert response.status >= 400
        assert "could not be packed" in (await response.json())["error"]["brief"]
