"""Several workspaces install the app; each is served with its own token, and apart from others."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from chatbot.actions import Actions
from chatbot.config import DataSettings, Settings, SlackSettings, WebSettings
from chatbot.demo.workspace import Workspace
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Task
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import INSTALL_PATH, PATH, REDIRECT_PATH, HttpDoor
from chatbot.slack.installations import SCOPES
from chatbot.slack.workspaces import Workspaces
from chatbot.web.app import make_web_app
from tests.chatbot.slack.ways import listening

Json = dict[str, Any]
WORDS = "@Threadsmith fix the retry test in acme/api"
SECRET = "a-client-secret"
BASIC = aiohttp.encode_basic_auth("1.2", SECRET)
ORG, ORG_TEAMS = "E0ORG", ("T0NORTH", "T0SOUTH")
REFUSED: Json = {"ok": False, "error": "invalid_code"}
# The SDK's way to show the app's secret; aiohttp has a new one.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")


@dataclass(kw_only=True)
class Slack:
    """Slack itself before two workspaces: tokens for codes, and each call where its token leads."""

    workspaces: dict[str, Workspace]
    tokens: dict[str, str] = field(default_factory=dict)
    """Whose each is."""
    lifetime: int | None = None
    granted: int = 0
    url: str = ""

    async def api(self, request: web.Request) -> web.Response:
        method, body = request.match_info["method"], await request.read()
        if method == "oauth.v2.access":
            sent = dict(request.query) | dict(await request.post())
            is_ours = request.headers.get("Authorization") == BASIC
            granted = self._grant({k: str(v) for k, v in sent.items()}) if is_ours else REFUSED
            return web.json_response(granted)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        team = self.tokens.get(token)
        if team is None:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if team == ORG:
            if method == "auth.teams.list":
                return web.json_response({"ok": True, "teams": [{"id": id_} for id_ in ORG_TEAMS]})
            # The token alone says nothing of the workspace that is meant.
            sent = dict(request.query) | dict(await request.post())
            if request.content_type == "application/json":
                sent = json.loads(body)
            team = str(sent.get("team_id") or ORG_TEAMS[0])
        place = self.workspaces[team]
        headers = {"Authorization": f"Bearer {place.bot_token}"}
        if request.content_type != "application/octet-stream":
            headers["Content-Type"] = request.headers["Content-Type"]
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                f"{place.api_url}{method}",
                params=request.query,
                data=body or None,
                headers=headers,
            ) as answer,
        ):
            return web.json_response(await answer.json(), status=answer.status)

    def _grant(self, sent: Json) -> Json:
        is_renewal = sent.get("grant_type") == "refresh_token"
        team = sent.get("refresh_token" if is_renewal else "code", "").removeprefix("for-")
        if team not in {*self.workspaces, ORG}:
            return REFUSED
        if is_renewal:
            self.tokens = {token: of for token, of in self.tokens.items() if of != team}
        self.granted += 1
        token = f"xoxb-{team}-{self.granted}"
        self.tokens[token] = team
        expiry = {"refresh_token": f"for-{team}", "expires_in": self.lifetime}
        return {
            "ok": True,
            "app_id": "A0THREADS",
            "access_token": token,
            "token_type": "bot",
            "scope": ",".join(SCOPES),
            "bot_user_id": "U0BOT",
            "team": None if team == ORG else {"id": team, "name": team},
            "enterprise": {"id": ORG, "name": "Org"} if team in {ORG, *ORG_TEAMS} else None,
            "authed_user": {"id": "U0ADA"},
            "is_enterprise_install": team == ORG,
            **(expiry if self.lifetime else {}),
        }


@dataclass(kw_only=True)
class Stage:
    slack: Slack
    history: History
    url: str
    file: Path
    fronts: Workspaces

    async def install(self, team: str, **other: str) -> tuple[int, str]:
        """As a browser does; ``other`` changes what comes back from Slack."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            async with session.get(f"{self.url}{INSTALL_PATH}") as page:
                cookie = page.headers["Set-Cookie"].partition(";")[0]
                found = re.search(r"state=([0-9a-f-]+)", await page.text())
            assert found is not None
            query = {"state": found[1], "code": f"for-{team}"} | other
            headers = {"Cookie": cookie}
            async with session.get(
                f"{self.url}{REDIRECT_PATH}", params=query, headers=headers
            ) as answer:
                text = await answer.text()
        if answer.status == 200:
            for place in ORG_TEAMS if team == ORG else (team,):
                await self.slack.workspaces[place].deliver_to(f"{self.url}{PATH}")
        return answer.status, text

    async def tasks(self) -> list[Task]:
        return await self.history.read(queries.list_tasks)

    async def until(self, count: int) -> list[Task]:
        async with asyncio.timeout(60):
            while len(found := await self.tasks()) < count:
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def staged(
    directory: Path, *, lifetime: int | None = None, as_org: bool = True
) -> AsyncIterator[Stage]:
    """``as_org``: the organisation installs the app, and not one of its workspaces."""
    places = {team: Workspace(team_id=team) for team in ("T0ACME", "T0OTHER")}
    for team in ORG_TEAMS:
        places[team] = Workspace(team_id=team, enterprise_id=ORG, is_org_install=as_org)
    for place in places.values():
        place.signing_secret = "shared"
        await place.start()
    slack = Slack(workspaces=places, lifetime=lifetime)
    outside = web.Application()
    outside.router.add_route("*", "/api/{method}", slack.api)
    door = HttpDoor()
    history = await History.open(directory / "threadsmith.db")
    actions = Actions(history=history)
    async with listening(outside) as slack.url:
        settings = Settings(
            data=DataSettings(directory=directory),
            web=WebSettings(public_url="https://bot.example"),
            slack=SlackSettings(
                mode="http",
                client_id="1.2",
                client_secret=SecretStr(SECRET),
                signing_secret=SecretStr("shared"),
                api_url=f"{slack.url}/api/",
            ),
        )
        fronts = Workspaces(
            settings,
            history,
            public_url=settings.web.public_url,
            door=door,
            make_front=lambda installed: SlackFront(
                *(settings, history, actions, Intake(settings, history, actions)),
                public_url="https://bot.example",
                linking=Linking(history, None),
                installed=installed,
            ),
        )
        application = make_web_app(
            settings, history, actions, Intake(settings, history, actions), more=door.routes()
        )
        async with listening(application) as url:
            await fronts.start()
            try:
                yield Stage(
                    slack=slack,
                    history=history,
                    url=url,
                    file=directory / "slack-installations.db",
                    fronts=fronts,
                )
            finally:
                await fronts.stop()
    await history.close()
    for place in places.values():
        await place.stop()


