"""What a person sees of the forge: repositories, files, commits and pull requests."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import git as gitpython
import jinja2
from aiohttp import web

from chatbot.demo.forge.records import Pull
from chatbot.demo.forge.repositories import Repository
from chatbot.web.markdown import make_markdown, render_markdown
from sandbox.git import GitFailed

if TYPE_CHECKING:
    from chatbot.demo.forge.server import Forge

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
}
MAX_SHOWN_BYTES = 200_000
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Pages:
    """Handlers of the forge's HTML pages."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/static/forge.css", self.style),
            web.get("/{owner}/{name}", self.repository),
            web.get("/{owner}/{name}/pull/{number:\\d+}", self.pull),
            web.get("/{owner}/{name}/commit/{commit}", self.commit),
            web.get("/{owner}/{name}/blob/{ref}/{path:.+}", self.blob),
        ]

    async def index(self, _: web.Request) -> web.Response:
        return _page("index.html", repositories=list(self._forge.repositories.values()))

    async def style(self, _: web.Request) -> web.Response:
        text = _source("forge.css")
        return web.Response(text=text, content_type="text/css", headers=HEADERS)

    async def repository(self, request: web.Request) -> web.Response:
        repository = self._find(request)
        return _page(
            "repository.html",
            repository=repository,
            branches=await repository.branches(),
            files=await repository.files(repository.default_branch),
        )

    async def pull(self, request: web.Request) -> web.Response:
        repository = self._find(request)
        number = int(request.match_info["number"])
        pull = next((p for p in repository.pulls if p.number == number), None)
        if pull is None:
            raise web.HTTPNotFound
        await self._forge.update_pull_ref(repository, pull)
        shown = await asyncio.to_thread(_read_pull, repository, pull)
        # GitHub does not show comments.
        body = render_markdown(make_markdown(), _COMMENT.sub("", pull.body))
        return _page("pull.html", repository=repository, pull=pull, body=body, **shown)

    async def commit(self, request: web.Request) -> web.Response:
        repository = self._find(request)
        commit = await repository.commit_of(request.match_info["commit"])
        if commit is None:
            raise web.HTTPNotFound
        shown = await asyncio.to_thread(_read_commit, repository, commit)
        return _page("commit.html", repository=repository, **shown)

    async def blob(self, request: web.Request) -> web.Response:
        repository = self._find(request)
        ref, path = request.match_info["ref"], request.match_info["path"]
        try:
            data = await repository.read_file(ref, path)
        except GitFailed:
            raise web.HTTPNotFound from None
        text = data[:MAX_SHOWN_BYTES].decode(errors="replace")
        lines = text.splitlines()
        return _page("blob.html", repository=repository, ref=ref, path=path, lines=lines)

    def _find(self, request: web.Request) -> Repository:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self._forge.repositories.get(name)
        if repository is None or repository.private:
            raise web.HTTPNotFound
        return repository


def _read_pull(repository: Repository, pull: Pull) -> dict[str, Any]:
    with gitpython.Repo(repository.path) as repo:
        head = f"refs/pull/{pull.number}/head"
        commits = list(repo.iter_commits(f"{pull.base}..{head}"))
        diff = repo.git.diff(f"{pull.base}...{head}", "--no-color", "--no-ext-diff")
    return {"commits": commits, "lines": _diff_lines(diff)}


def _read_commit(repository: Repository, commit_id: str) -> dict[str, Any]:
    with gitpython.Repo(repository.path) as repo:
        commit = repo.commit(commit_id)
        diff = repo.git.show(commit_id, "--format=", "--no-color", "--no-ext-diff")
    return {"commit": commit, "lines": _diff_lines(diff)}


def _diff_lines(diff: str) -> list[tuple[str, str]]:
    """Each line with its class."""
    kinds = (("+++", "head"), ("---", "head"), ("diff ", "file"), ("@@", "hunk"))
    found = []
    for line in diff[:MAX_SHOWN_BYTES].splitlines():
        kind = next((kind for start, kind in kinds if line.startswith(start)), "")
        if not kind and line[:1] in {"+", "-"}:
            kind = "added" if line[0] == "+" else "removed"
        found.append((kind, line))
    return found


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("chatbot.demo.forge"), autoescape=True, trim_blocks=True
    )


def _source(name: str) -> str:
    environment = _templates()
    assert environment.loader is not None  # noqa: S101 - set above; for the type checker
    return environment.loader.get_source(environment, name)[0]


def _page(template: str, **values: Any) -> web.Response:
    text = _templates().get_template(template).render(**values)
    return web.Response(text=text, content_type="text/html", headers=HEADERS)
