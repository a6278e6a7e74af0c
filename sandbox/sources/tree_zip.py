"""The changed tree as a zip archive: made in a throw-away repository, never from files on disk."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from sandbox.errors import SourceError
from sandbox.git import GitFailed, git
from sandbox.sources.bundle import borrow
from sandbox.spec import Tree

_ATTRIBUTES = "* -export-ignore -export-subst -text -filter -ident -working-tree-encoding\n"
"""The tree's own attributes could leave files out, or write others than it has."""


async def write_tree_zip(tree: Tree, patch: bytes, target: Path) -> None:
    """The commit with the patch over it; ``patch`` was checked when it was taken.

    Raises SourceError; ``target`` is replaced as a whole.
    """
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="threadsmith-zip-"))
    index = {"GIT_INDEX_FILE": str(directory / "index")}
    made = directory / "tree.zip"
    try:
        await asyncio.to_thread(_prepare, directory, Path(tree.mirror), tree.commit)
        await git("read-tree", tree.commit, git_dir=directory, env=index)
        if patch:
            apply = ("apply", "--cached", "--binary", "--whitespace=nowarn", "-")
            await git(*apply, git_dir=directory, cwd=directory, env=index, stdin=patch)
        found = await git("write-tree", git_dir=directory, env=index)
        archive = ("archive", "--format=zip", f"--output={made}", found.decode().strip())
        await git(*archive, git_dir=directory)
        await asyncio.to_thread(_put, made, target)
    except (GitFailed, OSError) as error:
        raise SourceError("The changed tree could not be packed.", details=str(error)) from error
    finally:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _prepare(directory: Path, mirror: Path, commit: str) -> None:
    borrow(directory, mirror, commit)
    (directory / "info").mkdir()
    (directory / "info" / "attributes").write_text(_ATTRIBUTES)


def _put(made: Path, target: Path) -> None:
    temporary = target.with_name(f"{target.name}.new")
    shutil.copyfile(made, temporary)
    temporary.replace(target)