async def test_each_workspace_is_served_as_itself(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        acme, other = stage.slack.workspaces["T0ACME"], stage.slack.workspaces["T0OTHER"]
        assert (await stage.install("T0ACME"))[0] == 200
        assert (await stage.install("T0OTHER"))[0] == 200
        first = await acme.post("ada", "shop", WORDS)
        await stage.until(1)
        second = await other.post("ada", "shop", WORDS)
        tasks = await stage.until(2)
        assert {task.thread.team for task in tasks if task.thread} == {"T0ACME", "T0OTHER"}
        # Each is told of its own alone.
        await acme.wait_for(lambda: "eyes" in acme.reactions("shop", first))
        await other.wait_for(lambda: "eyes" in other.reactions("shop", second))
        assert len(acme.messages("shop")) == len(other.messages("shop")) == 1
        listed = await acme.command("ada", "shop", "/code list")
        assert str(listed).count("retry test") == 1
        assert stat.S_IMODE(stage.file.stat().st_mode) == 0o600
        assert b"xoxb-" not in (tmp_path / "threadsmith.db").read_bytes()


async def test_it_is_served_again_after_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.install("T0ACME")
        acme = stage.slack.workspaces["T0ACME"]
        await stage.fronts.stop()
        await stage.fronts.start()
        await acme.post("ada", "shop", WORDS)
        await stage.until(1)


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"state": "0000"}, 400),
        ({"code": "for-T0NOBODY"}, 401),
        ({"error": "access_denied"}, 200),
    ],
)
async def test_what_did_not_begin_here_installs_nothing(
    tmp_path: Path, other: dict[str, str], status: int
) -> None:
    async with staged(tmp_path) as stage:
        found, _ = await stage.install("T0ACME", **other)
        assert found == status
        assert stage.slack.tokens == {}
        assert await stage.tasks() == []


async def test_tokens_are_renewed_before_their_end(tmp_path: Path) -> None:
    async with staged(tmp_path, lifetime=60) as stage:
        await stage.install("T0ACME")
        acme = stage.slack.workspaces["T0ACME"]
        [before] = [token for token, team in stage.slack.tokens.items() if team == "T0ACME"]
        stage.slack.lifetime = 43_200
        await stage.fronts._look()
        [after] = [token for token, team in stage.slack.tokens.items() if team == "T0ACME"]
        assert after != before
        ts = await acme.post("ada", "shop", WORDS)
        await stage.until(1)
        await acme.wait_for(lambda: "eyes" in acme.reactions("shop", ts))


async def test_whoever_removes_the_app_is_forgotten(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.install("T0ACME")
        await stage.install("T0OTHER")
        acme, other = stage.slack.workspaces["T0ACME"], stage.slack.workspaces["T0OTHER"]
        await acme.uninstall()
        async with asyncio.timeout(60):
            while b"xoxb-T0ACME" in stage.file.read_bytes():
                await asyncio.sleep(0.05)
        await other.post("ada", "shop", WORDS)
        [task] = await stage.until(1)
        assert task.thread is not None
        assert task.thread.team == "T0OTHER"


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "socket"},
        {"signing_secret": None},
        {"bot_token": SecretStr("xoxb-1")},
    ],
)
def test_half_a_configuration_is_refused(more: Json) -> None:
    given: Json = {
        "mode": "http",
        "client_id": "1.2",
        "client_secret": SecretStr("s"),
        "signing_secret": SecretStr("s"),
    }
    with pytest.raises(ValidationError, match=r"slack\.client_id"):
        Settings(slack=SlackSettings(**(given | more)), web=WebSettings(public_url="https://b"))


