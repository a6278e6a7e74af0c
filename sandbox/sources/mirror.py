"""Bare mirrors of git repositories: one per address, fetched only when a commit is missing.

A mirror is built beside its place and renamed into it, under a lock that other processes respect,
so a kill at any moment leaves nothing half-made. Its settings hold neither address nor token.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sandbox.errors import RefNotFound, SourceError
from sandbox.git import GitCredentials, GitFailed, credential_env, git
from sandbox.locks import locked
from sandbox.sources.addresses import Address, check_address, check_ref
from sandbox.sources.bundle import bundle
from sandbox.sources.failures import source_error
from sandbox.sources.guard import guard
from sandbox.spec import Tree

_ASK_SECONDS = 30.0
_FETCH_SECONDS = 1800.0
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_FULL = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a ref means on the remote right now."""

    commit: str
    branch: str | None
    default_branch: str | None = None
    """The remote's own, where it was heard of."""


class Mirrors:
    """The cached clones of this host, in one directory."""

    def __init__(
        self,
        directory: Path,
        *,
        allow_local: bool = False,
        private_hosts: Collection[str] = (),
        ssh_command: str | None = None,
    ) -> None:
        """``allow_local`` takes directories of this machine too; never for what a thread names.

        ``private_hosts`` may lead to private addresses, see `sandbox.sources.guard`;
        ``ssh_command`` is how git reaches hosts by SSH.
        """
        self._directory = directory
        self._allow_local = allow_local
        self._private_hosts = private_hosts
        self._ssh_command = ssh_command

    async def resolve(
        self,
        url: str,
        ref: str | None,
        credentials: GitCredentials | None = None,
        *,
        guarded: bool = False,
    ) -> Resolved:
        """Ask the remote; only a commit that no branch or tag ends in needs the mirror.

        ``guarded``: a stranger named the host, so it must be a public one.
        """
        remote = await self._remote(url, credentials, guarded=guarded)
        found = await _ask(remote, ref)
        if found is not None:
            return found
        if ref is None or not _COMMIT.fullmatch(ref.lower()):
            raise _no_such_ref(ref or "HEAD", remote.address)
        ref = ref.lower()
        path = self._path(remote.address)
        commit = await _find_commit(path, ref)
        if commit is None:
            await self._update(remote, ref if _FULL.fullmatch(ref) else None)
            commit = await _find_commit(path, ref)
        if commit is None:
            raise _no_such_ref(ref, remote.address)
        return Resolved(commit=commit, branch=None)

    async def fetch(
        self,
        url: str,
        ref: str | None,
        *,
        repository: str,
        credentials: GitCredentials | None = None,
        guarded: bool = False,
    ) -> Tree:
        """Make sure that the mirror holds the commit that ``ref`` means now.

        A full commit id that is here already is not asked for again: whether it may be read was
        settled when it was resolved.
        """
        remote = await self._remote(url, credentials, guarded=guarded)
        path = self._path(remote.address)
        if ref is not None and _FULL.fullmatch(ref):
            resolved = Resolved(commit=ref, branch=None)
        else:
            resolved = await self.resolve(url, ref, credentials, guarded=guarded)
        if not await _has_commit(path, resolved.commit):
            await self._update(remote, resolved.commit)
            if not await _has_commit(path, resolved.commit):
                raise _no_such_ref(ref or resolved.commit, remote.address)
        return Tree(
            mirror=str(path),
            commit=resolved.commit,
            branch=resolved.branch,
            repository=repository,
            default_branch=resolved.default_branch,
        )

    def path(self, url: str) -> Path:
        """Where the repository's mirror is, or will be."""
        return self._path(check_address(url, allow_local=self._allow_local))

    def bundle(self, tree: Tree, have: str | None = None) -> AsyncIterator[bytes]:
        """See sandbox.sources.bundle."""
        return bundle(tree, have)

    async def _update(self, remote: _Remote, commit: str | None) -> None:
        """Fetch everything under the lock, unless somebody else has brought the commit by then."""
        await _check_whole(remote)
        path = self._path(remote.address)
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        async with locked(path.with_suffix(".lock")):
            if commit is not None and await _has_commit(path, commit):
                return
            if await asyncio.to_thread(path.exists):
                await _fetch_into(path, remote, commit)
                return
            await asyncio.to_thread(_clear_leftovers, path)
            building = path.with_name(f"{path.stem}.{uuid4().hex}.new")
            try:
                await git("init", "--quiet", "--bare", "--template=", "--", str(building))
                await _fetch_into(building, remote, commit)
                await asyncio.to_thread(building.rename, path)
            finally:
                await asyncio.to_thread(shutil.rmtree, building, ignore_errors=True)

    async def _remote(
        self, url: str, credentials: GitCredentials | None, *, guarded: bool
    ) -> _Remote:
        address = check_address(url, allow_local=self._allow_local)
        protocols = "https:http:ssh" + (":file" if self._allow_local else "")
        env = {"GIT_ALLOW_PROTOCOL": protocols, **credential_env(address.url, credentials)}
        if self._ssh_command is not None:
            env["GIT_SSH_COMMAND"] = self._ssh_command
        if guarded and address.host:
            env |= await guard(address, private_hosts=self._private_hosts)
        return _Remote(address=address, env=env, with_token=credentials is not None)

    def _path(self, address: Address) -> Path:
        return (self._directory / f"{address.slug}.git").absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remote:
    """A checked address with what git needs to talk to it."""

    address: Address
    env: dict[str, str]
    with_token: bool

    async def git(
        self,
        *args: str,
        git_dir: Path | None = None,
        timeout: float,  # noqa: ASYNC109
    ) -> bytes:
        try:
            return await git(*args, git_dir=git_dir, env=self.env, timeout=timeout)
        except GitFailed as error:
            raise source_error(error, self.address, with_token=self.with_token) from error


