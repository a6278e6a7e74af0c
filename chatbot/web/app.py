"""The web application: task pages behind share links, and the HTTP API behind its token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.web.api import Api
from chatbot.web.guard import make_guard
from chatbot.web.pages import SharedTasks
from chatbot.web.render import Pages
from chatbot.web.setup import SetupApi
from chatbot.web.stream import Streams
from chatbot.web.wall import Handler, add_headers, make_wall
from chatbot.web.webhook import Webhook

STATIC = Path(__file__).parent / "static"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Said outright: hosts differ in what they guess, and browsers refuse the wrong one."""
MAX_BODY_BYTES = 1024**2
"""Of everything but an uploaded archive, which has a limit of its own."""


def make_web_app(
    settings: Settings,
    history: History,
    actions: Actions,
    intake: Intake,
    *,
    wake: Callable[[str], None] = lambda _: None,
    more: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Not started yet: the caller serves it and cleans it up.

    ``wake`` is told of each repository in which the forge says that something has happened;
    ``more``: doors that others keep.
    """
    pages = Pages()
    tasks = SharedTasks(history, pages)
    streams = Streams(history, tasks)
    api = Api(settings, history, actions, intake)
    setup = SetupApi(history, actions)
    app = web.Application(
        middlewares=[make_wall(pages), make_guard(settings.web.api_token)],
        client_max_size=MAX_BODY_BYTES,
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(streams.stop)
    app.add_routes(Webhook(settings.forge.webhook_secret, wake).routes())
    app.add_routes(more)
    app.add_routes([*tasks.routes(), *streams.routes(), *api.routes(), *setup.routes()])
    files = [path for path in STATIC.iterdir() if path.suffix in CONTENT_TYPES]
    app.add_routes([web.get(f"/static/{path.name}", _static(path)) for path in files])
    app.router.add_get("/healthz", _health(history))
    return app


def _static(path: Path) -> Handler:
    async def serve(_request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache", "Content-Type": CONTENT_TYPES[path.suffix]}
        return web.FileResponse(path, headers=headers)

    return serve


def _health(history: History) -> Handler:
    async def check(_request: web.Request) -> web.Response:
        await history.read(queries.last_event_id)
        return web.json_response({"status": "ok"})

    return check
