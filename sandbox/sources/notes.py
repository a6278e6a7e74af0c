"""What a tree names and does not hold, in words for the thread and the model."""

from __future__ import annotations

import re
from contextlib import aclosing
from pathlib import Path

from sandbox.errors import SourceError
from sandbox.git import GitFailed, GitOutputTooLong, git, git_stream
from sandbox.spec import Tree

_SHOWN = 5
_NAME_CHARACTERS = 80
_LISTING_BYTES = 192 * 1024**2
_RULES_BYTES = 4 * 1024**2
_TOO_LARGE = "The tree is too large to be looked through for submodules and files of Git LFS."
_LFS = re.compile(rb"(?m)^[ \t]*([^#\s]\S*)[ \t].*\bfilter=lfs\b")
_SUBMODULE = b"160000 "
_RULES = (b"\t.gitattributes", b"/.gitattributes")


async def tree_notes(tree: Tree) -> tuple[str, ...]:
    """Submodules and files kept by Git LFS: neither is fetched.

    Both show at the root, as a rule; only then is a large tree read as a whole.
    """
    try:
        if not await _may_have_notes(tree):
            return ()
        submodules, rules = await _read_listing(tree)
        patterns = await _read_patterns(tree, rules)
    except (GitOutputTooLong, _ListingTooLong):
        return (_TOO_LARGE,)
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    notes = []
    if submodules:
        notes.append(f"Submodules are not fetched; these folders are empty: {_names(submodules)}.")
    if patterns:
        notes.append(
            f"Files kept by Git LFS are not fetched; these hold pointers only: {_names(patterns)}."
        )
    return tuple(notes)


class _ListingTooLong(Exception):
    """Small trees can name billions of files."""


async def _may_have_notes(tree: Tree) -> bool:
    asked = "".join(f"{tree.commit}:{name}\n" for name in (".gitmodules", ".gitattributes"))
    answer = await git("cat-file", "--batch-check", git_dir=Path(tree.mirror), stdin=asked.encode())
    return any(not line.endswith(b" missing") for line in answer.splitlines())


async def _read_listing(tree: Tree) -> tuple[list[bytes], list[bytes]]:
    """Paths of the submodules, blobs of the `.gitattributes` files; the rest is not kept."""
    submodules: list[bytes] = []
    rules: list[bytes] = []
    size, rest = 0, b""
    listing = ("ls-tree", "-r", "-z", "--full-tree", tree.commit)
    async with aclosing(git_stream(*listing, git_dir=Path(tree.mirror))) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if size > _LISTING_BYTES:
                raise _ListingTooLong
            *entries, rest = (rest + chunk).split(b"\0")
            for entry in entries:
                if entry.startswith(_SUBMODULE):
                    submodules.append(entry.partition(b"\t")[2])
                elif entry.endswith(_RULES):
                    rules.append(entry.split(b" ", 2)[2].partition(b"\t")[0])
    return submodules, rules


async def _read_patterns(tree: Tree, rules: list[bytes]) -> list[bytes]:
    content = await git(
        "cat-file",
        "--batch=%(objectsize)",
        git_dir=Path(tree.mirror),
        stdin=b"".join(blob + b"\n" for blob in rules),
        limit=_RULES_BYTES,
    )
    return _LFS.findall(content)


def _names(names: list[bytes]) -> str:
    """The first of them; they are strangers' words."""
    shown = ", ".join(f"`{_shown(name)}`" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _shown(name: bytes) -> str:
    text = name[: 4 * _NAME_CHARACTERS].decode(errors="replace").replace("`", "'")
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text if len(text) <= _NAME_CHARACTERS else f"{text[:_NAME_CHARACTERS]}…"
