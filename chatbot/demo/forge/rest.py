"""GitHub's REST API, as far as a client that opens pull requests uses it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from chatbot.demo.forge.access import offered_token
from chatbot.demo.forge.repositories import Pull, Repository
from sandbox.git import GitFailed

if TYPE_CHECKING:
    from chatbot.demo.forge.server import Forge

BOT = "threadsmith-bot"


class RestApi:
    """Handlers under `/api/v3`, where an Enterprise Server has them."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v3/repos/{owner}/{name}"
        return [
            web.get("/api/v3/user", self.user),
            web.get(base, self.repository),
            web.get(base + "/branches", self.branches),
            web.get(base + "/branches/{branch:.+}", self.branch),
            web.get(base + "/git/ref/{ref:.+}", self.ref),
            web.get(base + "/git/refs/{ref:.+}", self.ref),
            web.get(base + "/commits/{ref:.+}", self.commit),
            web.get(base + "/contents/{path:.*}", self.contents),
            web.get(base + "/pulls", self.pulls),
            web.post(base + "/pulls", self.create_pull),
            web.get(base + "/pulls/{number:\\d+}", self.pull),
            web.patch(base + "/pulls/{number:\\d+}", self.edit_pull),
            web.put(base + "/pulls/{number:\\d+}/merge", self.merge),
            web.route("*", "/api/v3/{tail:.*}", self.unknown),
        ]

    # Reading

    async def user(self, request: web.Request) -> web.Response:
        if offered_token(request) is None:
            return refusal(401, "Requires authentication")
        return self._answer(request, {"login": BOT, "id": 1, "type": "User"})

    async def repository(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        return self._answer(request, self._repository_json(request, repository))

    async def branches(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        listed = (await repository.branches()).items()
        return self._page(request, [self._branch_json(repository, *pair) for pair in listed])

    async def branch(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        name = request.match_info["branch"]
        commit = (await repository.branches()).get(name)
        if commit is None:
            return refusal(404, "Branch not found")
        return self._answer(request, self._branch_json(repository, name, commit))

    async def ref(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        ref = f"refs/{request.match_info['ref']}"
        commit = await repository.commit_of(ref)
        if commit is None:
            return refusal(404, "Not Found")
        found = {"ref": ref, "object": {"type": "commit", "sha": commit}}
        return self._answer(request, found)

    async def commit(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        commit = await repository.commit_of(request.match_info["ref"])
        if commit is None:
            return refusal(422, f"No commit found for SHA: {request.match_info['ref']}")
        url = f"{self._forge.url}/{repository.name}/commit/{commit}"
        return self._answer(request, {"sha": commit, "html_url": url})

    async def contents(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        path = request.match_info["path"]
        ref = request.query.get("ref", repository.default_branch)
        try:
            data = await repository.read_file(ref, path)
        except GitFailed:
            return refusal(404, "Not Found")
        return self._answer(
            request,
            {
                "type": "file",
                "encoding": "base64",
                "size": len(data),
                "name": path.rsplit("/", 1)[-1],
                "path": path,
                "content": base64.encodebytes(data).decode(),
                "sha": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),  # noqa: S324
            },
        )

    async def pulls(self, request: web.Request) -> web.Response:
        repository = self._readable(request)
        state = request.query.get("state", "open")
        head = request.query.get("head", "").rpartition(":")[2]
        base = request.query.get("base")
        chosen = [
            pull
            for pull in reversed(repository.pulls)
            if (state in {"all", pull.state})
            and (not head or pull.head == head)
            and (not base or pull.base == base)
        ]
        return self._page(request, [await self._pull_json(repository, pull) for pull in chosen])

    async def pull(self, request: web.Request) -> web.Response:
        repository, pull = self._find_pull(request)
        return self._answer(request, await self._pull_json(repository, pull))

    # Writing

    async def create_pull(self, request: web.Request) -> web.Response:
        repository = self._writable(request)
        given = await request.json()
        head, base = str(given.get("head", "")).rpartition(":")[2], str(given.get("base", ""))
        branches = await repository.branches()
        errors = [
            {"resource": "PullRequest", "field": field, "code": "invalid"}
            for field, name in (("head", head), ("base", base))
            if name not in branches
        ]
        if not given.get("title"):
            errors.append({"resource": "PullRequest", "field": "title", "code": "missing_field"})
        if not errors:
            message = None
            if any(
                p.head == head and p.base == base and p.state == "open" for p in repository.pulls
            ):
                owner = repository.name.partition("/")[0]
                message = f"A pull request already exists for {owner}:{head}."
            elif not await repository.has_commits(base, head):
                message = f"No commits between {base} and {head}"
            if message is not None:
                errors.append({"resource": "PullRequest", "code": "custom", "message": message})
        if errors:
            return refusal(422, "Validation Failed", errors=errors)
        pull = Pull(
            number=len(repository.pulls) + 1,
            title=str(given["title"]),
            body=str(given.get("body") or ""),
            head=head,
            base=base,
            draft=bool(given.get("draft")),
        )
        repository.pulls.append(pull)
        return json_response(await self._pull_json(repository, pull), status=201)

    async def edit_pull(self, request: web.Request) -> web.Response:
        self._writable(request)
        repository, pull = self._find_pull(request)
        given = await request.json()
        pull.title = given.get("title", pull.title)
        pull.body = given.get("body", pull.body)
        pull.state = given.get("state", pull.state)
        pull.base = given.get("base", pull.base)
        pull.updated_at = datetime.now(UTC).timestamp()
        return json_response(await self._pull_json(repository, pull))

    async def merge(self, request: web.Request) -> web.Response:
        self._writable(request)
        repository, pull = self._find_pull(request)
        commit = await self._forge.merge(repository.name, pull.number)
        if commit is None:
            return refusal(405, "Pull Request is not mergeable")
        return json_response({"sha": commit, "merged": True})

    async def unknown(self, _: web.Request) -> web.Response:
        return refusal(404, "Not Found")

    # Forms

    def _readable(self, request: web.Request) -> Repository:
        """404 for what the token may not see, as GitHub does."""
        token = offered_token(request)
        if token is not None and not self._forge.access.is_allowed(request):
            raise _raised(401, "Bad credentials")
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self._forge.repositories.get(name)
        if repository is None or (repository.private and token is None):
            raise _raised(404, "Not Found")
        return repository

    def _writable(self, request: web.Request) -> Repository:
        repository = self._readable(request)
        if not self._forge.access.is_allowed(request):
            raise _raised(401, "Requires authentication")
        return repository

    def _find_pull(self, request: web.Request) -> tuple[Repository, Pull]:
        repository = self._readable(request)
        number = int(request.match_info["number"])
        for pull in repository.pulls:
            if pull.number == number:
                return repository, pull
        raise _raised(404, "Not Found")

    def _repository_json(self, request: web.Request, repository: Repository) -> dict[str, Any]:
        owner, _, name = repository.name.partition("/")
        url = self._forge.url
        return {
            "id": 1,
            "name": name,
            "full_name": repository.name,
            "owner": {"login": owner, "id": 2, "type": "Organization"},
            "private": repository.private,
            "archived": False,
            "default_branch": repository.default_branch,
            "url": f"{self._forge.api_url}/repos/{repository.name}",
            "html_url": f"{url}/{repository.name}",
            "clone_url": f"{url}/{repository.name}.git",
            "permissions": {
                "admin": False,
                "push": self._forge.access.is_allowed(request),
                "pull": True,
            },
        }

    def _branch_json(self, repository: Repository, name: str, commit: str) -> dict[str, Any]:
        protected = repository.protected and name == repository.default_branch
        return {"name": name, "commit": {"sha": commit}, "protected": protected}

    async def _pull_json(self, repository: Repository, pull: Pull) -> dict[str, Any]:
        owner = repository.name.partition("/")[0]
        return {
            "id": pull.number,
            "number": pull.number,
            "state": pull.state,
            "draft": pull.draft,
            "merged": pull.merged,
            "title": pull.title,
            "body": pull.body,
            "url": f"{self._forge.api_url}/repos/{repository.name}/pulls/{pull.number}",
            "html_url": f"{self._forge.url}/{repository.name}/pull/{pull.number}",
            "user": {"login": BOT, "id": 1, "type": "User"},
            "created_at": _stamp(pull.created_at),
            "updated_at": _stamp(pull.updated_at),
            "head": {
                "ref": pull.head,
                "label": f"{owner}:{pull.head}",
                "sha": await repository.commit_of(f"refs/heads/{pull.head}"),
            },
            "base": {
                "ref": pull.base,
                "label": f"{owner}:{pull.base}",
                "sha": await repository.commit_of(f"refs/heads/{pull.base}"),
            },
        }

    def _answer(self, request: web.Request, value: Any) -> web.Response:
        """With an ETag, so that a conditional request costs nothing."""
        text = json.dumps(value)
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return json_response(value, headers={"ETag": etag})

    def _page(self, request: web.Request, values: list[Any]) -> web.Response:
        size = min(int(request.query.get("per_page", "30")), 100)
        page = int(request.query.get("page", "1"))
        headers = {}
        if page * size < len(values):
            following = request.url.update_query(page=str(page + 1))
            headers["Link"] = f'<{following}>; rel="next"'
        return json_response(values[(page - 1) * size : page * size], headers=headers)


def json_response(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}
    return web.json_response(value, status=status, headers={**limits, **(headers or {})})


def refusal(
    status: int, message: str, *, errors: list[dict[str, str]] | None = None
) -> web.Response:
    """GitHub's form of an error."""
    body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    if errors is not None:
        body["errors"] = errors
    return json_response(body, status=status)


def _raised(status: int, message: str) -> web.HTTPException:
    answer = refusal(status, message)
    kind = {401: web.HTTPUnauthorized, 404: web.HTTPNotFound}[status]
    return kind(text=answer.text, content_type="application/json")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
