"""Bundles and notes of trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.errors import SourceError
from sandbox.sources.bundle import bundle
from sandbox.sources.notes import tree_notes
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository, run_git


def tree_of(repository: Repository, commit: str) -> Tree:
    return Tree(
        mirror=str(repository.path / ".git"), commit=commit, branch=None, repository="acme/api"
    )


async def test_bundle_holds_the_commit_with_its_whole_history(
    repository: Repository, tmp_path: Path
) -> None:
    wanted = repository.commit({"a.py": "a = 1\n", "bin/run": "#!/bin/sh\n"})
    repository.git("tag", "v1")
    repository.commit({"later.py": os.urandom(100_000)}, "Not for the container")
    before = repository.git("for-each-ref")
    content = b"".join([chunk async for chunk in bundle(tree_of(repository, wanted))])
    assert len(content) < 10_000
    (tmp_path / "x.bundle").write_bytes(content)
    assert run_git(tmp_path, "bundle", "list-heads", "x.bundle").decode().split() == [
        wanted,
        "refs/heads/base",
    ]
    run_git(tmp_path, "clone", "--quiet", "-b", "base", "x.bundle", "clone")
    log = run_git(tmp_path / "clone", "log", "--format=%H").decode().split()
    assert log == repository.git("log", "--format=%H", wanted).split()
    assert (tmp_path / "clone" / "a.py").read_text() == "a = 1\n"
    assert repository.git("for-each-ref") == before


async def test_bundle_of_a_commit_that_is_not_there(repository: Repository) -> None:
    with pytest.raises(SourceError):
        [chunk async for chunk in bundle(tree_of(repository, "1" * 40))]


async def test_bundle_leaves_nothing_behind(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    commit = repository.commit({"big": os.urandom(3_000_000)})
    chunks = bundle(tree_of(repository, commit))
    assert await anext(chunks)
    assert list(scratch.iterdir()) != []
    await chunks.aclose()  # type: ignore[attr-defined]
    assert list(scratch.iterdir()) == []


async def test_notes_name_what_is_not_fetched(repository: Repository) -> None:
    plain = repository.commit({".gitattributes": "*.txt text\n# *.x filter=lfs\n"})
    assert await tree_notes(tree_of(repository, plain)) == ()
    repository.commit(
        {
            ".gitattributes": "*.psd filter=lfs diff=lfs merge=lfs -text\n",
            "art/.gitattributes": "*.mov filter=lfs\n",
        }
    )
    for name in "abcdefg":
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{plain},vendor/{name}")
    repository.git("commit", "--quiet", "-m", "Vendor")
    assert await tree_notes(tree_of(repository, repository.git("rev-parse", "HEAD"))) == (
        "Submodules are not fetched; these folders are empty: `vendor/a`, `vendor/b`, `vendor/c`,"
        " `vendor/d`, `vendor/e` and 2 more.",
        "Files kept by Git LFS are not fetched; these hold pointers only: `*.psd`, `*.mov`.",
    )
