"""Single files of a tree, read from the mirror; nothing is laid on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SourceError
from sandbox.git import GitFailed, git
from sandbox.spec import Tree

_REGULAR = (b"100644", b"100755")
_LISTING_BYTES = 192 * 1024**2


async def read_file(tree: Tree, path: str, *, limit_bytes: int) -> bytes | None:
    """A regular file's content; None where there is none. Links count as none.

    Raises SourceError where it is longer than the limit.
    """
    git_dir = Path(tree.mirror)
    try:
        # Quiet about a path that is not there, and literal about one with wildcards.
        listed = await git(
            *("--literal-pathspecs", "ls-tree", "-z", "--full-tree", "-l", tree.commit, "--", path),
            git_dir=git_dir,
        )
        head, _, name = listed.rstrip(b"\0").partition(b"\t")
        mode, kind, blob, size = head.split() if head else (b"", b"", b"", b"0")
        if kind != b"blob" or mode not in _REGULAR or name != path.encode():
            return None
        if int(size) > limit_bytes:
            raise SourceError(f"`{path[:100]}` is longer than {limit_bytes:,} bytes.")
        return await git("cat-file", "blob", blob.decode(), git_dir=git_dir, limit=limit_bytes + 1)
    except GitFailed as error:
        raise SourceError(f"`{path[:100]}` could not be read.", details=str(error)) from error


async def existing(tree: Tree, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of the paths that are files of the tree."""
    if not paths:
        return ()
    try:
        listed = await git(
            *("--literal-pathspecs", "ls-tree", "-z", "--full-tree", tree.commit, "--", *paths),
            git_dir=Path(tree.mirror),
        )
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    rows = (row.partition(b"\t") for row in listed.split(b"\0")[:-1])
    found = {os.fsdecode(name) for head, _, name in rows if head.split()[0] in _REGULAR}
    return tuple(path for path in paths if path in found)


async def count_files(tree: Tree) -> int:
    try:
        listed = await git(
            *("ls-tree", "-r", "--name-only", "-z", "--full-tree", tree.commit),
            git_dir=Path(tree.mirror),
            limit=_LISTING_BYTES,
        )
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    return listed.count(b"\0")
