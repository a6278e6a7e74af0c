"""GitHub's REST API of repositories: what they are, their branches, commits, files and forks."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import Identity, offered_token, user_json
from chatbot.demo.forge.answers import conditional, json_response, page, refusal
from chatbot.demo.forge.api import BASE, Api
from chatbot.demo.forge.repositories import Repository
from sandbox.git import GitFailed, git


class RepositoryApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v3/user", self.user),
            web.get("/api/v3/users/{login}", self.someone),
            web.get(BASE, self.repository),
            web.get(BASE + "/branches", self.branches),
            web.get(BASE + "/branches/{branch:.+}", self.branch),
            web.get(BASE + "/git/ref/{ref:.+}", self.ref),
            web.get(BASE + "/git/refs/{ref:.+}", self.ref),
            web.delete(BASE + "/git/refs/{ref:.+}", self.delete_ref),
            web.get(BASE + "/contents/{path:.*}", self.contents),
            web.post(BASE + "/forks", self.fork),
            web.get(BASE + "/collaborators/{login}/permission", self.permission),
        ]

    async def user(self, request: web.Request) -> web.Response:
        identity = self._forge.access.identity(request)
        if identity is None:
            why = "Requires authentication" if offered_token(request) is None else "Bad credentials"
            return refusal(401, why)
        return conditional(request, user_json(identity.login))

    async def someone(self, request: web.Request) -> web.Response:
        login = request.match_info["login"]
        number = self._forge.people.get(login)
        if number is None:
            return refusal(404, "Not Found")
        return conditional(request, user_json(login, number))

    async def repository(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        return conditional(request, self._repository_json(repository, identity))

    async def branches(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents")
        listed = (await repository.branches()).items()
        return page(request, [_branch_json(repository, *pair) for pair in listed])

    async def branch(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents")
        name = request.match_info["branch"]
        commit = (await repository.branches()).get(name)
        if commit is None:
            return refusal(404, "Branch not found")
        return conditional(request, _branch_json(repository, name, commit))

    async def ref(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents")
        ref = f"refs/{request.match_info['ref']}"
        commit = await repository.commit_of(ref)
        if commit is None:
            return refusal(404, "Not Found")
        return conditional(request, {"ref": ref, "object": {"type": "commit", "sha": commit}})

    async def delete_ref(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents", "write")
        ref = f"refs/{request.match_info['ref']}"
        if await repository.commit_of(ref) is None:
            return refusal(422, "Reference does not exist")
        await self._forge.update_pull_refs(repository)
        await git("update-ref", "-d", ref, git_dir=repository.path)
        return web.Response(status=204)

    async def contents(self, request: web.Request) -> web.Response:
        repository, _ = self._readable(request, "contents")
        path = request.match_info["path"]
        ref = request.query.get("ref", repository.default_branch)
        try:
            data = await repository.read_file(ref, path)
        except GitFailed:
            return refusal(404, "Not Found")
        found = {
            "type": "file",
            "encoding": "base64",
            "size": len(data),
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "content": base64.encodebytes(data).decode(),
            "sha": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),  # noqa: S324
        }
        return conditional(request, found)

    async def fork(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        if identity is None:
            return refusal(401, "Requires authentication")
        if identity.permissions is not None:
            return refusal(403, "Resource not accessible by integration")
        fork = await self._forge.fork(repository.name, identity.login)
        return json_response(self._repository_json(fork, identity), status=202)

    async def permission(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        if identity is None:
            return refusal(401, "Requires authentication")
        login = request.match_info["login"]
        level = self._forge.permission(repository.name, login)
        found = {"permission": level, "role_name": level, "user": user_json(login)}
        return conditional(request, found)

    def _repository_json(self, repository: Repository, identity: Identity | None) -> dict[str, Any]:
        owner, _, name = repository.name.partition("/")
        found: dict[str, Any] = {
            "id": 1,
            "name": name,
            "full_name": repository.name,
            "owner": {"login": owner, "id": 2, "type": "Organization"},
            "private": repository.private,
            "archived": repository.archived,
            "fork": bool(repository.fork_of),
            "default_branch": repository.default_branch,
            "url": self._api_url(repository),
            "html_url": self._html_url(repository),
            "clone_url": f"{self._html_url(repository)}.git",
        }
        if repository.fork_of:
            found["parent"] = {"full_name": repository.fork_of}
        if identity is not None and identity.permissions is None:
            # An installation's token is told its rights elsewhere.
            push = self._may_write(identity, repository)
            found["permissions"] = {"admin": False, "push": push, "pull": True}
        return found


def _branch_json(repository: Repository, name: str, commit: str) -> dict[str, Any]:
    protected = name in repository.protected
    return {"name": name, "commit": {"sha": commit}, "protected": protected}
