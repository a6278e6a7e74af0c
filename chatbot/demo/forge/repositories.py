"""The forge's repositories: bare git on disk, the rest in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.demo.forge.records import Check, Comment, Issue, IssueEvent, Pull
from sandbox.git import GitFailed, git

COMMITTER = "Ada Young <ada@example.com>"
_HOOK = """#!/bin/sh
while read -r old new ref; do
  case "$ref" in refs/pull/*) echo "deny updating a hidden ref"; exit 1 ;; esac
  for pattern in $FORGE_PROTECTED; do
    case "$ref" in
      refs/heads/$pattern)
        echo "error: GH006: Protected branch update failed for $ref."; exit 1 ;;
    esac
  done
done
"""
"""What GitHub says of a protected branch, and of refs that are its own."""


@dataclass(slots=True, kw_only=True)
class Repository:
    """`owner/name`, and what GitHub would know of it."""

    name: str
    path: Path
    private: bool = False
    archived: bool = False
    description: str = ""
    pushed_at: float = 0.0
    protected: tuple[str, ...] = ()
    """Patterns of branches that refuse pushes."""
    default_branch: str = "main"
    fork_of: str = ""
    people: dict[str, str] = field(default_factory=dict)
    """Login to `read`, `write` or `admin`."""
    pulls: list[Pull] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    """Under issues and pull requests, not on lines."""
    issue_events: list[IssueEvent] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    last_id: int = 1000

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def next_number(self) -> int:
        """Issues and pull requests are counted together."""
        return 1 + len(self.pulls) + len(self.issues)

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

    async def message_of(self, commit: str) -> str:
        said = await git("log", "-1", "--format=%an%n%B", commit, git_dir=self.path)
        return said.decode(errors="replace").rstrip()

    async def changes(self, base: str, head: str) -> list[dict[str, str]]:
        """Each changed file with its hunks, as the API tells of them."""
        diff = await git("diff-tree", "-r", "-p", "--root", base, head, git_dir=self.path)
        found = []
        for part in ("\n" + diff.decode(errors="replace")).split("\ndiff --git ")[1:]:
            head_line, _, rest = part.partition("\n")
            status = "added" if "new file mode" in rest else "modified"
            hunks = rest[rest.index("@@") :] if "@@" in rest else ""
            name = head_line.rpartition(" b/")[2]
            found.append({"filename": name, "status": status, "patch": hunks.rstrip()})
        return found

    async def head_of(self, pull: Pull) -> str | None:
        """Its commit: of the branch, or what was last seen of it."""
        return await self.commit_of(f"refs/pull/{pull.number}/head")

    async def merge_base(self, pull: Pull) -> str:
        head = await self.head_of(pull) or ""
        found = await git("merge-base", pull.base, head, git_dir=self.path)
        return found.decode().strip()

    async def is_mergeable(self, pull: Pull) -> bool:
        head = await self.head_of(pull) or ""
        try:
            await git("merge-tree", "--write-tree", pull.base, head, git_dir=self.path)
        except GitFailed:
            return False
        return True

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
    await _set_up(path)
    repository = Repository(name=name, path=path, private=private, pushed_at=at)
    await repository.commit("main", files, "First version", at=at)
    return repository


async def make_fork(directory: Path, original: Repository, name: str) -> Repository:
    """A copy with the same branches."""
    path = directory / f"{name}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    await git("clone", "--quiet", "--bare", "--template=", "--", str(original.path), str(path))
    await _set_up(path)
    return Repository(name=name, path=path, private=original.private, fork_of=original.name)


async def _set_up(path: Path) -> None:
    await git("config", "http.receivepack", "true", git_dir=path)
    await git("config", "uploadpack.allowAnySHA1InWant", "true", git_dir=path)
    hook = path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK)
    hook.chmod(0o755)
