"""The forge: starts, stops, and what tests and the demo ask of it."""

from __future__ import annotations

import fnmatch
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from chatbot.demo.forge.access import Access, ForgeApp
from chatbot.demo.forge.answers import refusal
from chatbot.demo.forge.apps_api import AppApi
from chatbot.demo.forge.git_http import MAX_PUSH_BYTES, serve_git
from chatbot.demo.forge.issues_api import IssueApi
from chatbot.demo.forge.pages import Pages
from chatbot.demo.forge.people import People
from chatbot.demo.forge.pulls_api import PullApi
from chatbot.demo.forge.records import Pull
from chatbot.demo.forge.repositories import Repository, make_fork, make_repository
from chatbot.demo.forge.rest import RepositoryApi
from sandbox.git import git

BOT = "threadsmith-bot"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class _Failure:
    method: str
    pattern: str
    status: int
    left: int
    after: bool
    headers: dict[str, str]
    message: str


@dataclass(kw_only=True)
class Forge(People):
    """GitHub-compatible, for one bot and one app. Bare repositories live under ``directory``."""

    directory: Path
    port: int = 0
    clock: Callable[[], float] = time.time
    token: str = field(default_factory=lambda: f"ghp_{secrets.token_hex(18)}")
    app: ForgeApp = field(default_factory=ForgeApp)
    people: dict[str, int] = field(default_factory=lambda: {"ada": 7, "grace": 8, "mallory": 9})
    """Login to number."""
    requests: list[str] = field(default_factory=list)
    """`METHOD path` of everything that was asked."""

    def __post_init__(self) -> None:
        self.access = Access(bot=BOT, token=self.token, app=self.app, clock=self.clock)
        self._failures: list[_Failure] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """As an Enterprise Server has it."""
        return f"{self.url}/api/v3"

    def clone_url(self, name: str) -> str:
        return f"{self.url}/{name}.git"

    async def start(self) -> None:
        application = web.Application(middlewares=[self._failing], client_max_size=MAX_PUSH_BYTES)
        for part in (AppApi, PullApi, IssueApi, RepositoryApi):
            application.add_routes(part(self).routes())
        application.router.add_route("*", "/api/v3/{tail:.*}", _unknown)
        application.router.add_route(
            "*",
            "/{owner}/{name}.git/{tail:(?:info/refs|git-upload-pack|git-receive-pack)}",
            self._git,
        )
        application.add_routes(Pages(self).routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def add_repository(
        self, name: str, files: Mapping[str, bytes], *, private: bool = False
    ) -> Repository:
        """A repository with one commit on `main`."""
        repository = await make_repository(
            self.directory, name, files, private=private, at=self.clock()
        )
        self.repositories[name] = repository
        return repository

    async def commit(
        self,
        name: str,
        files: Mapping[str, bytes | None],
        *,
        branch: str = "main",
        message: str = "A change by a person",
    ) -> str:
        """Commit as a person would who pushes; answers the new commit."""
        return await self.repositories[name].commit(branch, files, message, at=self.clock())

    async def read_file(self, name: str, ref: str, path: str) -> bytes:
        return await self.repositories[name].read_file(ref, path)

    async def branches(self, name: str) -> dict[str, str]:
        return await self.repositories[name].branches()

    def pulls(self, name: str) -> list[Pull]:
        return list(self.repositories[name].pulls)

    def permission(self, name: str, login: str) -> str:
        """What somebody may do in a repository: `admin`, `write`, `read` or `none`."""
        repository = self.repositories[name]
        if login in repository.people:
            return repository.people[login]
        is_own = login == BOT or login == name.partition("/")[0]
        return "write" if is_own else ("none" if repository.private else "read")

    def affiliation(self, name: str, login: str) -> str:
        """Why it is listed among somebody's own; empty: it is not. The bot is everywhere."""
        if login == name.partition("/")[0]:
            return "owner"
        if login in self.repositories[name].people:
            return "collaborator"
        return "organization_member" if login == BOT else ""

    async def fork(self, name: str, login: str) -> Repository:
        """Somebody's copy; the one that is there already, where there is one."""
        copied = f"{login}/{name.partition('/')[2]}"
        if copied not in self.repositories:
            original = self.repositories[name]
            self.repositories[copied] = await make_fork(self.directory, original, copied)
        return self.repositories[copied]

    async def update_pull_refs(self, repository: Repository) -> None:
        for pull in repository.pulls:
            await self.update_pull_ref(repository, pull)

    async def update_pull_ref(self, repository: Repository, pull: Pull) -> None:
        """`refs/pull/<number>/head` follows the branch, wherever that is, while it is there."""
        source = self.repositories[pull.head_repository or repository.name]
        head = await source.commit_of(f"refs/heads/{pull.head}")
        ref = f"refs/pull/{pull.number}/head"
        if head is None or (pull.state != "open" and await repository.commit_of(ref)):
            return
        if source is not repository:
            refs = f"+refs/heads/{pull.head}:{ref}"
            await git("fetch", "--quiet", str(source.path), refs, git_dir=repository.path)
        elif await repository.commit_of(ref) != head:
            await git("update-ref", ref, head, git_dir=repository.path)

    async def merge(self, name: str, number: int, *, by: str = "ada") -> str | None:
        """Fast-forward the base to the pull request's head, where that is possible."""
        repository, pull = self._pull(name, number)
        await self.update_pull_ref(repository, pull)
        head = await repository.head_of(pull)
        base = await repository.commit_of(f"refs/heads/{pull.base}")
        if head is None or pull.state != "open" or await repository.merge_base(pull) != base:
            return None
        await repository.move_branch(pull.base, head)
        pull.state, pull.merged, pull.merged_by = "closed", True, by
        await self.tell_closed(name, pull, by)
        return head

    def fail_next(
        self,
        method: str,
        pattern: str,
        status: int,
        *,
        times: int = 1,
        after: bool = False,
        headers: Mapping[str, str] | None = None,
        message: str = "Injected failure",
    ) -> None:
        """Answer the next matching requests with ``status``; ``after``: once they were done."""
        self._failures.append(
            _Failure(method, pattern, status, times, after, dict(headers or {}), message)
        )

    async def _git(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self.repositories.get(name)
        if repository is None:
            # GitHub does not tell a stranger what is private from what does not exist.
            status = 404 if self.access.identity(request) is not None else 401
            headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
            return web.Response(status=status, headers=headers, text="Repository not found.\n")
        await self.update_pull_refs(repository)
        identity = self.access.identity(request)
        is_here = identity is not None and (
            identity.repositories is None or name in identity.repositories
        )
        is_writer = identity is not None and (
            identity.may("contents", "write")
            if identity.permissions is not None
            else self.permission(name, identity.login) in {"write", "admin"}
        )
        return await serve_git(
            request,
            repository,
            is_known=identity is not None,
            may_read=not repository.private or is_here,
            may_write=is_here and is_writer and not repository.archived,
        )

    @web.middleware
    async def _failing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        failure = self._failure(request)
        if failure is None or failure.after:
            answer = await handler(request)
            if failure is None:
                return answer
        return refusal(failure.status, failure.message, headers=failure.headers)

    def _failure(self, request: web.Request) -> _Failure | None:
        for failure in self._failures:
            if failure.method == request.method and fnmatch.fnmatch(request.path, failure.pattern):
                failure.left -= 1
                if failure.left <= 0:
                    self._failures.remove(failure)
                return failure
        return None


async def _unknown(_: web.Request) -> web.Response:
    return refusal(404, "Not Found")
