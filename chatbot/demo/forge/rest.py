"""GitHub's REST API of repositories: what they are, their branches, commits, files and forks."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import offered_token, user_json
from chatbot.demo.forge.answers import conditional, json_response, page, raised, refusal
from chatbot.demo.forge.api import BASE, Api, repository_json
from chatbot.demo.forge.repositories import Repository
from sandbox.git import GitFailed, git


class RepositoryApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v3/user", self.user),
            web.get("/api/v3/user/repos", self.repositories),
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

    async def repositories(self, request: web.Request) -> web.Response:
        """Those that the person owns or was let into; an installation has none of its own."""
        identity = self._forge.access.identity(request)
        if identity is None:
            raise raised(401, "Requires authentication")
        if identity.permissions is not None:
            return refusal(403, "Resource not accessible by integration")
        known = {"owner", "collaborator", "organization_member"}
        wanted = set(request.query.get("affiliation", ",".join(known)).split(","))
        if not wanted <= known:
            return refusal(422, "Validation Failed")
        listed = [
            repository_json(self._forge, repository, identity)
            for name, repository in sorted(self._forge.repositories.items())
            if self._forge.affiliation(name, identity.login) in wanted
        ]
        return page(request, listed)

    async def someone(self, request: web.Request) -> web.Response:
        login = request.match_info["login"]
        number = self._forge.people.get(login)
        if number is None:
            return refusal(404, "Not Found")
        return conditional(request, user_json(login, number))

    async def repository(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        return conditional(request, repository_json(self._forge, repository, identity))

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
        return json_response(repository_json(self._forge, fork, identity), status=202)

    async def permission(self, request: web.Request) -> web.Response:
        repository, identity = self._readable(request)
        if identity is None:
            return refusal(401, "Requires authentication")
        login = request.match_info["login"]
        level = self._forge.permission(repository.name, login)
        found = {"permission": level, "role_name": level, "user": user_json(login)}
        return conditional(request, found)


def _branch_json(repository: Repository, name: str, commit: str) -> dict[str, Any]:
    protected = name in repository.protected
    return {"name": name, "commit": {"sha": commit}, "protected": protected}
