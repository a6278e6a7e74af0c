"""The workspace: starts, stops, and what tests and the demonstration do in it."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from chatbot.demo.workspace.api import Api
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.page_api import HEADERS, PageApi, explain
from chatbot.demo.workspace.people import People
from chatbot.demo.workspace.rates import Rates
from chatbot.demo.workspace.socket_mode import SocketMode
from chatbot.demo.workspace.state import State
from chatbot.demo.workspace.web_api import Call, Fault, WebApi

Json = dict[str, Any]

MAX_UPLOAD_BYTES = 256 * 1024**2


class Workspace:
    """Two persons, a bot, two channels and a direct message each. All state is in memory."""

    def __init__(
        self,
        *,
        port: int = 0,
        notice: str = "",
        suggestions: tuple[str, ...] = (),
        rate_limits: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.port = port
        self.bot_token = f"xoxb-local-{secrets.token_hex(12)}"
        self.app_token = f"xapp-local-{secrets.token_hex(12)}"
        self.state = State(clock)
        self._notice, self._suggestions = notice, suggestions
        self._rates = Rates(time.monotonic, is_on=rate_limits)
        self._socket_mode = SocketMode()
        self._changes = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def bot_user_id(self) -> str:
        return self.state.bot.id

    @property
    def team_id(self) -> str:
        return self.state.team_id

    @property
    def calls(self) -> list[Call]:
        """Every call of the Web API so far."""
        return self._web_api.calls

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._build()
        application = web.Application(client_max_size=MAX_UPLOAD_BYTES, middlewares=[explain])
        application.router.add_route("*", "/api/{method}", self._web_api.handle)
        application.router.add_get("/link", self._socket_mode.serve)
        application.router.add_post("/upload/{file_id}", self._take_upload)
        application.router.add_get("/files/{file_id}/{name}", self._serve_file)
        application.add_routes(self._page.routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        await self._page.close_sockets()
        await self._socket_mode.close()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._runner.cleanup()

    # What people do

    async def post(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """Write a message; answers its ts."""
        place = self.state.channel(channel)
        return self._people.say(
            self.state.user(user), place, text, thread_ts=thread_ts, files=files
        )

    async def edit(self, channel: str, ts: str, text: str) -> None:
        self._people.edit(self.state.channel(channel), ts, text)

    async def delete(self, channel: str, ts: str) -> None:
        self._people.delete(self.state.channel(channel), ts)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> Json:
        """Press a button of a message; raises NotAcknowledged, or ApiError: there is none."""
        place = self.state.channel(channel)
        return await self._people.press(self.state.user(user), place, ts, action_id, value=value)

    async def submit_view(self, user: str, view_id: str, values: Json) -> Json:
        return await self._people.submit(self.state.user(user), view_id, values)

    # What can be seen

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """As Slack has them, metadata included."""
        place = self.state.channel(channel)
        if thread_ts is None:
            return self.state.top_level(place)
        return self.state.thread(place, thread_ts)

    def reactions(self, channel: str, ts: str) -> set[str]:
        message = self.state.message(self.state.channel(channel), ts)
        return {reaction["name"] for reaction in message.get("reactions", [])}

    def views(self, user: str) -> list[Json]:
        """Modals that are open for this person."""
        person = self.state.user(user).id
        return [view for view in self.state.views.values() if view["_user"] == person]

    async def wait_for(self, found: Callable[[], Any], *, seconds: float = 10.0) -> Any:
        """Look after each change until ``found`` answers something true; raises TimeoutError."""
        async with asyncio.timeout(seconds), self._changes:
            while not (answer := found()):
                await self._changes.wait()
            return answer

    # Faults

    def fail_next(
        self,
        method: str,
        error: str = "internal_error",
        *,
        status: int = 200,
        retry_after: int | None = None,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Refuse the next calls of that method; ``after``: once they were done."""
        fault = Fault(
            method=method,
            error=error,
            status=status,
            retry_after=retry_after,
            left=times,
            after=after,
        )
        self._web_api.faults.append(fault)

    async def drop_sockets(self) -> None:
        """Cut every Socket Mode connection."""
        await self._socket_mode.drop()

    def _build(self) -> None:
        events = Events(self.state, self._socket_mode, url=self.url)
        api = Api(self.state, events, self._socket_mode, url=self.url, changed=self._announce)
        self._web_api = WebApi(
            api=api,
            rates=self._rates,
            bot_token=self.bot_token,
            app_token=self.app_token,
            clock=self.state.clock,
        )
        self._people = People(self.state, events, api, changed=self._announce)
        self._page = PageApi(
            self.state, self._people, notice=self._notice, suggestions=self._suggestions
        )

    def _announce(self, change: Json) -> None:
        task = asyncio.create_task(self._tell(change))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, change: Json) -> None:
        async with self._changes:
            self._changes.notify_all()
        await self._page.tell(change)

    async def _take_upload(self, request: web.Request) -> web.Response:
        file = self.state.files.get(request.match_info["file_id"])
        data = await request.read()
        if file is None or file.is_complete or len(data) != int(request.query["length"]):
            return web.Response(status=400, text="NO - the upload does not fit")
        file.data = data
        return web.Response(text=f"OK - {len(data)}")

    async def _serve_file(self, request: web.Request) -> web.Response:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
        is_bot = hmac.compare_digest(offered.encode(), self.bot_token.encode())
        file = self.state.files.get(request.match_info["file_id"])
        if file is None or not (is_bot or request.query.get("page") == "1"):
            raise web.HTTPNotFound
        headers = {**HEADERS, "Content-Disposition": "attachment"}
        return web.Response(
            body=file.data, content_type="application/octet-stream", headers=headers
        )
