"""What a tree names and does not hold, in words for the thread and the model."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.errors import SourceError
from sandbox.git import GitFailed, git
from sandbox.spec import Tree

_SHOWN = 5


async def tree_notes(tree: Tree) -> tuple[str, ...]:
    """Submodules and files kept by Git LFS: neither is fetched.

    Both show at the root, as a rule; only then is a large tree read as a whole.
    """
    try:
        if not await _may_have_notes(tree):
            return ()
        listing = await git(
            "ls-tree", "-r", "-z", "--full-tree", tree.commit, git_dir=Path(tree.mirror)
        )
        submodules, attributes = _read_listing(listing)
        rules = await git(
            "cat-file",
            "--batch=%(objectsize)",
            git_dir=Path(tree.mirror),
            stdin="".join(f"{blob}\n" for blob in attributes).encode(),
        )
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    notes = []
    if submodules:
        notes.append(f"Submodules are not fetched; these folders are empty: {_names(submodules)}.")
    patterns = re.findall(
        r"(?m)^[ \t]*([^#\s]\S*)[ \t].*\bfilter=lfs\b", rules.decode(errors="replace")
    )
    if patterns:
        notes.append(
            f"Files kept by Git LFS are not fetched; these hold pointers only: {_names(patterns)}."
        )
    return tuple(notes)


async def _may_have_notes(tree: Tree) -> bool:
    asked = "".join(f"{tree.commit}:{name}\n" for name in (".gitmodules", ".gitattributes"))
    answer = await git("cat-file", "--batch-check", git_dir=Path(tree.mirror), stdin=asked.encode())
    return any(not line.endswith(b" missing") for line in answer.splitlines())


def _read_listing(listing: bytes) -> tuple[list[str], list[str]]:
    """Paths of the submodules, blobs of the `.gitattributes` files."""
    submodules, attributes = [], []
    for entry in listing.decode(errors="replace").split("\0")[:-1]:
        head, _, path = entry.partition("\t")
        mode, _, blob = head.split(" ")
        if mode == "160000":
            submodules.append(path)
        elif path.rpartition("/")[2] == ".gitattributes":
            attributes.append(blob)
    return submodules, attributes


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
