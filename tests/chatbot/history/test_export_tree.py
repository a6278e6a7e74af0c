"""The changed tree of a task on an archive, beside its other files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from chatbot.actions import Actions
from chatbot.history.export import LogFiles
from chatbot.models import Source
from sandbox.sources.archive import import_zip
from sandbox.spec import Tree
from tests.chatbot.history.lives import PATCH, Life
from tests.chatbot.history.test_export import caught_up, writing
from tests.sandbox.trees import make_spec


def patch_to(word: str) -> bytes:
    return f"--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+{word}\n".encode()


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
async def tree(tmp_path: Path) -> Tree:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "one\n")
        archive.writestr("b.bin", b"\x00\xff")
    return await import_zip(tmp_path / "x.zip", directory=tmp_path / "archives", name="x.zip")


async def begin(actions: Actions, tree: Tree, patch: bytes) -> Life:
    life = await Life.begin(actions, source=Source(kind="zip", repository="x.zip", path="x.zip"))
    run = await life.prepare()
    await actions.record_spec(run.id, make_spec(tree).to_json() | {"patch": ""})
    await life.tell("container_started", phase="agent", image="i")
    await life.patch(patch)
    return life


async def test_export_has_the_tree(actions: Actions, tree: Tree, tmp_path: Path) -> None:
    life = await begin(actions, tree, patch_to("two"))
    folder = await LogFiles(actions.history, tmp_path / "logs").export(life.task_id)
    assert read(folder / "tree.zip") == {"a.txt": b"two\n", "b.bin": b"\x00\xff"}


async def test_it_follows_the_story(actions: Actions, tree: Tree, tmp_path: Path) -> None:
    target = tmp_path / "logs"
    async with writing(LogFiles(actions.history, target)):
        life = await begin(actions, tree, patch_to("two"))
        await caught_up(actions.history)
        target = target / life.task_id / "tree.zip"
        assert read(target)["a.txt"] == b"two\n"
        written = target.stat().st_mtime_ns
        await life.turn(0)
        await caught_up(actions.history)
        assert target.stat().st_mtime_ns == written
        await life.patch(patch_to("three"))
        await caught_up(actions.history)
        assert read(target)["a.txt"] == b"three\n"
        await life.patch(b"")
        await caught_up(actions.history)
        assert read(target)["a.txt"] == b"one\n"
    assert [each.name for each in target.parent.iterdir() if each.name.endswith(".tmp")] == []


async def test_an_archive_that_is_gone_keeps_nothing_else_from_the_files(
    actions: Actions, tree: Tree, tmp_path: Path
) -> None:
    life = await begin(actions, tree, patch_to("two"))
    shutil.rmtree(tree.mirror)
    async with writing(LogFiles(actions.history, tmp_path / "logs")):
        await caught_up(actions.history)
    folder = tmp_path / "logs" / life.task_id
    assert (folder / "diff.patch").read_bytes() == patch_to("two")
    assert not (folder / "tree.zip").exists()


async def test_a_repository_has_its_pull_request_instead(actions: Actions, tmp_path: Path) -> None:
    life = await Life.begin(actions)
    await life.to_ready(PATCH)
    folder = await LogFiles(actions.history, tmp_path / "logs").export(life.task_id)
    assert (folder / "diff.patch").exists()
    assert not (folder / "tree.zip").exists()
