"""What a tree names and does not hold, in words."""

from __future__ import annotations

import pytest

from sandbox.sources import notes as notes_module
from sandbox.sources.notes import tree_notes
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository, run_git

LFS = "*.psd filter=lfs diff=lfs merge=lfs -text\n"
TOO_LARGE = "The tree is too large to be looked through for submodules and files of Git LFS."


async def notes(repository: Repository, ref: str = "HEAD") -> tuple[str, ...]:
    commit = repository.git("rev-parse", ref)
    return await tree_notes(
        Tree(mirror=str(repository.path / ".git"), commit=commit, branch=None, repository="x")
    )


async def test_a_plain_tree_needs_no_words(repository: Repository) -> None:
    assert await notes(repository) == ()
    repository.commit({".gitattributes": "*.txt text\n# *.x filter=lfs\n"})
    assert await notes(repository) == ()


async def test_notes_name_what_is_not_fetched(repository: Repository) -> None:
    commit = repository.commit({".gitattributes": LFS, "art/.gitattributes": "*.mov filter=lfs\n"})
    for name in "abcdefg":
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/{name}")
    repository.git("commit", "--quiet", "-m", "Vendor")
    assert await notes(repository) == (
        "Submodules are not fetched; these folders are empty: `vendor/a`, `vendor/b`, `vendor/c`,"
        " `vendor/d`, `vendor/e` and 2 more.",
        "Files kept by Git LFS are not fetched; these hold pointers only: `*.psd`, `*.mov`.",
    )


async def test_names_are_strangers_words(repository: Repository) -> None:
    commit = repository.commit({".gitmodules": "", ".gitattributes": f"{'y' * 500} filter=lfs\n"})
    for name in ("a`b\n\x1b[31m<!channel>", "x" * 200):
        index = f"160000 {commit}\t{name}\0"
        repository.git("update-index", "-z", "--index-info", stdin=index.encode())
    repository.git("commit", "--quiet", "-m", "Vendor")
    submodules, lfs = await notes(repository)
    assert f"`a'b\ufffd\ufffd[31m<!channel>`, `{'x' * 80}…`." in submodules
    assert f"`{'y' * 80}…`." in lfs


async def test_a_tree_without_either_is_not_listed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_module, "_LISTING_BYTES", 0)
    assert await notes(repository) == ()


@pytest.mark.parametrize("limit", ["_LISTING_BYTES", "_RULES_BYTES"])
async def test_too_much_to_look_through_is_said(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    repository.commit({".gitattributes": LFS})
    monkeypatch.setattr(notes_module, limit, 10)
    assert await notes(repository) == (TOO_LARGE,)


async def test_billions_of_files_in_a_few_hundred_bytes(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_module, "_LISTING_BYTES", 4 * 1024**2)
    repository.commit({".gitattributes": LFS})
    rules = f"100644 blob {repository.git('rev-parse', 'HEAD:.gitattributes')}"
    entry, lines = rules, ""
    for _ in range(9):
        lines = "".join(f"{entry}\td{number}\n" for number in range(10))
        made = run_git(repository.path, "mktree", stdin=lines.encode()).decode().strip()
        entry = f"040000 tree {made}"
    top = f"{rules}\t.gitattributes\n{lines}"
    made = run_git(repository.path, "mktree", stdin=top.encode()).decode().strip()
    commit = repository.git("commit-tree", "-m", "Bomb", made)
    assert await notes(repository, commit) == (TOO_LARGE,)


async def test_a_large_tree_is_read_in_passing(repository: Repository) -> None:
    blob = repository.git("rev-parse", "HEAD:README.md")
    first = repository.git("rev-parse", "HEAD")
    lines = "".join(f"100644 {blob}\tfolder{n % 300}/file-{n}.py\0" for n in range(100_000))
    lines += f"160000 {first}\tvendor/lib\0"
    repository.git("update-index", "-z", "--index-info", stdin=lines.encode())
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitmodules")
    repository.git("commit", "--quiet", "-m", "Large")
    assert await notes(repository) == (
        "Submodules are not fetched; these folders are empty: `vendor/lib`.",
    )
