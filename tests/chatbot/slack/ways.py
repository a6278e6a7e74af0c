"""The real Bolt app against the local workspace; no engine: tasks stay queued unless told on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.config import ChannelSettings, DataSettings, RuleSettings, Settings, SlackSettings
from chatbot.demo.workspace import Workspace
from chatbot.history import queries
from chatbot.history.known import Known, all_known, put_known
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Task
from chatbot.repositories import Repositories
from chatbot.slack.blocks.picker import repository_option
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import PATH, HttpDoor
from chatbot.web.app import make_web_app
from tests.slack_mode import current

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ways:
    workspace: Workspace
    history: History
    actions: Actions
    front: SlackFront
    door_url: str = ""
    """Where Slack's own requests come in, in mode `http`."""

    async def tasks(self) -> list[Task]:
        return await self.history.read(queries.list_tasks)

    async def task(self) -> Task:
        """The one, once it is there."""
        (task,) = await self.begun(1)
        return task

    async def begun(self, count: int) -> list[Task]:
        """So many tasks, newest first, once they are there: a form is acknowledged before."""
        async with asyncio.timeout(60):
            while len(found := await self.tasks()) < count:
                await asyncio.sleep(0.02)
        return found

    async def code(self, words: str, *, user: str = "ada", channel: str = "shop") -> str:
        """`/code` with these words; answers what the person alone is told."""
        before = len(self.workspace.ephemerals(user))
        answer = await self.workspace.command(user, channel, f"/code {words}")
        if "On it" not in texts(answer):
            return texts(answer)
        # A busy machine: the answer follows.
        await self.workspace.wait_for(lambda: len(self.workspace.ephemerals(user)) > before + 1)
        return texts(self.workspace.ephemerals(user)[-1])

    async def start_again(self) -> None:
        """As the next process does."""
        await self.front.stop()
        await self.front.start()

    def view(self, user: str = "ada") -> Json:
        (view,) = self.workspace.views(user)
        return view

    async def said_in(self, thread: str | None, words: str, *, channel: str = "shop") -> str:
        """The text of the message that has these words, once it stands there."""

        def look() -> str | None:
            said = (one["text"] for one in self.workspace.messages(channel, thread))
            return next((text for text in said if words in text), None)

        return str(await self.workspace.wait_for(look))

    def said(self, channel: str = "shop") -> list[str]:
        return [message["text"] for message in self.workspace.messages(channel)]


@asynccontextmanager
async def ways_in(
    directory: Path,
    *,
    rules: tuple[RuleSettings, ...] = (),
    channels: tuple[ChannelSettings, ...] = (),
    known: tuple[Known, ...] = (),
    workspace: Workspace | None = None,
    **slack: Any,
) -> AsyncIterator[Ways]:
    """In this test's mode, where ``slack`` names none; ``known``: what the forge lists."""
    workspace = workspace or Workspace()
    await workspace.start()
    settings = Settings(
        data=DataSettings(directory=directory),
        slack=SlackSettings(
            bot_token=SecretStr(workspace.bot_token),
            app_token=SecretStr(workspace.app_token),
            signing_secret=SecretStr(workspace.signing_secret),
            api_url=workspace.api_url,
            **{"mode": current(), **slack},
        ),
        rules=rules,
        channels=channels,
    )
    history = await History.open(directory / "threadsmith.db")
    actions = Actions(history=history)
    await history.write(lambda db: put_known(db, known, at=1.0))
    listed = partial(history.read, all_known)
    repositories = Repositories(settings, history, listed=listed)
    intake = Intake(settings, history, actions, repositories=repositories)
    door = HttpDoor()
    front = SlackFront(
        *(settings, history, actions, intake),
        public_url="http://127.0.0.1:8080",
        linking=Linking(history, None),
        door=door,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(workspace.stop)
        stack.push_async_callback(history.close)
        pages = make_web_app(settings, history, actions, intake, more=door.routes())
        url = f"{await stack.enter_async_context(listening(pages))}{PATH}"
        stack.push_async_callback(front.stop)
        await front.start()
        if settings.slack.mode == "http":
            await workspace.deliver_to(url)
        stack.push_async_callback(workspace.rest)
        yield Ways(workspace=workspace, history=history, actions=actions, front=front, door_url=url)


@asynccontextmanager
async def listening(application: web.Application) -> AsyncIterator[str]:
    """On loopback; answers where."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def filled(words: str, **more: str) -> Json:
    """A form's fields, as Slack sends them."""
    fields = {"words": words, **more}
    found: Json = {name: {"value": {"value": value}} for name, value in fields.items()}
    for name in {"repository", "channel_repository"} & fields.keys():
        chosen = {"selected_option": repository_option(fields[name]) if fields[name] else None}
        found[name] = {"repository": chosen}
    return found


def texts(found: Any) -> str:
    """Every word that stands there."""
    if isinstance(found, dict):
        own = [found["text"]] if isinstance(found.get("text"), str) else []
        return "\n".join([*own, *(texts(v) for v in found.values() if isinstance(v, dict | list))])
    return "\n".join(filter(None, map(texts, found))) if isinstance(found, list) else ""
