"""What every part of the forge's REST API asks first: which repository, and may this token?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from chatbot.demo.forge.access import Identity, offered_token
from chatbot.demo.forge.answers import raised, stamp
from chatbot.demo.forge.records import Issue, Pull
from chatbot.demo.forge.repositories import Repository

if TYPE_CHECKING:
    from chatbot.demo.forge.server import Forge

BASE = "/api/v3/repos/{owner}/{name}"


class Api:
    """A part of the API under `/api/v3`, where an Enterprise Server has it."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def _readable(
        self, request: web.Request, permission: str = "metadata", level: str = "read"
    ) -> tuple[Repository, Identity | None]:
        """404 for what the token may not see, as GitHub does; 403 for what it may not do."""
        identity = self._forge.access.identity(request)
        if offered_token(request) is not None and identity is None:
            raise raised(401, "Bad credentials")
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        repository = self._forge.repositories.get(name)
        is_elsewhere = identity is not None and (
            identity.repositories is not None and name not in identity.repositories
        )
        if repository is None or (repository.private and (identity is None or is_elsewhere)):
            raise raised(404, "Not Found")
        if level == "write":
            if identity is None:
                raise raised(401, "Requires authentication")
            if is_elsewhere or not self._may_write(identity, repository):
                raise raised(403, "Resource not accessible by integration")
        if identity is not None and not identity.may(permission, level):
            raise raised(403, "Resource not accessible by integration")
        return repository, identity

    def _may_write(self, identity: Identity, repository: Repository) -> bool:
        return identity.permissions is not None or self._forge.permission(
            repository.name, identity.login
        ) in {"write", "admin"}

    def _find_pull(
        self, request: web.Request, level: str = "read"
    ) -> tuple[Repository, Pull, Identity | None]:
        repository, identity = self._readable(request, "pull_requests", level)
        number = int(request.match_info["number"])
        for pull in repository.pulls:
            if pull.number == number:
                return repository, pull, identity
        raise raised(404, "Not Found")

    def _find_issue(
        self, request: web.Request, level: str = "read"
    ) -> tuple[Repository, Issue | Pull, Identity | None]:
        """A pull request is an issue too, and the other's right will do."""
        repository, identity = self._readable(request)
        number = int(request.match_info["number"])
        listed: list[Issue | Pull] = [*repository.issues, *repository.pulls]
        for found in listed:
            if found.number == number:
                right = "pull_requests" if isinstance(found, Pull) else "issues"
                if level == "write":
                    self._readable(request, right, level)
                return repository, found, identity
        raise raised(404, "Not Found")

    def _association(self, repository: Repository, login: str) -> str:
        level = self._forge.permission(repository.name, login)
        return {"admin": "OWNER", "write": "COLLABORATOR"}.get(level, "NONE")

    def _api_url(self, repository: Repository) -> str:
        return f"{self._forge.api_url}/repos/{repository.name}"

    def _html_url(self, repository: Repository) -> str:
        return f"{self._forge.url}/{repository.name}"


async def body(request: web.Request) -> dict[str, Any]:
    given = await request.json() if request.can_read_body else {}
    return given if isinstance(given, dict) else {}


def repository_json(
    forge: Forge, repository: Repository, identity: Identity | None
) -> dict[str, Any]:
    owner, _, name = repository.name.partition("/")
    html_url = f"{forge.url}/{repository.name}"
    found: dict[str, Any] = {
        "id": 1,
        "name": name,
        "full_name": repository.name,
        "owner": {"login": owner, "id": 2, "type": "Organization"},
        "private": repository.private,
        "archived": repository.archived,
        "disabled": False,
        "fork": bool(repository.fork_of),
        "description": repository.description or None,
        "default_branch": repository.default_branch,
        "pushed_at": stamp(repository.pushed_at),
        "url": f"{forge.api_url}/repos/{repository.name}",
        "html_url": html_url,
        "clone_url": f"{html_url}.git",
    }
    if repository.fork_of:
        found["parent"] = {"full_name": repository.fork_of}
    if identity is not None and identity.permissions is None:
        # An installation's token is told its rights elsewhere.
        push = forge.permission(repository.name, identity.login) in {"write", "admin"}
        found["permissions"] = {"admin": False, "push": push, "pull": True}
    return found
