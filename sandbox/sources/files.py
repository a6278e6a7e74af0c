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
_COUNTED_FILE_BYTES = 1024**2
_COUNTED_BYTES = 16 * 1024**2


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


async def count_lines(tree: Tree, paths: Sequence[str]) -> dict[str, int | None]:
    """Those of the paths that are files of the tree, with their lines; None: too long to count."""
    if not paths:
        return {}
    git_dir = Path(tree.mirror)
    try:
        listed = await git(
            *("--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", tree.commit),
            *("--", *paths),
            git_dir=git_dir,
        )
        lines: dict[str, int | None] = {}
        counted: dict[str, bytes] = {}
        left = _COUNTED_BYTES
        for row in listed.split(b"\0")[:-1]:
            head, _, name = row.partition(b"\t")
            mode, _, blob, size = head.split()
            if mode not in _REGULAR:
                continue
            lines[os.fsdecode(name)] = None
            if int(size) <= min(left, _COUNTED_FILE_BYTES):
                left -= int(size)
                counted[os.fsdecode(name)] = blob
        lines |= await _lines_of(git_dir, counted)
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    return {path: lines[path] for path in paths if path in lines}


async def _lines_of(git_dir: Path, blobs: dict[str, bytes]) -> dict[str, int]:
    asked = b"".join(blob + b"\n" for blob in blobs.values())
    told = await git("cat-file", "--batch", git_dir=git_dir, stdin=asked, limit=2 * _COUNTED_BYTES)
    lines, at = {}, 0
    for path in blobs:
        begin = told.index(b"\n", at) + 1
        end = begin + int(told[at:begin].split()[-1])
        data, at = told[begin:end], end + 1
        lines[path] = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    return lines


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
