"""Slack's side of the house: one socket for what people say and press, one reporter for answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import aiohttp
import structlog
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.config import ConfigError, Settings
from chatbot.given import Fetch
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Task, Thread
from chatbot.permissions import who_may
from chatbot.slack import faults
from chatbot.slack.access import Access
from chatbot.slack.admission import Admission
from chatbot.slack.afterwards import Afterwards
from chatbot.slack.changed import Changed
from chatbot.slack.choices import Choices
from chatbot.slack.clients import make_client
from chatbot.slack.commands import Commands
from chatbot.slack.decisions import Decisions
from chatbot.slack.given import SlackGiven
from chatbot.slack.homes import Homes
from chatbot.slack.http_door import HttpDoor
from chatbot.slack.installations import Installed
from chatbot.slack.listeners import (
    admission,
    buttons,
    change,
    changes,
    commands,
    forms,
    home,
    logs,
    mentions,
    messages,
    picker,
    reviews,
    shortcuts,
    steering,
)
from chatbot.slack.outbound import Outbound
from chatbot.slack.people import People
from chatbot.slack.picking import Picking
from chatbot.slack.reception import Reception
from chatbot.slack.reporter import Reporter
from chatbot.slack.reviews import Reviews
from chatbot.slack.sockets import Sockets
from chatbot.slack.starting import Starting
from chatbot.slack.steering import Steering
from chatbot.slack.threads import Threads
from chatbot.slack.uploads import Uploads
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

CALL_SECONDS = 30.0


class SlackRefused(ThreadsmithError):
    """Slack refused the tokens."""

    code = "slack_refused"
    resolution = "Check slack.bot_token (xoxb-…) and slack.app_token (xapp-…, connections:write)."


class SlackUnavailable(ThreadsmithError):
    """Slack cannot be reached."""

    code = "slack_unavailable"
    resolution = "Check the network and slack.api_url, then start again."


class SlackFront:
    """``start`` connects and goes on with what the threads do not show yet; ``stop`` ends both."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        actions: Actions,
        intake: Intake,
        *,
        public_url: str,
        linking: Linking,
        door: HttpDoor | None = None,
        installed: Installed | None = None,
    ) -> None:
        """``door``: where Slack's requests come in, in mode `http`.

        ``installed``: the workspace, one of several: then ``dispatch`` is given what comes.
        """
        self._linking = linking
        self._installed = installed
        self._clients: list[AsyncWebClient] = []
        self._app: AsyncApp | None = None
        self.door = door or HttpDoor()
        self._threads: Threads | None = None
        self.fetchers: Mapping[str, Fetch] = {}
        """For what comes along with messages, once it is started."""
        self._settings = settings
        self._history = history
        self._actions = actions
        self._intake = intake
        self._public_url = public_url
        self._afterwards = Afterwards()
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Raises a ThreadsmithError where Slack does not let us in."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    @property
    def token(self) -> str:
        """The bot's; a new one holds from the next call on."""
        return self._clients[0].token or "" if self._clients else ""

    @token.setter
    def token(self, token: str) -> None:
        for client in self._clients:
            client.token = token

    async def dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        """Something of this workspace; its signature is checked here."""
        if self._app is None:
            return BoltResponse(status=503, body="")
        return await self._app.async_dispatch(request)

    async def has_channel(self, channel: str) -> bool:
        """Whether the workspace has it, and shows it to the bot."""
        try:
            answer = await self._clients[0].conversations_info(channel=channel)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError):
            return False
        # An organisation's token shows those of its other workspaces as well.
        of = (answer.get("channel") or {}).get("context_team_id")
        return self._installed is None or of in {None, self._installed.team}

    async def permalink(self, thread: Thread) -> str:
        """The thread's own address; empty where Slack does not tell."""
        return "" if self._threads is None else await self._threads.permalink(thread)

    async def open_thread(self, channel: str, words: str, key: str) -> Thread | None:
        """A new thread with these words, once for each key."""
        return None if self._threads is None else await self._threads.open(channel, words, key)

    async def stop(self) -> None:
        """Nothing more is taken, what was taken is stored and acknowledged, then all is closed."""
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        slack = self._settings.slack
        installed = self._installed
        token = installed.token if installed else _needed(slack.bot_token, "bot_token")
        is_http = slack.mode == "http"
        app_token = "" if is_http else _needed(slack.app_token, "app_token")
        signing_secret = _needed(slack.signing_secret, "signing_secret") if is_http else None
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        stack.push_async_callback(self._afterwards.finish)
        team = installed.team if installed and installed.is_org else None
        client = make_client(token, slack.api_url, session, retries=True, team=team)
        identity, workspace_url, socket_url = await _introduce(client, app_token)
        if installed is not None:
            # Of an organisation's token Slack tells the organisation.
            identity.team_id = installed.team
        app = AsyncApp(
            name="threadsmith",
            signing_secret=signing_secret,
            client=make_client(None, slack.api_url, session, retries=True),
            authorize=_authorize(identity),
            # A message is acknowledged once it is stored: a crash before that loses nothing.
            process_before_response=True,
            # What becomes of our own messages matters; what we say is left out where it is heard.
            ignoring_self_events_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        posting = make_client(token, slack.api_url, session, retries=False, team=team)
        self._clients = [client, posting]
        outbound = Outbound(posting)
        reporter = Reporter(
            self._history,
            outbound,
            team=identity.team_id or "",
            bot_id=identity.bot_id or "",
            public_url=self._public_url,
            is_log_open=self._is_log_open,
            places=self._settings.sandbox.max_runs,
        )
        people, access, uploads = self._register(app, client, session, identity, reporter)
        homes, starting = self._register_ways(
            *(app, client, people, access, uploads, identity, workspace_url)
        )
        for asked in await starting.left():
            self._afterwards.do(starting.go_on(asked, is_again=True))
        keeping = asyncio.create_task(homes.run(), name="slack homes")
        keeping.add_done_callback(_log_end)
        stack.push_async_callback(_cancel, keeping)
        reporting = asyncio.create_task(reporter.run(), name="slack reporter")
        reporting.add_done_callback(_log_end)
        stack.push_async_callback(_cancel, reporting)
        self._app = app
        if installed is None and is_http:
            self.door.open(app.async_dispatch)
            stack.push_async_callback(self.door.close)
        elif installed is None:
            sockets = Sockets(app, client, session, app_token=app_token, count=slack.connections)
            stack.push_async_callback(sockets.close)
            await _connect(sockets, socket_url)
        log.info("slack_connected", team=identity.team_id, bot=identity.bot_user_id)

    def _is_log_open(self, task: Task) -> bool:
        return who_may(self._settings, task.source.repository, "logs") is None

    def _register(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        identity: AuthorizeResult,
        reporter: Reporter,
    ) -> tuple[People, Access, Uploads]:
        team, bot_user_id = identity.team_id or "", identity.bot_user_id or ""
        people = People(client, team=team)
        admitted = Admission(settings=self._settings.slack, people=people)
        admission.register(app, admitted, client, self._afterwards)
        public = self._intake.repositories.public
        access = Access(self._settings, client, people, public=public)
        self._intake.gatekeepers[team] = access
        uploads = Uploads(
            session,
            token=lambda: client.token or "",
            api_url=client.base_url,
            proxy=client.proxy,
            directory=self._settings.data.directory / "uploads",
            limit_bytes=self._settings.web.max_upload_mib * 1024**2,
        )
        self.fetchers = SlackGiven(client, people, uploads, identity.bot_user_id or "").fetchers()
        reception = Reception(
            self._history,
            self._actions,
            self._intake,
            client=client,
            people=people,
            uploads=uploads,
            linking=self._linking,
            admission=admitted,
        )
        changed = Changed(
            actions=self._actions,
            intake=self._intake,
            reception=reception,
            people=people,
            reporter=reporter,
            access=access,
            client=client,
            team=team,
            bot_user_id=bot_user_id,
            bot_id=identity.bot_id or "",
        )
        # Before the listener for every message: the first that fits gets it.
        changes.register(app, changed)
        self._reception = reception
        bots = self._settings.slack.allow_bots
        bot_id = identity.bot_id or ""
        for said in (mentions, messages):
            said.register(
                *(app, reception), team=team, bot_user_id=bot_user_id, bot_id=bot_id, bots=bots
            )
        decisions = Decisions(self._history, self._actions, people, access)
        buttons.register(app, decisions)
        forms.register(app, decisions, client)
        logs.register(app, decisions, client, public_url=self._public_url)
        reviews.register(app, Reviews(self._history, self._actions, people, access), client)
        steering.register(
            *(app, Steering(self._history, self._intake, people), self._actions, people, client),
            team=team,
        )
        faults.register(app, client, self._actions, self._afterwards, team=team)
        return people, access, uploads

    def _register_ways(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        people: People,
        access: Access,
        uploads: Uploads,
        identity: AuthorizeResult,
        workspace_url: str,
    ) -> tuple[Homes, Starting]:
        """The ways to begin a task otherwise than by a message, the home tab among them."""
        team = identity.team_id or ""
        settings, history, intake = self._settings, self._history, self._intake
        threads = Threads(client, team=team, bot_id=identity.bot_id or "")
        self._threads = threads
        starting = Starting(settings, history, intake, threads, uploads, team=team)
        choices = Choices(settings, history, self._actions, intake, people, team=team)
        made = Commands(
            *(settings, history, self._actions, people, starting, intake.repositories),
            team=team,
            workspace_url=workspace_url,
        )
        self._reception.commands = made
        commands.register(app, made, starting, choices, client, self._afterwards)
        shortcuts.register(app, starting, people, client, self._afterwards)
        change.register(app, history, intake, people, client)
        picker.register(app, Picking(history, intake, people, access, team=team))
        homes = Homes(
            *(settings, history, client, people, access, intake.repositories),
            team=team,
            workspace_url=workspace_url,
        )
        admitted = Admission(settings=settings.slack, people=people)
        home.register(app, homes, choices, starting, client, admitted)
        return homes, starting


async def _connect(sockets: Sockets, url: str) -> None:
    try:
        await sockets.connect(url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnavailable(details=f"The socket was not accepted. {error}") from error


def _needed(secret: SecretStr | None, name: str) -> str:
    if secret is None or not secret.get_secret_value():
        raise ConfigError(f"slack.{name} is needed.")
    return secret.get_secret_value()


async def _introduce(client: AsyncWebClient, app_token: str) -> tuple[AuthorizeResult, str, str]:
    """Who we are, the workspace's address, and that of a socket; each token is tried here."""
    socket_url = ""
    try:
        me = await client.auth_test()
        if app_token:
            opened = await client.apps_connections_open(app_token=app_token)
            socket_url = str(opened["url"])
    except SlackApiError as error:
        raise SlackRefused(details=str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnavailable(details=str(error)) from error
    identity = AuthorizeResult(
        enterprise_id=me.get("enterprise_id"),
        team_id=me["team_id"],
        bot_user_id=me["user_id"],
        bot_id=me["bot_id"],
        bot_token=client.token,
    )
    return identity, str(me.get("url") or ""), socket_url


def _authorize(identity: AuthorizeResult) -> Callable[..., Awaitable[AuthorizeResult]]:
    async def authorize() -> AuthorizeResult:
        return identity

    return authorize


def _log_end(reporting: asyncio.Task[None]) -> None:
    if not reporting.cancelled() and (error := reporting.exception()):
        log.error("background_failed", exc_info=error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
