"""Several workspaces at once: one front for each that installed the app, behind one door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import parse_qs

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from chatbot.config import Settings
from chatbot.given import Fetch
from chatbot.history import queries
from chatbot.history.given import Given
from chatbot.history.store import History
from chatbot.models import Thread
from chatbot.slack.clients import make_client
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import HttpDoor
from chatbot.slack.installations import Installations, Installed
from chatbot.slack.uploads import GivenRefused
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

CALL_SECONDS = 30.0
LOOK_SECONDS = 60.0
"""Tokens near their end, and fronts that could not be started, are looked for so often."""
GONE = frozenset({"app_uninstalled", "tokens_revoked"})

MakeFront = Callable[[Installed], SlackFront]


class Workspaces:
    """The same face as one front's."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        *,
        public_url: str,
        door: HttpDoor,
        make_front: MakeFront,
    ) -> None:
        self._settings = settings
        self._history = history
        self._public_url = public_url
        self._door = door
        self._make_front = make_front
        self._fronts: dict[str, SlackFront] = {}
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self.fetchers: Mapping[str, Fetch] = {
            name: partial(self._fetch, name) for name in ("slack_file", "slack_thread")
        }

    async def start(self) -> None:
        """A workspace that does not let us in now is tried again; the others are served."""
        slack = self._settings.slack
        assert slack.client_secret is not None  # noqa: S101 - the configuration is checked
        assert slack.signing_secret is not None  # noqa: S101
        async with AsyncExitStack() as stack:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            client = make_client(None, slack.api_url, session, retries=True)
            self._installations = Installations(
                self._settings.data.directory / "slack-installations.db",
                client_id=slack.client_id,
                client_secret=slack.client_secret.get_secret_value(),
                client=client,
            )
            await self._installations.open()
            flow = self._installations.flow(public_url=self._public_url)
            # For requests of no workspace: Slack's look at the address.
            self._base = AsyncApp(
                name="threadsmith",
                client=client,
                signing_secret=slack.signing_secret.get_secret_value(),
                authorize=_nobody,  # type: ignore[arg-type]
                process_before_response=True,
            )
            stack.push_async_callback(self._stop_fronts)
            await self._look()
            looking = asyncio.create_task(self._look_again(), name="slack workspaces")
            stack.push_async_callback(_cancel, looking)
            self._door.open(
                self._dispatch,
                install=flow.handle_installation,
                redirect=partial(self._installed, flow),
            )
            stack.callback(self._door.close)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        await self._stack.aclose()

    async def permalink(self, thread: Thread) -> str:
        front = self._fronts.get(thread.team)
        return "" if front is None else await front.permalink(thread)

    async def open_thread(self, channel: str, words: str, key: str) -> Thread | None:
        """In the workspace that has this channel; only one can have it."""
        for front in list(self._fronts.values()):
            if await front.has_channel(channel):
                return await front.open_thread(channel, words, key)
        return None

    async def _fetch(self, name: str, item: Given) -> bytes:
        task = await self._history.read(partial(queries.get_task, task_id=item.task_id))
        front = self._fronts.get(task.thread.team) if task.thread else None
        if front is None:
            raise GivenRefused("Its workspace is not connected")
        return await front.fetchers[name](item)

    async def _dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        team, event = _read(request)
        front = self._fronts.get(team)
        if front is None:
            # Its signature is looked at all the same; nothing listens there.
            return await self._base.async_dispatch(request)
        answer = await front.dispatch(request)
        if answer.status != 401 and event in GONE:
            await self._remove(team)
            return BoltResponse(status=200, body="")
        return answer

    async def _installed(self, flow: AsyncOAuthFlow, request: AsyncBoltRequest) -> BoltResponse:
        answer = await flow.handle_callback(request)
        if answer.status == 200:
            await self._look(is_new=True)
        return answer

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self, *, is_new: bool = False) -> None:
        """Start what is not served yet, and hand out tokens that were renewed."""
        async with self._lock:
            for team in await self._installations.teams():
                found = await self._installations.find(team)
                if found is None:
                    continue
                front = self._fronts.get(team)
                if front is not None and (not is_new or front.token == found.token):
                    front.token = found.token
                    continue
                if front is not None:
                    await self._fronts.pop(team).stop()
                await self._serve(found)

    async def _serve(self, found: Installed) -> None:
        front = self._make_front(found)
        try:
            await front.start()
        except ThreadsmithError as error:
            log.warning("slack_workspace_unserved", team=found.team, reason=error.brief)
        else:
            self._fronts[found.team] = front

    async def _remove(self, team: str) -> None:
        async with self._lock:
            front = self._fronts.pop(team, None)
            await self._installations.remove(team)
            if front is not None:
                await front.stop()
        log.info("slack_workspace_gone", team=team)

    async def _stop_fronts(self) -> None:
        fronts, self._fronts = list(self._fronts.values()), {}
        await asyncio.gather(*(front.stop() for front in fronts))


def _read(request: AsyncBoltRequest) -> tuple[str, str]:
    """The workspace that a request says it is of, and the event in it; not believed yet."""
    text = request.raw_body
    try:
        if text.lstrip().startswith("{"):
            body = json.loads(text)
        else:
            form = {name: values[0] for name, values in parse_qs(text).items()}
            body = json.loads(form["payload"]) if "payload" in form else form
        team = body.get("team") if isinstance(body.get("team"), dict) else {}
        event = body.get("event") if isinstance(body.get("event"), dict) else {}
        return str(body.get("team_id") or team.get("id") or ""), str(event.get("type") or "")
    except (ValueError, AttributeError):
        return "", ""


async def _nobody() -> AuthorizeResult | None:
    return None


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