async def _ask(remote: _Remote, ref: str | None) -> Resolved | None:
    """What the remote itself says: its default branch, a branch, a tag, or any full ref."""
    name = "HEAD" if ref is None else check_ref(ref)
    wanted = ["HEAD"] if name == "HEAD" else [f"refs/heads/{name}", f"refs/tags/{name}", name]
    tags = [] if name == "HEAD" else wanted
    patterns = ["HEAD", *tags, *(f"{each}^{{}}" for each in tags)]
    output = await remote.git(
        "ls-remote", "--symref", "--", remote.address.url, *patterns, timeout=_ASK_SECONDS
    )
    refs: dict[str, str] = {}
    head: str | None = None
    for line in output.decode(errors="surrogateescape").splitlines():
        value, _, found = line.partition("\t")
        if value.startswith("ref: "):
            head = value.removeprefix("ref: refs/heads/") if found == "HEAD" else head
        else:
            refs[found] = value
    if name == "HEAD" and not refs:
        raise SourceError(
            f"`{remote.address.shown}` is empty: it has no commit yet.",
            resolution="Push a first commit, then try again.",
        )
    for each in wanted:
        if each in refs:
            branch = head if each == "HEAD" else each.removeprefix("refs/heads/")
            is_branch = each == "HEAD" or each.startswith("refs/heads/")
            commit = refs.get(f"{each}^{{}}", refs[each])
            return Resolved(
                commit=commit, branch=branch if is_branch else None, default_branch=head
            )
    return None


async def _fetch_into(path: Path, remote: _Remote, commit: str | None) -> None:
    options = (
        *("fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--force"),
        *("--no-recurse-submodules", "--"),
    )
    everything = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    await remote.git(
        *options, remote.address.url, *everything, git_dir=path, timeout=_FETCH_SECONDS
    )
    if commit is not None and not await _has_commit(path, commit):
        # A pull request's head, or a commit that a branch has left behind: asked for by its id.
        try:
            await remote.git(
                *(option for option in options if option != "--prune"),
                *(remote.address.url, f"+{commit}:refs/threadsmith/{commit}"),
                git_dir=path,
                timeout=_FETCH_SECONDS,
            )
        except SourceError as error:
            raise _no_such_ref(commit, remote.address, details=error.details) from error


async def _check_whole(remote: _Remote) -> None:
    """Git leaves out what a shallow clone lacks, with no more than a warning."""
    if remote.address.host:
        return
    place = ("-C", remote.address.url, "rev-parse", "--is-shallow-repository")
    if (await remote.git(*place, timeout=_ASK_SECONDS)).strip() == b"true":
        raise SourceError(
            f"`{remote.address.shown}` is a shallow clone: parts of its history are missing.",
            resolution="Run `git fetch --unshallow` in it, then try again.",
        )


async def _has_commit(path: Path, commit: str) -> bool:
    return await _find_commit(path, commit) == commit


async def _find_commit(path: Path, name: str) -> str | None:
    """The full id of a commit that the mirror has; None for any other name."""
    if not await asyncio.to_thread(path.exists):
        return None
    try:
        found = await git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", git_dir=path)
    except GitFailed:
        return None
    commit = found.decode().strip()
    return commit if commit.startswith(name) else None


def _no_such_ref(ref: str, address: Address, *, details: str = "") -> RefNotFound:
    return RefNotFound(f"`{address.shown}` has no branch, tag or commit `{ref}`.", details=details)


def _clear_leftovers(path: Path) -> None:
    """What a killed process was building; its lock is ours now."""
    for leftover in path.parent.glob(f"{path.stem}.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
