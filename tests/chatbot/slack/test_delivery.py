"""How Slack reaches us: several connections without a gap, or signed requests."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

import manifests
from chatbot.actions import Actions
from chatbot.config import ConfigError, DataSettings, Settings, SlackSettings
from chatbot.demo.workspace import Workspace
from chatbot.demo.workspace.http_delivery import FORM, JSON, HttpDelivery
from chatbot.demo.workspace.socket_mode import NotAcknowledged
from chatbot.history import delivery, queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import PATH, HttpDoor
from chatbot.slack.installations import SCOPES
from tests.chatbot.slack.ways import Ways, filled, listening, ways_in
from tests.slack_mode import current

WORDS = "@Threadsmith fix the retry test in acme/api"


async def until(found: Ways, count: int) -> None:
    async with asyncio.timeout(60):
        while len(await found.tasks()) < count:
            await asyncio.sleep(0.02)


async def sockets(found: Ways, count: int) -> None:
    """Until so many connections stand."""
    async with asyncio.timeout(60):
        while found.workspace.connections != count:
            await asyncio.sleep(0.02)


def impatient() -> Workspace:
    """It tries again at once."""
    return Workspace(sleep=lambda _: asyncio.sleep(0))


async def all_stand(found: Ways) -> None:
    """What is sent once is not sent into a gap."""
    if current() == "socket":
        await sockets(found, 2)


async def test_several_connections_share_what_comes(tmp_path: Path) -> None:
    async with ways_in(tmp_path, connections=3) as found:
        await sockets(found, 3)
        for _ in range(12):
            await found.workspace.post("ada", "shop", WORDS)
        await until(found, 12)


async def test_a_refresh_and_a_cut_lose_and_double_nothing(tmp_path: Path) -> None:
    async with ways_in(tmp_path) as found:
        await sockets(found, 2)
        for round_ in range(6):
            await found.workspace.post("ada", "shop", WORDS)
            if round_ % 2:
                await found.workspace.refresh_sockets()
            else:
                await found.workspace.drop_sockets()
            await found.workspace.post("ada", "shop", WORDS)
        await until(found, 12)
        await sockets(found, 2)
        assert len(await found.tasks()) == 12


async def test_a_connection_is_replaced_before_it_ends(tmp_path: Path) -> None:
    """Presses are delivered once: with one connection each gap would show."""
    async with ways_in(tmp_path, connections=1) as found:
        for _ in range(5):
            await found.workspace.refresh_sockets()
            assert "Tasks" in await found.code("list")
            await sockets(found, 1)


async def test_slack_that_cannot_be_reached_for_a_while_is_found_again(tmp_path: Path) -> None:
    async with ways_in(tmp_path, connections=1) as found:
        found.workspace.fail_next("apps.connections.open", times=2)
        await found.workspace.drop_sockets()
        await found.workspace.post("ada", "shop", WORDS)
        await until(found, 1)


async def test_the_door_is_closed_while_nobody_stands_behind_it() -> None:
    application = web.Application()
    application.add_routes(HttpDoor().routes())
    async with (
        listening(application) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}{PATH}") as early,
    ):
        assert early.status == 503


@pytest.mark.slack_modes(both=True)
async def test_requests_commands_and_forms_come(tmp_path: Path) -> None:
    async with ways_in(tmp_path) as found:
        await found.workspace.post("ada", "shop", WORDS)
        await until(found, 1)
        assert "retry test" in await found.code("list")
        await found.workspace.command("ada", "shop", "/code")
        fields = {"words": {"value": {"value": "fix it in acme/web"}}}
        await found.workspace.submit_view("ada", found.view()["id"], fields)
        await until(found, 2)
        # A message comes twice, as mention and as message, and may come again.
        ts = found.workspace.messages("shop")[0]["ts"]
        await found.workspace.deliver_again("shop", ts)
        assert len(await found.tasks()) == 2


@pytest.mark.parametrize("fault", ["none", "wrong", "old", "other body"])
async def test_what_is_not_signed_right_is_refused(tmp_path: Path, fault: str) -> None:
    async with ways_in(tmp_path, mode="http") as found:
        url = found.door_url
        secret = "wrong" if fault == "wrong" else found.workspace.signing_secret
        at = time.time() - (400 if fault == "old" else 0)
        body = json.dumps({"type": "url_verification", "challenge": "c"})
        signed = HttpDelivery(url, signing_secret=secret, clock=lambda: at).sign(body)
        headers = {"Content-Type": JSON} | ({} if fault == "none" else signed)
        sent = f"{body} " if fault == "other body" else body
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=sent, headers=headers) as answer,
        ):
            assert answer.status == 401


@pytest.mark.parametrize(
    ("kind", "body"), [(JSON, "{"), (FORM, "payload=%7B"), (FORM, ""), ("", "x")]
)
async def test_nonsense_with_a_good_signature_starts_nothing(
    tmp_path: Path, kind: str, body: str
) -> None:
    async with ways_in(tmp_path, mode="http") as found:
        url, secret = found.door_url, found.workspace.signing_secret
        delivery = HttpDelivery(url, signing_secret=secret, clock=time.time)
        headers = {"Content-Type": kind, **delivery.sign(body)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body.encode(), headers=headers) as answer,
        ):
            assert answer.status >= 400
        assert await found.tasks() == []


async def test_without_its_secret_it_does_not_start(tmp_path: Path) -> None:
    settings = Settings(
        data=DataSettings(directory=tmp_path),
        slack=SlackSettings(mode="http", bot_token=SecretStr("xoxb-1")),
    )
    history = await History.open(tmp_path / "threadsmith.db")
    actions = Actions(history=history)
    front = SlackFront(
        *(settings, history, actions, Intake(settings, history, actions)),
        public_url="",
        linking=Linking(history, None),
    )
    with pytest.raises(ConfigError, match="signing_secret"):
        await front.start()
    await history.close()


def test_both_manifests_ask_for_the_same() -> None:
    socket, http = (_lines(name) for name in ("slack-app.yaml", "slack-app-http.yaml"))
    address = f"https://threadsmith.example.com{PATH}"
    only_http = [line.strip() for line in http if line not in socket]
    assert only_http == [
        f"url: {address}",
        f"request_url: {address}",
        f"request_url: {address}",
        f"message_menu_options_url: {address}",
        "socket_mode_enabled: false",
    ]
    assert [line.strip() for line in socket if line not in http] == ["socket_mode_enabled: true"]


def test_those_who_install_grant_what_the_manifest_asks_for() -> None:
    lines = [line.strip() for line in _lines("slack-app.yaml")]
    asked = lines[lines.index("bot:") + 1 : lines.index("settings:")]
    assert [line.removeprefix("- ") for line in asked] == sorted(SCOPES)


def _lines(name: str) -> list[str]:
    text = (Path(manifests.__file__).parent / name).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.slack_modes(both=True)
@pytest.mark.parametrize("words", ["fix it in acme/api", "list", "use acme/api", "link github ada"])
async def test_what_was_taken_is_not_taken_again_where_the_answer_was_lost(
    tmp_path: Path, words: str
) -> None:
    """The connection breaks between the envelope and its acknowledgement: Slack tries again."""
    async with ways_in(tmp_path, workspace=impatient()) as found:
        workspace = found.workspace
        workspace.lose_acknowledgements(2)
        ts = await workspace.post("ada", "shop", f"@Threadsmith {words}")
        await workspace.settle()
        # Long after, and also by the next process, which looks through what was seen.
        await found.start_again()
        await found.history.write(lambda db: delivery.forget_seen(db, time.time() - 660))
        await workspace.deliver_again("shop", ts)
        await workspace.settle()
        assert len(await found.tasks()) == (words == "fix it in acme/api")
        answers = [*workspace.ephemerals("ada"), *workspace.messages("shop", ts)[1:]]
        assert len(answers) == (words != "fix it in acme/api")


@pytest.mark.slack_modes(both=True)
async def test_a_reply_and_a_press_are_taken_once_where_the_answer_was_lost(
    tmp_path: Path,
) -> None:
    async with ways_in(tmp_path, workspace=impatient()) as found:
        workspace = found.workspace
        ts = await workspace.post("ada", "shop", WORDS)
        await until(found, 1)
        await workspace.settle()
        workspace.lose_acknowledgements(1)
        await workspace.post("ada", "shop", "and the docs", thread_ts=ts)
        await workspace.settle()
        [task] = await found.tasks()
        said = await found.history.read(lambda db: queries.pending_messages(db, task.id))
        assert [message.text for message in said] == ["and the docs"]
        # A form that Slack did not hear answered is sent again by the person.
        await workspace.command("ada", "shop", "/code")
        view = found.view()
        await all_stand(found)
        workspace.lose_acknowledgements(1)
        fields = filled("fix it in acme/web")
        with pytest.raises(NotAcknowledged):
            await workspace.submit_view("ada", view["id"], fields)
        await all_stand(found)
        await workspace.submit_view("ada", view["id"], fields)
        await until(found, 2)
        await found.start_again()
        assert len(await found.tasks()) == 2
        begun = [text for text in found.said() if "acme/web" in text]
        assert begun == ["<@U0ADA> asks: fix it in acme/web"]


@pytest.mark.slack_modes(both=True)
async def test_a_retry_of_what_was_never_seen_is_new(tmp_path: Path) -> None:
    """The program is down for Slack's first tries; a later one finds the next."""
    wake = asyncio.Event()
    workspace = Workspace(sleep=lambda _: wake.wait())
    async with ways_in(tmp_path, workspace=workspace) as found:
        await found.front.stop()
        await workspace.post("ada", "shop", WORDS)
        await found.front.start()
        wake.set()
        await until(found, 1)
        await found.workspace.settle()
        assert len(await found.tasks()) == 1
