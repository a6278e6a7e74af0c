"""GitHub's REST API of apps: who the app is, where it is installed, and its short-lived tokens."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import user_json
from chatbot.demo.forge.answers import conditional, json_response, page, raised, refusal, stamp
from chatbot.demo.forge.api import BASE, Api, body, repository_json

INSTALLATION = 99
"""The first account's number."""


class AppApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v3/app", self.app),
            web.get("/api/v3/app/installations", self.installations),
            web.get("/api/v3/installation/repositories", self.repositories),
            web.get(BASE + "/installation", self.installation),
            web.post("/api/v3/app/installations/{id:\\d+}/access_tokens", self.token),
        ]

    async def app(self, request: web.Request) -> web.Response:
        self._check(request)
        app = self._forge.access.app
        return conditional(
            request, {"id": app.id, "slug": app.slug, "name": app.slug, "owner": user_json("acme")}
        )

    async def installations(self, request: web.Request) -> web.Response:
        self._check(request)
        return page(request, [self._installation_json(owner) for owner in self._owners()])

    async def installation(self, request: web.Request) -> web.Response:
        self._check(request)
        owner, name = request.match_info["owner"], request.match_info["name"]
        if f"{owner}/{name}" not in self._forge.access.app.repositories:
            return refusal(404, "Not Found")
        return conditional(request, self._installation_json(owner))

    async def repositories(self, request: web.Request) -> web.Response:
        """For an installation's token, and no other."""
        identity = self._forge.access.identity(request)
        if identity is None:
            raise raised(401, "Bad credentials")
        if identity.repositories is None:
            return refusal(403, "You must authenticate with an installation access token")
        names = [name for name in self._forge.repositories if name in identity.repositories]
        listed = [
            repository_json(self._forge, self._forge.repositories[name], identity)
            for name in sorted(names)
        ]
        return page(request, listed, wrap="repositories")

    def _owners(self) -> list[str]:
        """An app is installed for an account."""
        return sorted({name.partition("/")[0] for name in self._forge.access.app.repositories})

    def _installation_json(self, owner: str) -> dict[str, Any]:
        app = self._forge.access.app
        suspended = "2026-01-01T00:00:00Z" if owner in app.suspended else None
        return {
            "id": INSTALLATION + self._owners().index(owner),
            "account": {"login": owner, "type": "Organization"},
            "app_slug": app.slug,
            "permissions": app.permissions,
            "repository_selection": "selected",
            "suspended_at": suspended,
        }

    async def token(self, request: web.Request) -> web.Response:
        self._check(request)
        app = self._forge.access.app
        given = await body(request)
        wanted = given.get("repositories")
        number = int(request.match_info["id"]) - INSTALLATION
        if not 0 <= number < len(self._owners()):
            return refusal(404, "Not Found")
        owner = self._owners()[number]
        if owner in app.suspended:
            return refusal(403, "This installation has been suspended")
        short = {
            name.partition("/")[2]: name
            for name in app.repositories
            if name.partition("/")[0] == owner
        }
        if wanted is not None and not set(wanted) <= set(short):
            return refusal(
                422, "There is at least one repository that does not exist or is not accessible."
            )
        names = frozenset(short[name] for name in (short if wanted is None else wanted))
        rights = given.get("permissions") or app.permissions
        if any(app.permissions.get(name) not in {level, "write"} for name, level in rights.items()):
            return refusal(422, "The permissions requested are not granted to this installation.")
        token, identity = self._forge.access.mint(names, dict(rights))
        return json_response(
            {
                "token": token,
                "expires_at": stamp(identity.expires_at or 0),
                "permissions": dict(rights),
                "repositories": [{"full_name": name} for name in sorted(names)],
            },
            status=201,
        )

    def _check(self, request: web.Request) -> None:
        if not self._forge.access.is_app(request):
            raise raised(401, "A JSON web token could not be decoded")
