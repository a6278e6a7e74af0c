"""A repository elsewhere, and what git asks of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import RefNotFound, SourceError
from sandbox.git import GitFailed, git
from sandbox.sources.addresses import Address, check_ref
from sandbox.sources.failures import source_error

_ASK_SECONDS = 30.0
_FETCH_SECONDS = 1800.0
_BRANCH = "refs/heads/"
_FETCH = (
    # Always a pack, which appears as a whole: of single objects the commit could come alone.
    *("-c", "fetch.unpackLimit=1"),
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force"),
    "--no-recurse-submodules",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a ref means on the remote right now."""

    commit: str
    branch: str | None
    default_branch: str | None = None
    """The remote's own, where it was heard of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A checked address with what git needs to talk to it."""

    address: Address
    env: dict[str, str] = field(repr=False)
    with_token: bool

    async def ask(self, ref: str | None) -> Resolved | None:
        """What the remote says: its default branch, a branch, a tag, or any full ref."""
        name = "HEAD" if ref is None else check_ref(ref)
        wanted = ["HEAD"] if name == "HEAD" else [f"{_BRANCH}{name}", f"refs/tags/{name}", name]
        tags = [] if name == "HEAD" else wanted
        patterns = ["HEAD", *tags, *(f"{each}^{{}}" for each in tags)]
        output = await self._git(
            *("ls-remote", "--symref", "--", self.address.url, *patterns), timeout=_ASK_SECONDS
        )
        refs, head = _read_refs(output)
        if name == "HEAD" and not refs:
            raise SourceError(
                f"`{self.address.shown}` is empty: it has no commit yet.",
                resolution="Push a first commit, then try again.",
            )
        for each in wanted:
            if each in refs:
                commit = refs.get(f"{each}^{{}}", refs[each])
                branch = head if each == "HEAD" else _branch_of(each)
                return Resolved(commit=commit, branch=branch, default_branch=head)
        return None

    async def fetch_all(self, mirror: Path) -> None:
        """Its branches and tags; what it has no longer goes."""
        everything = (f"+{_BRANCH}*:{_BRANCH}*", "+refs/tags/*:refs/tags/*")
        await self._git(
            *(*_FETCH, "--prune", "--", self.address.url, *everything),
            git_dir=mirror,
            timeout=_FETCH_SECONDS,
        )

    async def fetch_commit(self, mirror: Path, commit: str) -> None:
        """A pull request's head, or a commit that a branch has left behind: by its id."""
        try:
            await self._git(
                *(*_FETCH, "--", self.address.url, f"+{commit}:refs/threadsmith/{commit}"),
                git_dir=mirror,
                timeout=_FETCH_SECONDS,
            )
        except SourceError as error:
            raise no_such_ref(commit, self.address, details=error.details) from error

    async def check_whole(self) -> None:
        """Git leaves out what a shallow clone lacks, with no more than a warning."""
        if self.address.host:
            return
        place = ("-C", self.address.url, "rev-parse", "--is-shallow-repository")
        if (await self._git(*place, timeout=_ASK_SECONDS)).strip() == b"true":
            raise SourceError(
                f"`{self.address.shown}` is a shallow clone: parts of its history are missing.",
                resolution="Run `git fetch --unshallow` in it, then try again.",
            )

    async def _git(
        self,
        *args: str,
        git_dir: Path | None = None,
        timeout: float,  # noqa: ASYNC109
    ) -> bytes:
        try:
            return await git(*args, git_dir=git_dir, env=self.env, timeout=timeout)
        except GitFailed as error:
            raise source_error(error, self.address, with_token=self.with_token) from error


def _read_refs(output: bytes) -> tuple[dict[str, str], str | None]:
    """Ids by ref, and the branch that HEAD stands for."""
    refs: dict[str, str] = {}
    head: str | None = None
    for line in output.decode(errors="surrogateescape").splitlines():
        value, _, found = line.partition("\t")
        if not value.startswith("ref: "):
            refs[found] = value
        elif found == "HEAD":
            head = _branch_of(value.removeprefix("ref: "))
    return refs, head


def _branch_of(ref: str) -> str | None:
    return ref.removeprefix(_BRANCH) if ref.startswith(_BRANCH) else None


def no_such_ref(ref: str, address: Address, *, details: str = "") -> RefNotFound:
    return RefNotFound(f"`{address.shown}` has no branch, tag or commit `{ref}`.", details=details)
