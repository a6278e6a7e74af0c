"""The changed tree as a zip archive: made in a throw-away repository, never from files on disk."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from uuid import uuid4

from sandbox.errors import PatchRefused, SourceError
from sandbox.git import GitFailed, git
from sandbox.patch import check_patch
from sandbox.sources.bundle import borrow
from sandbox.sources.scratch import scratch
from sandbox.spec import Tree

_ATTRIBUTES = "* -export-ignore -export-subst -text -filter -ident -working-tree-encoding\n"
"""The tree's own attributes could leave files out, or write others than it has."""
_PACK_SECONDS = 600.0


async def write_tree_zip(tree: Tree, patch: bytes, target: Path) -> None:
    """The commit with the patch over it, checked as it was when it was taken.

    Raises SourceError; ``target`` is replaced as a whole.
    """
    mirror = Path(tree.mirror)
    try:
        changed = await check_patch(mirror, tree.commit, patch, limit_bytes=len(patch))
        async with scratch(mirror.parent) as directory:
            await asyncio.to_thread(_prepare, directory, mirror, tree.commit)
            made = directory / "tree.zip"
            archive = ("archive", "--format=zip", f"--output={made}", changed.tree)
            await git(*archive, git_dir=directory, timeout=_PACK_SECONDS)
            await asyncio.to_thread(_put, made, target)
    except (GitFailed, OSError, PatchRefused) as error:
        raise SourceError("The changed tree could not be packed.", details=str(error)) from error


def _prepare(directory: Path, mirror: Path, commit: str) -> None:
    borrow(directory, mirror, commit)
    (directory / "info").mkdir()
    (directory / "info" / "attributes").write_text(_ATTRIBUTES)


def _put(made: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}-{uuid4().hex}.tmp")
    try:
        shutil.copyfile(made, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
