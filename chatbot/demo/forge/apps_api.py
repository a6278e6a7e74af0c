"""GitHub's REST API of apps: who the app is, where it is installed, and its short-lived tokens."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chatbot.demo.forge.access import user_json
from chatbot.demo.forge.answers import conditional, json_response, raised, refusal, stamp
from chatbot.demo.forge.api import BASE, Api, body

INSTALLATION = 99


class AppApi(Api):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v3/app", self.app),
            web.get(BASE + "/installation", self.installation),
            web.post("/api/v3/app/installations/{id:\\d+}/access_tokens", self.token),
        ]

    async def app(self, request: web.Request) -> web.Response:
        self._check(request)
        app = self._forge.access.app
        return conditional(
            request, {"id": app.id, "slug": app.slug, "name": app.slug, "owner": user_json("acme")}
        )

    async def installation(self, request: web.Request) -> web.Response:
        self._check(request)
        app = self._forge.access.app
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name not in app.repositories:
            return refusal(404, "Not Found")
        found: dict[str, Any] = {
            "id": INSTALLATION,
            "app_slug": app.slug,
            "permissions": app.permissions,
            "suspended_at": None,
        }
        return conditional(request, found)

    async def token(self, request: web.Request) -> web.Response:
        self._check(request)
        app = self._forge.access.app
        given = await body(request)
        wanted = given.get("repositories")
        short = {name.partition("/")[2]: name for name in app.repositories}
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
