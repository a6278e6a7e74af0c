"""Bundles of trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.errors import SourceError
from sandbox.sources.bundle import bundle
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


async def test_only_what_came_after(repository: Repository, tmp_path: Path) -> None:
    """Into a clone that holds an earlier commit, as a prepared container does."""
    base = repository.commit({"big": os.urandom(300_000)})
    side = repository.commit({"side.py": "s = 1\n"})
    repository.git("reset", "--quiet", "--hard", base)
    wanted = repository.commit({"a.py": "a = 2\n"})
    for have, log in ((base, [wanted]), (side, [wanted])):
        content = await whole(repository, wanted, have)
        assert 0 < len(content) < 10_000
        (tmp_path / "new.bundle").write_bytes(content)
        clone = tmp_path / f"clone-{have}"
        run_git(tmp_path, "clone", "--quiet", str(repository.path), str(clone))
        run_git(clone, "update-ref", "refs/heads/held", have)
        run_git(clone, "fetch", "--quiet", str(tmp_path / "new.bundle"), "refs/heads/base")
        new = run_git(clone, "log", "--format=%H", "FETCH_HEAD", f"^{base}").decode().split()
        assert new == log


async def test_nothing_at_all_where_nothing_is_new(repository: Repository) -> None:
    wanted = repository.commit({"a.py": "a = 1\n"})
    later = repository.commit({"a.py": "a = 2\n"})
    assert await whole(repository, wanted, wanted) == b""
    assert await whole(repository, wanted, later) == b""


@pytest.mark.parametrize("have", ["1" * 40, "tree"])
async def test_the_whole_history_for_a_commit_that_nobody_knows(
    repository: Repository, have: str
) -> None:
    wanted = repository.commit({"a.py": "a = 1\n"})
    held = repository.git("rev-parse", "HEAD^{tree}") if have == "tree" else have
    assert await whole(repository, wanted, held) == await whole(repository, wanted, None)


async def whole(repository: Repository, wanted: str, have: str | None) -> bytes:
    return b"".join([chunk async for chunk in bundle(tree_of(repository, wanted), have)])


async def test_bundle_leaves_nothing_behind(repository: Repository) -> None:
    commit = repository.commit({"big": os.urandom(3_000_000)})
    chunks = bundle(tree_of(repository, commit))
    assert await anext(chunks)
    assert len(list(repository.path.glob("*.new"))) == 1
    await chunks.aclose()  # type: ignore[attr-defined]
    assert list(repository.path.glob("*.new")) == []
