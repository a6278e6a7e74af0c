"""The workspace: starts, stops, and what tests and the demonstration do in it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from aiohttp import web

from chatbot.demo.workspace.api import Api
from chatbot.demo.workspace.api.base import Base
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.guard import guard
from chatbot.demo.workspace.http_delivery import HttpDelivery
from chatbot.demo.workspace.installed import EVENTS, SCOPES, Installed
from chatbot.demo.workspace.page_api import PageApi
from chatbot.demo.workspace.page_app import PageApp
from chatbot.demo.workspace.people import People
from chatbot.demo.workspace.places import Places
from chatbot.demo.workspace.rates import Rates
from chatbot.demo.workspace.responses import Responses
from chatbot.demo.workspace.socket_mode import SocketMode
from chatbot.demo.workspace.state import State
from chatbot.demo.workspace.web_api import Call, Fault, WebApi
from chatbot.demo.workspace.wire import Wire

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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        scopes: tuple[str, ...] = SCOPES,
        events: tuple[str, ...] = EVENTS,
        agent_sessions: bool = False,
        team_id: str = "T0LOCAL",
        enterprise_id: str | None = None,
        is_org_install: bool = False,
    ) -> None:
        """``scopes`` and ``events``: what the app was granted, as its manifest asks for.

        ``enterprise_id``: the organisation that the workspace is of, which may be the installer.
        """
        self.port = port
        self.bot_token = f"xoxb-local-{secrets.token_hex(12)}"
        self.app_token = f"xapp-local-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.state = State(
            clock, team_id=team_id, enterprise_id=enterprise_id, is_org_install=is_org_install
        )
        self._notice, self._suggestions = notice, suggestions
        self._rates = Rates(clock, is_on=rate_limits)
        self._socket_mode = SocketMode(sleep=sleep)
        self._installed = Installed(scopes=scopes, events=events)
        self._has_sessions = agent_sessions
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
    def connections(self) -> int:
        """How many stand."""
        return self._socket_mode.count

    @property
    def calls(self) -> list[Call]:
        """Every call of the Web API so far."""
        return self._web_api.calls

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._build()
        application = web.Application(client_max_size=MAX_UPLOAD_BYTES, middlewares=[guard])
        application.router.add_route("*", "/api/{method}", self._web_api.handle)
        application.router.add_get("/link", self._socket_mode.serve)
        application.add_routes(self._wire.routes())
        application.add_routes(self._page.routes())
        application.add_routes(PageApp(self.state, self._people).routes())
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

    async def post_as_app(self, channel: str, text: str, **more: Any) -> str:
        """Another app speaks, see `People.say_as_app`; answers its message's ts."""
        return self._people.say_as_app(self.state.channel(channel), text, **more)

    async def edit(self, channel: str, ts: str, text: str) -> None:
        self._people.edit(self.state.channel(channel), ts, text)

    async def delete(self, channel: str, ts: str) -> None:
        self._people.delete(self.state.channel(channel), ts)

    async def react(self, user: str, channel: str, ts: str, name: str, *, on: bool = True) -> None:
        """Set a reaction, or take it back."""
        person, place = self.state.user(user), self.state.channel(channel)
        self._people.react(person, place, ts, name, on=on)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> Json:
        """Press a button of a message; raises NotAcknowledged, or ApiError: there is none."""
        place = self.state.channel(channel)
        return await self._people.press(self.state.user(user), place, ts, action_id, value=value)

    async def click_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        values: Json | None = None,
        *,
        chosen: Json | None = None,
        block_id: str | None = None,
    ) -> Json:
        """Press a button of a modal or the home tab, or choose in a menu of it."""
        person = self.state.user(user)
        return await self._people.press_view(
            person, view_id, action_id, values or {}, chosen=chosen, block_id=block_id
        )

    async def choose(self, user: str, channel: str, ts: str, action_id: str, chosen: Json) -> Json:
        """Choose in a menu of a message what it offered."""
        place = self.state.channel(channel)
        return await self._people.press(self.state.user(user), place, ts, action_id, chosen=chosen)

    async def suggest(
        self,
        user: str,
        action_id: str,
        typed: str,
        *,
        channel: str = "",
        ts: str = "",
        view: str = "",
    ) -> list[Json]:
        """Type in a menu that the app fills; answers what it offers; raises NotAcknowledged."""
        message = (self.state.channel(channel), ts) if channel else None
        answer = await self._people.suggest(
            self.state.user(user), action_id, typed, message=message, view_id=view
        )
        groups = answer.get("option_groups") or [answer]
        return [option for group in groups for option in group.get("options") or []]

    async def submit_view(self, user: str, view_id: str, values: Json) -> Json:
        return await self._people.submit(self.state.user(user), view_id, values)

    async def open_dm(self, user: str) -> str:
        """Look at the messages with the app; answers their channel."""
        return self._people.look_at_app(self.state.user(user), "messages").id

    async def open_home(self, user: str) -> Json | None:
        """Look at the app's home; answers what it shows now."""
        person = self.state.user(user)
        self._people.look_at_app(person, "home")
        return self.state.homes.get(person.id)

    async def command(self, user: str, channel: str, line: str) -> Json:
        """A slash command with its words; raises NotAcknowledged."""
        person, place = self.state.user(user), self.state.channel(channel)
        return await self._people.command(person, place, line)

    async def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> Json:
        """A shortcut of the app, on a message where one is named; raises NotAcknowledged."""
        place = self.state.channel(channel) if channel else None
        return await self._people.shortcut(self.state.user(user), callback_id, place, ts)

    async def stop_session(self, user: str, channel: str, thread_ts: str) -> None:
        """Slack's own Stop button of an agent session."""
        place = self.state.channel(channel)
        self._people.stop_session(self.state.user(user), place, thread_ts)

    # What owners do

    async def archive(self, channel: str, *, user: str = "ada") -> None:
        self._places.archive(self.state.user(user), self.state.channel(channel))

    async def unarchive(self, channel: str, *, user: str = "ada") -> None:
        self._places.unarchive(self.state.user(user), self.state.channel(channel))

    async def rename(self, channel: str, name: str, *, user: str = "ada") -> None:
        self._places.rename(self.state.user(user), self.state.channel(channel), name)

    async def delete_channel(self, channel: str, *, user: str = "ada") -> None:
        """For good."""
        self._places.delete(self.state.user(user), self.state.channel(channel))

    async def remove_bot(self, channel: str, *, user: str = "ada") -> None:
        self._places.remove_bot(self.state.user(user), self.state.channel(channel))

    async def invite_bot(self, channel: str, *, user: str = "ada") -> None:
        self._places.invite_bot(self.state.user(user), self.state.channel(channel))

    async def leave(self, channel: str, user: str) -> None:
        self._places.leave(self.state.user(user), self.state.channel(channel))

    async def join(self, channel: str, user: str) -> None:
        self._places.join(self.state.user(user), self.state.channel(channel))

    # What can be seen

    def status(self, channel: str, thread_ts: str) -> str:
        """What stands under the thread while the app works."""
        return self._people.status(self.state.channel(channel), thread_ts)

    def home(self, user: str) -> Json | None:
        return self.state.homes.get(self.state.user(user).id)

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """As Slack has them, metadata included."""
        place = self.state.channel(channel)
        if thread_ts is None:
            return self.state.top_level(place)
        return self.state.thread(place, thread_ts)

    def reactions(self, channel: str, ts: str) -> set[str]:
        message = self.state.message(self.state.channel(channel), ts)
        return {reaction["name"] for reaction in message.get("reactions", [])}

    def ephemerals(self, user: str | None = None) -> list[Json]:
        """Messages that only one person sees; all of them, or this person's."""
        person = None if user is None else self.state.user(user).id
        return [message for message in self.state.ephemerals if person in {None, message["to"]}]

    def file(self, file_id: str) -> bytes:
        return self.state.file(file_id).data

    def views(self, user: str) -> list[Json]:
        """Modals that are open for this person."""
        person = self.state.user(user).id
        return [view for view in self.state.views.values() if view["_user"] == person]

    async def wait_for(self, found: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        """Look after each change until ``found`` answers something true; raises TimeoutError."""
        async with asyncio.timeout(seconds), self._changes:
            while not (answer := found()):
                await self._changes.wait()
            return answer

    # Faults

    def fail_next(
        self,
        method: str,
        error: str | None = None,
        *,
        status: int = 200,
        retry_after: int | None = None,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Refuse the next calls of that method; ``after``: once they were done."""
        fault = Fault(
            method=method,
            error=error or ("ratelimited" if status == 429 else "internal_error"),
            status=status,
            retry_after=retry_after,
            left=times,
            after=after,
        )
        self._web_api.faults.append(fault)

    async def deliver_again(self, channel: str, ts: str) -> None:
        """Send the events of a person's message anew, as Slack does where it was not sure."""
        place = self.state.channel(channel)
        self._events.message(place, self.state.message(place, ts))

    async def deliver_to(self, url: str) -> None:
        """Call the app at this address from now on, once it has shown that it is the app's."""
        delivery = HttpDelivery(url, signing_secret=self.signing_secret, clock=self.state.clock)
        await delivery.verify_address()
        self._socket_mode.use_http(delivery)

    async def settle(self) -> None:
        """Until the app has acknowledged all that it was told of so far."""
        await self._socket_mode.settle()

    def lose_acknowledgements(self, times: int) -> None:
        """So many of the next ones do not arrive, in either mode."""
        self._socket_mode.lose(times)

    async def rest(self) -> None:
        """Tell the app of nothing more: it is about to end."""
        await self._socket_mode.rest()

    async def uninstall(self) -> None:
        """Remove the app, as an owner of the workspace does; its token is good no more."""
        self._web_api.bot_token = f"gone-{secrets.token_hex(8)}"
        self._events.uninstalled()

    def revoke_tokens(self, *, users: Collection[str] = (), bots: Collection[str] = ()) -> None:
        """Take back tokens of people, or the app's own."""
        if bots:
            self._web_api.bot_token = f"gone-{secrets.token_hex(8)}"
        self._events.tokens_revoked(users, bots)

    def revoke_access(self) -> None:
        """The organisation takes the app out of this workspace."""
        self._events.access_revoked()

    async def refresh_sockets(self) -> None:
        """Ask every connection to come back anew, as Slack does every few hours."""
        await self._socket_mode.refresh()

    async def drop_sockets(self) -> None:
        """Cut every Socket Mode connection."""
        await self._socket_mode.drop()

    def _build(self) -> None:
        responses = Responses(self.state, url=self.url)
        events = Events(self.state, self._socket_mode, responses, self._installed)
        self._events = events
        base = Base(state=self.state, events=events, url=self.url, changed=self._announce)
        api = Api(base, self._socket_mode, has_sessions=self._has_sessions)
        self._wire = Wire(self.state, api, responses, bot_token=self.bot_token)
        self._web_api = WebApi(
            api=api,
            rates=self._rates,
            installed=self._installed,
            bot_token=self.bot_token,
            app_token=self.app_token,
            clock=self.state.clock,
        )
        self._people = People(self.state, events, api, changed=self._announce)
        self._places = Places(self.state, events, changed=self._announce)
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
