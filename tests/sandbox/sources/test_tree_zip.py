"""The changed tree as a zip: every byte, name and mode, whatever the tree's attributes say."""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.errors import SourceError
from sandbox.sources.archive import import_zip
from sandbox.sources.tree_zip import write_tree_zip
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository, run_git

PLAIN, PROGRAM, LINK = "100644", "100755", "120000"
File = tuple[str, bytes]
"""Mode and content."""

PARTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\x00"), min_size=1, max_size=9
).filter(
    lambda part: part not in (".", "..") and not part.lower().startswith((".git", "git~", "\u200c"))
)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
CONTENT = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\r\n", b"a\r\nb\n", b"$Format:%H$\n", b"$Id$\n", b"\x00" * 5000]),
)
TREES = st.dictionaries(PATHS, st.tuples(st.sampled_from([PLAIN, PROGRAM]), CONTENT), max_size=6)
LINKS = st.dictionaries(PARTS, st.just((LINK, b"README")), max_size=2)
ATTRIBUTES = {
    ".gitattributes": (
        PLAIN,
        b"* export-subst ident text eol=crlf working-tree-encoding=UTF-16 filter=lfs\n"
        b"*.txt export-ignore\n[a-z]* export-ignore\n",
    )
}


def put_commit(repository: Repository, files: dict[str, File]) -> str:
    """A commit of exactly these files, made without a working tree."""
    lines = b""
    for path, (mode, content) in files.items():
        blob = repository.git("hash-object", "-w", "--stdin", stdin=content)
        lines += f"{mode} {blob}\t{path}\0".encode()
    repository.git("read-tree", "--empty")
    repository.git("update-index", "-z", "--index-info", stdin=lines)
    return repository.git("commit-tree", "-m", "x", repository.git("write-tree"))


def without_clashes(*trees: dict[str, File]) -> dict[str, File]:
    """Together, with no path through what is itself a file."""
    files: dict[str, File] = {}
    for path, file in ((path, file) for tree in trees for path, file in tree.items()):
        if not any(path.startswith(f"{each}/") or each.startswith(f"{path}/") for each in files):
            files[path] = file
    return files


def tree_at(repository: Repository, commit: str) -> Tree:
    mirror = str(repository.path / ".git")
    return Tree(mirror=mirror, commit=commit, branch=None, repository="x.zip")


def diff(repository: Repository, old: str, new: str) -> bytes:
    return run_git(repository.path, "diff-tree", "-p", "--binary", "--full-index", old, new)


def read(path: Path) -> dict[bytes, File]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            if info.is_dir():
                continue
            name = info.filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
            mode = info.external_attr >> 16
            is_program = bool(mode & stat.S_IXUSR)
            kind = LINK if stat.S_ISLNK(mode) else PROGRAM if is_program else PLAIN
            found[name] = (kind, archive.read(info))
    return found


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(before=TREES, after=TREES, links=LINKS)
@example(before={"a b/c\nd\t\"e'": (PLAIN, b"1")}, after={"-x": (PROGRAM, b"\x00")}, links={})
@example(before=ATTRIBUTES, after=ATTRIBUTES | {"a.txt": (PLAIN, b"$Format:%H$\n$Id$\n")}, links={})
@example(before={"größe/日本.txt": (PLAIN, b"1")}, after={"\u0301": (PLAIN, b"\xff")}, links={})
async def test_any_change_arrives_byte_for_byte(
    before: dict[str, File], after: dict[str, File], links: dict[str, File]
) -> None:
    wanted = without_clashes({"README": (PLAIN, b"# X\n")}, links, after)
    with tempfile.TemporaryDirectory() as name:
        repository = Repository(Path(name) / "r")
        old = put_commit(repository, without_clashes({"README": (PLAIN, b"old\n")}, before))
        new = put_commit(repository, wanted)
        target = Path(name) / "out.zip"
        await write_tree_zip(tree_at(repository, old), diff(repository, old, new), target)
        assert read(target) == {path.encode(): file for path, file in wanted.items()}


async def test_it_comes_back_as_the_same_tree(tmp_path: Path) -> None:
    """What we give away is what we take."""
    repository = Repository(tmp_path / "r")
    files = {
        "README": (PLAIN, b"# X\r\n"),
        "bin/run": (PROGRAM, b"#!/bin/sh\n"),
        "bin/here": (LINK, b"../README"),
        "größe \U0001f600/ü": (PLAIN, os.urandom(50_000)),
        **ATTRIBUTES,
    }
    commit = put_commit(repository, files)
    await write_tree_zip(tree_at(repository, commit), b"", tmp_path / "out.zip")
    tree = await import_zip(tmp_path / "out.zip", directory=tmp_path / "store", name="out.zip")
    again = run_git(Path(tree.mirror), "rev-parse", f"{tree.commit}^{{tree}}").decode().strip()
    assert again == repository.git("rev-parse", f"{commit}^{{tree}}")


async def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"1")
    repository.git(
        "update-index", "-z", "--index-info", stdin=f"{PLAIN} {blob}\t".encode() + b"\xe4\xff.txt\0"
    )
    commit = repository.git("commit-tree", "-m", "x", repository.git("write-tree"))
    await write_tree_zip(tree_at(repository, commit), b"", tmp_path / "out.zip")
    assert read(tmp_path / "out.zip") == {b"\xe4\xff.txt": (PLAIN, b"1")}


async def test_an_older_zip_is_replaced_as_a_whole_or_kept(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    commit = put_commit(repository, {"a": (PLAIN, b"1\n")})
    target = tmp_path / "out.zip"
    target.write_bytes(b"older")
    with pytest.raises(SourceError, match="could not be packed"):
        await write_tree_zip(tree_at(repository, commit), b"no patch at all\n", target)
    with pytest.raises(SourceError):
        await write_tree_zip(tree_at(repository, "1" * 40), b"", target)
    assert target.read_bytes() == b"older"
    await write_tree_zip(tree_at(repository, commit), b"", target)
    assert read(target) == {b"a": (PLAIN, b"1\n")}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.zip", "r"]
    assert list(repository.path.glob("*.new")) == []


@pytest.mark.parametrize("path", ["../x", ".git/hooks/x", "a/../../x"])
async def test_a_hostile_patch_packs_nothing(tmp_path: Path, path: str) -> None:
    repository = Repository(tmp_path / "r")
    commit = put_commit(repository, {"a": (PLAIN, b"1\n")})
    patch = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    patch += "@@ -0,0 +1 @@\n+x\n"
    with pytest.raises(SourceError):
        await write_tree_zip(tree_at(repository, commit), patch.encode(), tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()
