"""A tree on its way into a container: one git bundle, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from sandbox.errors import SourceError
from sandbox.git import GitFailed, git, git_stream
from sandbox.sources.scratch import scratch
from sandbox.spec import Tree


async def bundle(tree: Tree, have: str | None = None) -> AsyncIterator[bytes]:
    """Stream a git bundle with the commit as `refs/heads/base` and its whole history.

    With ``have``, a full commit id that the other side holds, only what came after it: nothing at
    all where nothing did. A bundle names its refs as the repository does, so it comes from a
    throw-away one that borrows the mirror's objects and has that single ref.
    """
    mirror = Path(tree.mirror)
    try:
        async with scratch(mirror.parent) as directory:
            await asyncio.to_thread(borrow, directory, mirror, tree.commit)
            wanted = ["refs/heads/base"]
            if have is not None and await _knows(directory, have):
                wanted.append(f"^{have}")
                if not await git("rev-list", "-1", *wanted, git_dir=directory):
                    return
            # It goes no further than the next process: nothing is gained by packing it tighter.
            create = ("-c", "pack.window=0", "bundle", "create", "--quiet", "-", *wanted)
            async with aclosing(git_stream(*create, git_dir=directory)) as chunks:
                async for chunk in chunks:
                    yield chunk
    except (GitFailed, OSError) as error:
        raise SourceError("The source could not be packed.", details=str(error)) from error


async def _knows(directory: Path, commit: str) -> bool:
    try:
        await git("cat-file", "-e", f"{commit}^{{commit}}", git_dir=directory)
    except GitFailed:
        return False
    return True


def borrow(directory: Path, mirror: Path, commit: str) -> None:
    """The least that git takes for a repository; quicker than two git processes."""
    (directory / "objects" / "info").mkdir(parents=True)
    (directory / "refs" / "heads").mkdir(parents=True)
    (directory / "objects" / "info" / "alternates").write_text(f"{mirror / 'objects'}\n")
    (directory / "refs" / "heads" / "base").write_text(f"{commit}\n")
    (directory / "HEAD").write_text("ref: refs/heads/base\n")
