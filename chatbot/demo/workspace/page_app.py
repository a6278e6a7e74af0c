"""What the page shows of the app itself: its commands, shortcuts, home tab and prompts."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.installed import COMMANDS, SHORTCUTS
from chatbot.demo.workspace.page_wire import answer, asking, given
from chatbot.demo.workspace.people import People
from chatbot.demo.workspace.socket_mode import NotAcknowledged
from chatbot.demo.workspace.state import State

Json = dict[str, Any]


class PageApp:
    """Handlers beside those of the messages."""

    def __init__(self, state: State, people: People) -> None:
        self._state = state
        self._people = people

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/archives/{channel}/{mark}", self.archive),
            web.post("/page/app", self.app),
            web.post("/page/command", self.command),
            web.post("/page/shortcut", self.shortcut),
            web.post("/page/look", self.look),
        ]

    async def archive(self, request: web.Request) -> web.Response:
        """A message's address, as Slack gives them: where it stands on the page."""
        digits = request.match_info["mark"].removeprefix("p")
        if not digits.isdecimal() or not request.match_info["channel"].isalnum():
            raise web.HTTPNotFound
        raise web.HTTPFound(f"/#{request.match_info['channel']}/{digits[:-6]}.{digits[-6:]}")

    async def app(self, request: web.Request) -> web.Response:
        """What its manifest offers."""
        await given(request)
        return answer({"commands": list(COMMANDS), "shortcuts": list(SHORTCUTS)})

    async def command(self, request: web.Request) -> web.Response:
        sent = await given(request)
        line = str(sent.get("text", "")).strip()
        if sent.get("thread_ts"):
            raise ApiError(f"{line.split()[0]} is not supported in threads.")
        if line.split()[0] not in {command["command"] for command in COMMANDS}:
            raise ApiError(f"{line.split()[0]} is not a valid command.")
        channel = self._state.channel(str(sent.get("channel")))
        try:
            await self._people.command(self._state.user(asking(sent)), channel, line)
        except NotAcknowledged:
            raise ApiError(f"{line.split()[0]} failed: operation_timeout.") from None
        return answer({})

    async def shortcut(self, request: web.Request) -> web.Response:
        """On a message where one is named."""
        sent = await given(request)
        channel = self._state.channel(str(sent["channel"])) if sent.get("ts") else None
        callback_id, ts = str(sent.get("callback_id")), str(sent.get("ts", ""))
        try:
            await self._people.shortcut(self._state.user(asking(sent)), callback_id, channel, ts)
        except NotAcknowledged:
            raise ApiError("The app did not answer in time.") from None
        return answer({})

    async def look(self, request: web.Request) -> web.Response:
        """At a tab of the app; answers what stands there now, the app may publish more."""
        sent = await given(request)
        user = self._state.user(asking(sent))
        if not sent.get("is_shown_only"):
            self._people.look_at_app(user, str(sent.get("tab")))
        return answer(
            {
                "home": self._state.homes.get(user.id),
                "prompts": self._state.prompts.get(self._state.channel(user.id).id),
            }
        )
