"""Bare mirrors of git repositories: one per address, fetched only when a commit is missing.

A mirror is built beside its place and renamed into it, under a lock that other processes respect,
so a kill at any moment leaves nothing half-made. Its settings hold neither address nor token.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path

from sandbox.git import GitCredentials, GitFailed, config_env, credential_config, git
from sandbox.locks import locked
from sandbox.sources.addresses import Address, check_address
from sandbox.sources.bundle import bundle
from sandbox.sources.guard import guard
from sandbox.sources.leftovers import clear_leftovers
from sandbox.sources.remote import Remote, Resolved, no_such_ref
from sandbox.sources.scratch import scratch
from sandbox.spec import Tree

_MANY_PACKS = 30
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_FULL = re.compile(r"[0-9a-f]{40}")


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
        """``allow_local`` takes directories of this machine too, where no stranger named them.

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

        ``guarded``: a stranger named the address, so it must be that of a public host.
        """
        remote = await self._remote(url, credentials, guarded=guarded)
        found = await remote.ask(ref)
        if found is not None:
            return found
        if ref is None or not _COMMIT.fullmatch(ref.lower()):
            raise no_such_ref(ref or "HEAD", remote.address)
        ref = ref.lower()
        path = self._path(remote.address)
        commit = await _find_commit(path, ref)
        if commit is None:
            await self._update(remote, ref if _FULL.fullmatch(ref) else None)
            commit = await _find_commit(path, ref)
        if commit is None:
            raise no_such_ref(ref, remote.address)
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
        path = self._path(self._check(url, guarded=guarded))
        if ref is not None and _FULL.fullmatch(ref):
            resolved = Resolved(commit=ref, branch=None)
        else:
            resolved = await self.resolve(url, ref, credentials, guarded=guarded)
        if not await _has_commit(path, resolved.commit):
            remote = await self._remote(url, credentials, guarded=guarded)
            await self._update(remote, resolved.commit)
            if not await _has_commit(path, resolved.commit):
                raise no_such_ref(ref or resolved.commit, remote.address)
        return Tree(
            mirror=str(path),
            commit=resolved.commit,
            branch=resolved.branch,
            repository=repository,
            default_branch=resolved.default_branch,
        )

    async def env(
        self, url: str, credentials: GitCredentials | None, *, guarded: bool
    ) -> Mapping[str, str]:
        """What git is given to speak to that address, and to no other; it holds the token."""
        return (await self._remote(url, credentials, guarded=guarded)).env

    def path(self, url: str) -> Path:
        """Where the repository's mirror is, or will be."""
        return self._path(self._check(url, guarded=False))

    def bundle(self, tree: Tree, have: str | None = None) -> AsyncIterator[bytes]:
        """See sandbox.sources.bundle."""
        return bundle(tree, have)

    async def _update(self, remote: Remote, commit: str | None) -> None:
        """Fetch everything under the lock, unless somebody else has brought the commit by then."""
        await remote.check_whole()
        path = self._path(remote.address)
        async with locked(path.with_suffix(".lock")):
            if commit is not None and await _has_commit(path, commit):
                return
            if await asyncio.to_thread(path.exists):
                await _bring_up(path, remote, commit)
                return
            async with scratch(self._directory) as place:
                building = place / "mirror.git"
                await git("init", "--quiet", "--bare", "--template=", "--", str(building))
                await _fetch(building, remote, commit)
                await asyncio.to_thread(building.rename, path)

    async def _remote(
        self, url: str, credentials: GitCredentials | None, *, guarded: bool
    ) -> Remote:
        address = self._check(url, guarded=guarded)
        settings = credential_config(address.url, credentials)
        if guarded:
            settings |= await guard(address, private_hosts=self._private_hosts)
        protocols = "https:http:ssh" + ("" if address.host else ":file")
        env = {"GIT_ALLOW_PROTOCOL": protocols, **config_env(settings)}
        if self._ssh_command is not None:
            env["GIT_SSH_COMMAND"] = self._ssh_command
        return Remote(address=address, env=env, with_token=credentials is not None)

    def _check(self, url: str, *, guarded: bool) -> Address:
        return check_address(url, allow_local=self._allow_local and not guarded)

    def _path(self, address: Address) -> Path:
        return (self._directory / f"{address.slug}.git").absolute()


async def _bring_up(path: Path, remote: Remote, commit: str | None) -> None:
    """Fetch into a mirror that is in use; its readers see whole refs and whole packs only."""
    await clear_leftovers(path)
    try:
        await _fetch(path, remote, commit)
    except BaseException:
        # Our git was ended with us, perhaps in the middle.
        await clear_leftovers(path, stale_seconds=0)
        raise
    await _join_packs(path)


async def _join_packs(path: Path) -> None:
    """Every fetch adds a pack, and git looks through all of them: small ones are made one."""
    packs = await asyncio.to_thread(lambda: list((path / "objects" / "pack").glob("*.pack")))
    if len(packs) > _MANY_PACKS:
        # Nothing is ever left out, only joined; where it fails, the next fetch tries again.
        with contextlib.suppress(GitFailed):
            await git("repack", "--geometric=2", "-d", "--quiet", git_dir=path)


async def _fetch(path: Path, remote: Remote, commit: str | None) -> None:
    await remote.fetch_all(path)
    if commit is not None and not await _has_commit(path, commit):
        await remote.fetch_commit(path, commit)


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
