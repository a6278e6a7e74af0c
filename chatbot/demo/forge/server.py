"""The forge: starts, stops, and what tests and the demo ask of it."""

from __future__ import annotations

import fnmatch
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from chatbot.demo.forge.access import Access
from chatbot.demo.forge.git_http import MAX_PUSH_BYTES, serve_git
from chatbot.demo.forge.pages import Pages
from chatbot.demo.forge.repositories import Pull, Repository, make_repository
from chatbot.demo.forge.rest import RestApi, refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class _Failure:
    method: str
    pattern: str
    status: int
    left: int
    after: bool


@dataclass(kw_only=True)
class Forge:
    """GitHub-compatible, for one token. Bare repositories live under ``directory``."""

    directory: Path
    port: int = 0
    clock: Callable[[], float] = time.time
    token: str = field(default_factory=lambda: f"ghp_{secrets.token_hex(18)}")
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """`METHOD path` of everything that was asked."""

    def __post_init__(self) -> None:
        self.access = Access(self.token)
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
        application.add_routes(RestApi(self).routes())
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

    async def merge(self, name: str, number: int) -> str | None:
        """Fast-forward the base to the pull request's head, where that is possible."""
        repository = self.repositories[name]
        pull = next(pull for pull in repository.pulls if pull.number == number)
        head = await repository.commit_of(f"refs/heads/{pull.head}")
        base = await repository.commit_of(f"refs/heads/{pull.base}")
        if head is None or pull.state != "open" or await repository.merge_base(pull) != base:
            return None
        await repository.move_branch(pull.base, head)
        pull.state, pull.merged = "closed", True
        return head

    def fail_next(
        self, method: str, pattern: str, status: int, *, times: int = 1, after: bool = False
    ) -> None:
        """Answer the next matching requests with ``status``; ``after``: once they were done."""
        self._failures.append(_Failure(method, pattern, status, times, after))

    async def _git(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self.repositories.get(name)
        if repository is None:
            # GitHub does not tell a stranger what is private from what does not exist.
            status = 404 if self.access.is_allowed(request) else 401
            headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
            return web.Response(status=status, headers=headers, text="Repository not found.\n")
        return await serve_git(request, repository, self.access)

    @web.middleware
    async def _failing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        failure = self._failure(request)
        if failure is None or failure.after:
            answer = await handler(request)
            if failure is None:
                return answer
        return refusal(failure.status, "Injected failure")

    def _failure(self, request: web.Request) -> _Failure | None:
        for failure in self._failures:
            if failure.method == request.method and fnmatch.fnmatch(request.path, failure.pattern):
                failure.left -= 1
                if failure.left <= 0:
                    self._failures.remove(failure)
                return failure
        return None