async def test_one_installation_serves_an_organisation(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        north, south = (stage.slack.workspaces[team] for team in ORG_TEAMS)
        assert (await stage.install(ORG))[0] == 200
        first = await north.post("ada", "shop", WORDS)
        await stage.until(1)
        await north.wait_for(lambda: "eyes" in north.reactions("shop", first))
        # Another of its workspaces begins with a command: the words of the first are not there.
        assert "retry test" not in str(await south.command("ada", "shop", "/code list"))
        second = await south.post("ada", "shop", WORDS)
        tasks = await stage.until(2)
        assert {task.thread.team for task in tasks if task.thread} == set(ORG_TEAMS)
        await south.wait_for(lambda: "eyes" in south.reactions("shop", second))
        assert len(north.messages("shop")) == len(south.messages("shop")) == 1
        await south.shortcut("ada", "new_task")
        assert len(south.views("ada")) == 1
        assert north.views("ada") == []


async def test_an_organisations_threads_go_on_after_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        south = stage.slack.workspaces["T0SOUTH"]
        await stage.install(ORG)
        ts = await south.post("ada", "shop", WORDS)
        [task] = await stage.until(1)
        await south.wait_for(lambda: "eyes" in south.reactions("shop", ts))
        await stage.fronts.stop()
        await Actions(history=stage.history).stop_task(task.id, task.author)
        await stage.fronts.start()
        # Told with no word from there.
        await south.wait_for(lambda: "eyes" not in south.reactions("shop", ts))


async def test_an_organisations_token_is_renewed(tmp_path: Path) -> None:
    async with staged(tmp_path, lifetime=60) as stage:
        await stage.install(ORG)
        north = stage.slack.workspaces["T0NORTH"]
        await north.post("ada", "shop", WORDS)
        await stage.until(1)
        before = set(stage.slack.tokens)
        stage.slack.lifetime = 43_200
        await stage.fronts._look()
        assert set(stage.slack.tokens).isdisjoint(before)
        ts = await north.post("ada", "shop", WORDS)
        await north.wait_for(lambda: "eyes" in north.reactions("shop", ts))


async def test_a_workspace_leaves_its_organisations_installation(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        north, south = (stage.slack.workspaces[team] for team in ORG_TEAMS)
        await stage.install(ORG)
        await north.post("ada", "shop", WORDS)
        await south.post("ada", "shop", WORDS)
        await stage.until(2)
        south.revoke_access()
        async with asyncio.timeout(60):
            while "T0SOUTH" in stage.fronts._fronts:
                await asyncio.sleep(0.05)
        assert b"xoxb-E0ORG" in stage.file.read_bytes()
        await north.uninstall()
        async with asyncio.timeout(60):
            while b"xoxb-E0ORG" in stage.file.read_bytes() or stage.fronts._fronts:
                await asyncio.sleep(0.05)


async def test_of_an_organisation_a_workspace_may_install_it_alone(tmp_path: Path) -> None:
    async with staged(tmp_path, as_org=False) as stage:
        north = stage.slack.workspaces["T0NORTH"]
        assert (await stage.install("T0NORTH"))[0] == 200
        ts = await north.post("ada", "shop", WORDS)
        await stage.until(1)
        await north.wait_for(lambda: "eyes" in north.reactions("shop", ts))
        await north.uninstall()
        async with asyncio.timeout(60):
            while b"xoxb-T0NORTH" in stage.file.read_bytes():
                await asyncio.sleep(0.05)


async def test_an_unsigned_request_of_an_organisation_begins_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.install(ORG)
        body = {"team_id": "T0NORTH", "enterprise_id": ORG, "event": {"type": "app_uninstalled"}}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{stage.url}{PATH}", json=body) as answer,
        ):
            assert answer.status == 401
        assert stage.fronts._fronts == {}
        assert b"xoxb-E0ORG" in stage.file.read_bytes()


async def test_a_revoked_token_of_a_person_removes_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.install("T0ACME")
        acme = stage.slack.workspaces["T0ACME"]
        acme.revoke_tokens(users=("U0ADA",))
        await acme.post("ada", "shop", WORDS)
        await stage.until(1)
        acme.revoke_tokens(bots=("U0BOT",))
        async with asyncio.timeout(60):
            while b"xoxb-T0ACME" in stage.file.read_bytes():
                await asyncio.sleep(0.05)
