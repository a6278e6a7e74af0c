"""Several workspaces at once: one front for each that installed the app, behind one door.

An organisation may install it as a whole: then one token is good for all of its workspaces, and
each is served from its first word on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from chatbot.config import Settings
from chatbot.given import Fetch
from chatbot.history import queries
from chatbot.history.given import Given
from chatbot.history.store import History
from chatbot.models import Thread
from chatbot.slack.clients import make_client
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import HttpDoor
from chatbot.slack.installations import Installations, Installed, Owner
from chatbot.slack.origins import RequestOrigin, read_origin
from chatbot.slack.uploads import GivenRefused
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

CALL_SECONDS = 30.0
LOOK_SECONDS = 60.0
"""Tokens near their end, and fronts that could not be started, are looked for so often."""

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
        self._owners: dict[str, Owner] = {}
        """Whose installation each workspace is served by."""
        self._orgs: dict[str, str] = {}
        """Organisations that installed the app as a whole, with their tokens."""
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
            self._client = client
            self._verifier = SignatureVerifier(slack.signing_secret.get_secret_value())
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
            stack.push_async_callback(self._door.close)
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
        if not self._is_signed(request):
            # Answered as Bolt does, which writes it down.
            return await self._base.async_dispatch(request)
        origin = read_origin(request)
        match origin.event:
            case {"type": "app_uninstalled"}:
                return await self._gone(origin)
            case {"type": "tokens_revoked", "tokens": {"bot": [_, *_]}}:
                return await self._gone(origin)
            case {"type": "team_access_revoked", "team_ids": [*teams]}:
                await self._leave([str(team) for team in teams])
                return BoltResponse(status=200, body="")
        front = self._fronts.get(origin.team) or await self._front_in_org(origin)
        if front is None:
            return await self._base.async_dispatch(request)
        return await front.dispatch(request)

    def _is_signed(self, request: AsyncBoltRequest) -> bool:
        given = {name: str(values[0]) for name, values in request.headers.items() if values}
        return self._verifier.is_valid_request(request.raw_body, given)

    async def _front_in_org(self, origin: RequestOrigin) -> SlackFront | None:
        """The first word out of a workspace of an organisation that installed the app."""
        if not origin.team or origin.enterprise not in self._orgs:
            return None
        async with self._lock:
            if origin.team not in self._fronts and origin.enterprise in self._orgs:
                await self._serve_in_org(origin.enterprise, origin.team)
        return self._fronts.get(origin.team)

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
            # A workspace's own installation comes before its organisation's.
            owners = await self._installations.owners()
            for owner in sorted(owners, key=lambda owner: not owner.team):
                token = await self._installations.token(owner)
                if token is None:
                    continue
                if owner.team:
                    await self._look_at(owner, token, is_new=is_new)
                else:
                    await self._look_at_org(owner.enterprise, token)

    async def _look_at(self, owner: Owner, token: str, *, is_new: bool) -> None:
        front = self._fronts.get(owner.team)
        is_served = front is not None and self._owners[owner.team] == owner
        if front is not None and is_served and (not is_new or front.token == token):
            front.token = token
            return
        if front is not None:
            await self._fronts.pop(owner.team).stop()
        await self._serve(owner, Installed(team=owner.team, token=token))

    async def _look_at_org(self, enterprise: str, token: str) -> None:
        self._orgs[enterprise] = token
        org = Owner(enterprise=enterprise)
        for team, front in self._fronts.items():
            if self._owners[team] == org:
                front.token = token
        # Threads of an earlier process go on; other workspaces are served when they speak.
        spoken_with = set(await self._history.read(queries.teams)) - self._fronts.keys()
        if spoken_with:
            for team in sorted(spoken_with & await self._teams_of(token)):
                await self._serve_in_org(enterprise, team)

    async def _teams_of(self, token: str) -> set[str]:
        """Workspaces of the organisation that have the app."""
        found: set[str] = set()
        cursor = ""
        try:
            while True:
                answer = await self._client.auth_teams_list(token=token, cursor=cursor, limit=1000)
                found |= {str(team["id"]) for team in answer.get("teams") or ()}
                cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return found
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("slack_teams_unknown", reason=str(error))
            return found

    async def _serve_in_org(self, enterprise: str, team: str) -> None:
        installed = Installed(team=team, token=self._orgs[enterprise], is_org=True)
        await self._serve(Owner(enterprise=enterprise), installed)

    async def _serve(self, owner: Owner, found: Installed) -> None:
        front = self._make_front(found)
        try:
            await front.start()
        except ThreadsmithError as error:
            log.warning("slack_workspace_unserved", team=found.team, reason=error.brief)
        else:
            self._fronts[found.team] = front
            self._owners[found.team] = owner

    async def _gone(self, origin: RequestOrigin) -> BoltResponse:
        """The app was removed; of an organisation it is of all its workspaces."""
        org = Owner(enterprise=origin.enterprise)
        owner = self._owners.get(origin.team) if origin.team else org
        owner = owner or Owner(enterprise=origin.enterprise, team=origin.team)
        await self._installations.remove(owner)
        if not owner.team:
            self._orgs.pop(owner.enterprise, None)
        await self._leave([team for team, of in self._owners.items() if of == owner])
        log.info("slack_workspace_gone", team=owner.team, enterprise=owner.enterprise)
        return BoltResponse(status=200, body="")

    async def _leave(self, teams: list[str]) -> None:
        async with self._lock:
            fronts = [self._fronts.pop(team) for team in teams if team in self._fronts]
            for team in teams:
                self._owners.pop(team, None)
            await asyncio.gather(*(front.stop() for front in fronts))

    async def _stop_fronts(self) -> None:
        fronts, self._fronts = list(self._fronts.values()), {}
        self._owners.clear()
        await asyncio.gather(*(front.stop() for front in fronts))


async def _nobody() -> AuthorizeResult | None:
    return None


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
