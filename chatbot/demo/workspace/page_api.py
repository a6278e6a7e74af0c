"""What the chat page asks for and is told; on loopback, and only for a page of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.page_wire import HEADERS
from chatbot.demo.workspace.page_wire import answer as _json
from chatbot.demo.workspace.page_wire import check as _check
from chatbot.demo.workspace.page_wire import given as _given
from chatbot.demo.workspace.people import People
from chatbot.demo.workspace.socket_mode import NotAcknowledged
from chatbot.demo.workspace.state import State, User

Json = dict[str, Any]

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


class PageApi:
    """Handlers of the page; ``changed`` goes out to every open one."""

    def __init__(
        self, state: State, people: People, *, notice: str, suggestions: tuple[str, ...]
    ) -> None:
        self._state = state
        self._people = people
        self._notice = notice
        self._suggestions = suggestions
        self._sockets: dict[web.WebSocketResponse, str] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/page/static/{name}", self.static),
            web.get("/page/socket", self.socket),
            web.get("/page/state", self.state),
            web.get("/page/messages", self.messages),
            web.post("/page/post", self.post),
            web.post("/page/edit", self.edit),
            web.post("/page/delete", self.delete),
            web.post("/page/react", self.react),
            web.post("/page/upload", self.upload),
            web.post("/page/click", self.click),
            web.post("/page/suggest", self.suggest),
            web.post("/page/submit", self.submit),
            web.post("/page/close", self.close),
        ]

    async def index(self, _: web.Request) -> web.Response:
        return _file("index.html")

    async def static(self, request: web.Request) -> web.Response:
        return _file(request.match_info["name"])

    async def socket(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request.query)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        self._sockets[socket] = user.id
        try:
            async for _ in socket:
                pass
        finally:
            del self._sockets[socket]
        return socket

    async def tell(self, change: Json) -> None:
        """To all, or to the one person it is for."""
        wanted = change.get("user")
        text = json.dumps(change)
        for socket, user in list(self._sockets.items()):
            if wanted in {None, user} and not socket.closed:
                await socket.send_str(text)

    async def close_sockets(self) -> None:
        for socket in list(self._sockets):
            await socket.close()

    async def state(self, request: web.Request) -> web.Response:
        _check(request)
        user = self._user(request.query)
        state = self._state
        channels = [
            {
                "id": channel.id,
                "name": "Threadsmith" if channel.kind == "im" else channel.name,
                "kind": channel.kind,
                **({"user": state.bot.id} if channel.kind == "im" else {}),
            }
            for channel in state.channels.values()
            if user.id in channel.members
        ]
        return _json(
            {
                "me": _person(user),
                "people": [_person(person) for person in state.users.values()],
                "channels": channels,
                "notice": self._notice,
                "suggestions": list(self._suggestions),
                "views": self._people.open_views(user),
            }
        )

    async def messages(self, request: web.Request) -> web.Response:
        _check(request)
        channel = self._state.channel(request.query.get("channel", ""))
        thread_ts = request.query.get("thread_ts")
        return _json({"messages": self._people.see(self._user(request.query), channel, thread_ts)})

    async def post(self, request: web.Request) -> web.Response:
        given = await _given(request)
        channel = self._state.channel(str(given.get("channel")))
        text = str(given.get("text", ""))
        if not text.strip():
            raise ApiError("no_text")
        thread_ts = given.get("thread_ts")
        return _json(
            {"ts": self._people.say(self._user(given), channel, text, thread_ts=thread_ts)}
        )

    async def edit(self, request: web.Request) -> web.Response:
        given = await _given(request)
        channel = self._state.channel(str(given.get("channel")))
        text = str(given.get("text", ""))
        if not text.strip():
            raise ApiError("no_text")
        self._people.edit(channel, str(given.get("ts")), text, by=self._user(given))
        return _json({})

    async def delete(self, request: web.Request) -> web.Response:
        given = await _given(request)
        channel = self._state.channel(str(given.get("channel")))
        self._people.delete(channel, str(given.get("ts")), by=self._user(given))
        return _json({})

    async def react(self, request: web.Request) -> web.Response:
        given = await _given(request)
        user, channel = self._user(given), self._state.channel(str(given.get("channel")))
        ts, name = str(given.get("ts")), str(given.get("name"))
        self._people.react(user, channel, ts, name, on=bool(given.get("on", True)))
        return _json({})

    async def upload(self, request: web.Request) -> web.Response:
        _check(request)
        form = await request.post()
        channel = self._state.channel(str(form.get("channel")))
        files = [file for file in form.getall("file", []) if isinstance(file, web.FileField)]
        if not files:
            raise ApiError("no_file")
        ts = self._people.say(
            self._user({"as": str(form.get("as"))}),
            channel,
            str(form.get("text", "")),
            thread_ts=str(form["thread_ts"]) if form.get("thread_ts") else None,
            files={Path(file.filename).name: file.file.read() for file in files},
        )
        return _json({"ts": ts})

    async def click(self, request: web.Request) -> web.Response:
        given = await _given(request)
        user, action_id = self._user(given), str(given.get("action_id"))
        chosen = given.get("selected_option")
        try:
            if given.get("view_id"):
                view_id, values = str(given["view_id"]), given.get("values") or {}
                await self._people.press_view(
                    user,
                    view_id,
                    action_id,
                    values,
                    chosen=chosen,
                    block_id=given.get("block_id"),
                )
                return _json({})
            await self._people.press(
                user,
                self._state.channel(str(given.get("channel"))),
                str(given.get("ts")),
                action_id,
                block_id=given.get("block_id"),
                chosen=chosen,
            )
        except NotAcknowledged:
            raise ApiError("The app did not answer in time.") from None
        return _json({})

    async def suggest(self, request: web.Request) -> web.Response:
        given = await _given(request)
        message = None
        if not given.get("view_id"):
            message = self._state.channel(str(given.get("channel"))), str(given.get("ts"))
        try:
            answer = await self._people.suggest(
                self._user(given),
                str(given.get("action_id")),
                str(given.get("value", "")),
                message=message,
                view_id=str(given.get("view_id") or ""),
            )
        except NotAcknowledged:
            raise ApiError("The app did not answer in time.") from None
        return _json(answer)

    async def submit(self, request: web.Request) -> web.Response:
        given = await _given(request)
        try:
            answer = await self._people.submit(
                self._user(given), str(given.get("view_id")), given.get("values") or {}
            )
        except NotAcknowledged:
            raise ApiError("The app did not answer in time.") from None
        if answer.get("response_action") == "errors":
            return _json({"errors": answer.get("errors", {})}, ok=False)
        return _json({})

    async def close(self, request: web.Request) -> web.Response:
        given = await _given(request)
        self._people.close_view(self._user(given), str(given.get("view_id")))
        return _json({})

    def _user(self, given: Any) -> User:
        return self._state.user(given.get("as") or "ada")


def _person(user: User) -> Json:
    return {"id": user.id, "name": user.name, "real_name": user.real_name, "is_bot": user.is_bot}


def _file(name: str) -> web.Response:
    path = PAGE / Path(name).name
    kind = TYPES.get(path.suffix)
    if kind is None or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(text=path.read_text(), content_type=kind, headers=HEADERS)
