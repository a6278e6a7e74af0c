"""A task's source: which commit a run starts from, and the tree the sandbox is given."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from chatbot.config import Settings
from chatbot.forge.identity import Identity
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import PullRequest, Run, Task
from sandbox.errors import RefNotFound
from sandbox.git import GitCredentials
from sandbox.sources.archive import import_zip
from sandbox.sources.mirror import Mirrors
from sandbox.spec import Tree


def ssh_command(settings: Settings) -> str | None:
    """With the configured key and no other; without one, as the host's own user would."""
    forge = settings.forge
    if forge.ssh_key_file is None:
        return None
    options = [
        *("IdentitiesOnly=yes", "BatchMode=yes", "ForwardAgent=no", "ServerAliveInterval=30"),
        f"IdentityFile={_ssh_path(forge.ssh_key_file)}",
    ]
    if forge.ssh_known_hosts_file is not None:
        # The operator's own file is the whole truth.
        known = _ssh_path(forge.ssh_known_hosts_file)
        options += ["GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes"]
    else:
        # The first key that is seen is kept.
        known = _ssh_path(settings.data.directory / "known_hosts")
        options.append("StrictHostKeyChecking=accept-new")
    options.append(f"UserKnownHostsFile={known}")
    return shlex.join(("ssh", "-F", "/dev/null", *(f"-o{each}" for each in options)))


def _ssh_path(path: Path) -> str:
    """As ssh reads it: quoted for its blanks, its own marks doubled."""
    return '"' + str(path.expanduser().absolute()).replace("%", "%%") + '"'


def _forge_host(settings: Settings) -> tuple[str, ...]:
    """The forge may stand on a private address, by SSH too; never on this machine that way."""
    host = urlsplit(settings.forge.url).hostname
    return (host,) if host else ()


class TaskSources:
    """Git mirrors and unpacked archives under one directory."""

    def __init__(
        self, settings: Settings, history: History, identity: Identity | None = None
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._history = history
        self._directory = settings.data.directory
        self.mirrors = Mirrors(
            self._directory / "mirrors",
            allow_local=True,
            private_hosts=(*settings.sandbox.private_hosts, *_forge_host(settings)),
            ssh_command=ssh_command(settings),
        )

    async def credentials(self, url: str) -> GitCredentials | None:
        """The forge's token, for addresses on the forge only."""
        forge = f"{self._settings.forge.url.rstrip('/')}/"
        if self._identity is None or not url.startswith(forge):
            return None
        repository = url.removeprefix(forge).rstrip("/").removesuffix(".git")
        token = await self._identity.token(repository)
        return GitCredentials(username="x-access-token", token=token)

    async def resolve(self, task: Task, run: Run) -> Tree:
        """Where the run starts: the branch to be brought up to, the first attempt's base,
        unpublished work's base, the pull request's branch, or the ref.

        The tree's objects may not be in the mirror yet: ``fetch`` sees to that.
        """
        if task.source.kind == "zip":
            return await import_zip(
                Path(task.source.path),
                directory=self._directory / "archives",
                name=task.source.repository,
            )
        if run.update_onto is not None:
            return await self.look_up(task, run.update_onto)
        if run.attempt is not None and run.attempt > 1 and task.base_commit is not None:
            # Every attempt begins where the first one did, wherever its branch is by now.
            return self._at(task, task.base_commit, task.branch)
        if (base := await self._unpublished_base(task, run)) is not None:
            return base
        pull_request = task.pull_request
        if pull_request is not None and pull_request.state != "merged":
            try:
                return await self.published(task, pull_request)
            except RefNotFound:
                # Closed and cleaned up: further work starts afresh.
                pass
        return await self.look_up(task, task.source.ref)

    async def published(self, task: Task, pull_request: PullRequest) -> Tree:
        """What was published, as it is now, with what people have added."""
        if not pull_request.head_repository:
            return await self.look_up(task, pull_request.branch)
        # The fork's branch, as the repository itself knows it.
        found = await self.look_up(task, f"refs/pull/{pull_request.number}/head")
        return replace(found, branch=pull_request.branch)

    async def fetch(self, task: Task, tree: Tree) -> Tree:
        """Bring the commit into the mirror."""
        if task.source.kind == "zip":
            return tree
        url = task.source.url
        fetched = await self.mirrors.fetch(
            url,
            tree.commit,
            repository=task.source.repository,
            credentials=await self.credentials(url),
            guarded=self._is_guarded(task, url),
        )
        return replace(fetched, branch=tree.branch, default_branch=tree.default_branch)

    async def push_env(self, task: Task, url: str) -> Mapping[str, str]:
        """Variables with which git may write there, under the rules of reading."""
        return await self.mirrors.env(
            url, await self.credentials(url), guarded=self._is_guarded(task, url)
        )

    def _is_guarded(self, task: Task, url: str) -> bool:
        """Whether the address is a stranger's word: the forge's own and the operator's are not."""
        is_forge = url.startswith(f"{self._settings.forge.url.rstrip('/')}/")
        return task.origin != "cli" and not is_forge

    async def look_up(self, task: Task, ref: str | None) -> Tree:
        """What the ref means on the task's remote right now."""
        source = task.source
        resolved = await self.mirrors.resolve(
            source.url,
            ref,
            credentials=await self.credentials(source.url),
            guarded=self._is_guarded(task, source.url),
        )
        return Tree(
            mirror=str(self.mirrors.path(source.url)),
            commit=resolved.commit,
            branch=resolved.branch,
            repository=source.repository,
            default_branch=resolved.default_branch,
        )

    async def _unpublished_base(self, task: Task, run: Run) -> Tree | None:
        earlier = await self.unpublished(task, run)
        if earlier is None or earlier.base_commit is None:
            return None
        return self._at(task, earlier.base_commit, earlier.branch)

    def _at(self, task: Task, commit: str, branch: str | None) -> Tree:
        return Tree(
            mirror=str(self.mirrors.path(task.source.url)),
            commit=commit,
            branch=branch,
            repository=task.source.repository,
        )

    async def unpublished(self, task: Task, run: Run) -> Run | None:
        """The run that made the task's work so far, where that is not published."""
        sha256 = task.open_patch_sha256
        if sha256 is None:
            return None
        runs = await self._history.read(lambda db: queries.task_runs(db, task.id))
        for earlier in reversed(runs):
            if earlier.id != run.id and earlier.patch_sha256 == sha256 and earlier.base_commit:
                return earlier
        return None
