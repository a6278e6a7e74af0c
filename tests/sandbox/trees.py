"""Small real repositories for tests, and patches over them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from sandbox.git import git_stream
from sandbox.spec import RunSpec, Tree

_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def run_git(directory: Path, *args: str) -> str:
    """Git's output, without the spaces around it."""
    completed = subprocess.run(
        ["git", *_IDENTITY, "-C", str(directory), *args], check=True, capture_output=True, text=True
    )
    return completed.stdout.strip()


def make_tree(directory: Path, files: dict[str, str]) -> Tree:
    """A bare repository with one commit of these files."""
    work = directory / "work"
    work.mkdir(parents=True)
    run_git(work, "init", "-q", "-b", "main")
    for name, text in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run_git(work, "add", "--all")
    run_git(work, "commit", "-q", "-m", "Begin")
    mirror = directory / "mirror.git"
    run_git(directory, "clone", "-q", "--bare", str(work), str(mirror))
    commit = run_git(mirror, "rev-parse", "main")
    return Tree(mirror=str(mirror), commit=commit, branch="main", repository="acme/api")


def make_patch(directory: Path, changes: dict[str, str | None]) -> bytes:
    """`git diff --binary` of these changes in the working tree that ``make_tree`` left."""
    work = directory / "work"
    for name, text in changes.items():
        if text is None:
            (work / name).unlink()
        else:
            (work / name).write_text(text)
    run_git(work, "add", "--all")
    completed = subprocess.run(
        ["git", "-C", str(work), "diff", "--binary", "--cached"], check=True, capture_output=True
    )
    run_git(work, "reset", "-q", "--hard")
    return completed.stdout


async def bundle(tree: Tree, have: str | None = None) -> AsyncIterator[bytes]:
    """As the mirrors do it: the commit under `refs/heads/base`, or what came after ``have``."""
    mirror = Path(tree.mirror)
    run_git(mirror, "update-ref", "refs/heads/base", tree.commit)
    new = ["refs/heads/base", *([f"^{have}"] if have else [])]
    if run_git(mirror, "rev-list", "-1", *new):
        async for chunk in git_stream("bundle", "create", "-", *new, git_dir=mirror):
            yield chunk


def make_spec(tree: Tree, **changes: object) -> RunSpec:
    fields: dict[str, object] = {
        "run_id": "r_1",
        "task_id": "t_1",
        "mode": "change",
        "request": "Mend it.",
        "author": "Ada",
        "tree": tree,
        "image": "threadsmith-agent:latest",
        "model": "scripted:m",
        "setup": None,
    }
    return RunSpec(**{**fields, **changes})  # type: ignore[arg-type]
