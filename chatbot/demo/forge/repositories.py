"""The forge's repositories: bare git on disk, pull requests in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.git import GitFailed, git

COMMITTER = "Ada Young <ada@example.com>"


@dataclass(slots=True, kw_only=True)
class Pull:
    """One pull request; its head commit is wherever its branch points."""

    number: int
    title: str
    body: str
    head: str
    base: str
    draft: bool = False
    state: str = "open"
    merged: bool = False
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)


@dataclass(slots=True, kw_only=True)
class Repository:
    """`owner/name`, and what GitHub would know of it."""

    name: str
    path: Path
    private: bool = False
    protected: bool = False
    """The default branch refuses pushes."""
    default_branch: str = "main"
    pulls: list[Pull] = field(default_factory=list)

    async def commit_of(self, ref: str) -> str | None:
        try:
            found = await git(
                *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"),
                git_dir=self.path,
            )
        except GitFailed:
            return None
        return found.decode().strip()

    async def branches(self) -> dict[str, str]:
        """Name to commit."""
        listed = await git(
            "for-each-ref",
            "--format=%(refname:lstrip=2) %(objectname)",
            "refs/heads",
            git_dir=self.path,
        )
        pairs = (line.rsplit(" ", 1) for line in listed.decode().splitlines())
        return dict(pairs)

    async def read_file(self, ref: str, path: str) -> bytes:
        return await git("cat-file", "blob", f"{ref}:{path}", git_dir=self.path)

    async def files(self, ref: str) -> list[str]:
        listed = await git("ls-tree", "-r", "-z", "--name-only", ref, git_dir=self.path)
        return [name for name in listed.decode(errors="replace").split("\0") if name]

    async def merge_base(self, pull: Pull) -> str:
        found = await git("merge-base", pull.base, pull.head, git_dir=self.path)
        return found.decode().strip()

    async def move_branch(self, branch: str, commit: str) -> None:
        await git("update-ref", f"refs/heads/{branch}", commit, git_dir=self.path)

    async def has_commits(self, base: str, head: str) -> bool:
        """Whether ``head`` has commits that ``base`` has not."""
        count = await git("rev-list", "--count", f"{base}..{head}", git_dir=self.path)
        return int(count) > 0

    async def commit(
        self, branch: str, files: Mapping[str, bytes | None], message: str, *, at: float
    ) -> str:
        """Add a commit to the branch, as a person would; None removes a file."""
        parent = await self.commit_of(f"refs/heads/{branch}")
        stream = bytearray()
        text = message.encode()
        stream += f"commit refs/heads/{branch}\ncommitter {COMMITTER} {int(at)} +0000\n".encode()
        stream += f"data {len(text)}\n".encode()
        stream += text + b"\n"
        if parent is not None:
            stream += f"from {parent}\n".encode()
        for name, content in files.items():
            quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            if content is None:
                stream += f"D {quoted}\n".encode()
                continue
            mode = "100755" if content.startswith(b"#!") else "100644"
            stream += f"M {mode} inline {quoted}\ndata {len(content)}\n".encode()
            stream += content + b"\n"
        await git("fast-import", "--quiet", git_dir=self.path, stdin=bytes(stream))
        return await self.commit_of(f"refs/heads/{branch}") or ""


async def make_repository(
    directory: Path, name: str, files: Mapping[str, bytes], *, private: bool, at: float
) -> Repository:
    """A bare repository with one commit on `main`."""
    path = directory / f"{name}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    await git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", str(path))
    await git("config", "http.receivepack", "true", git_dir=path)
    repository = Repository(name=name, path=path, private=private)
    await repository.commit("main", files, "First version", at=at)
    return repository
