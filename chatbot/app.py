"""The composition root: builds and wires everything, in order, and takes it down in reverse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from chatbot.actions import Actions
from chatbot.catalogue import Catalogue
from chatbot.config import Settings
from chatbot.dispatcher import Dispatcher
from chatbot.feedback.issues import IssueReader
from chatbot.feedback.watch import Watch
from chatbot.forge.github import GitHubForge
from chatbot.forge.identity import make_identity
from chatbot.forge.listing import Listing
from chatbot.forge_links import ForgePages
from chatbot.given import Fetch, Gathering
from chatbot.history.export import LogFiles
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Task
from chatbot.ownership import Ownership
from chatbot.permissions import who_may
from chatbot.publish.preflight import missing_rights
from chatbot.publish.tasks import TaskPublisher
from chatbot.publish_rules import publish_rules
from chatbot.recovery import recover
from chatbot.repositories import Repositories
from chatbot.secrets import configured_secrets
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import HttpDoor
from chatbot.slack.workspaces import Workspaces
from chatbot.sources import TaskSources
from chatbot.suggesting import Suggesting
from chatbot.upkeep import Upkeep
from chatbot.web.app import make_web_app
from sandbox.engines.docker import DockerEngine
from sandbox.environments.bounds import Bounds
from sandbox.environments.environments import Environments
from sandbox.environments.records import Records
from sandbox.errors import ThreadsmithError
from sandbox.llm.providers import Providers
from sandbox.outside import Outside, find_authorities
from sandbox.redaction import Redactor
from sandbox.runner import Runner
from sandbox.warm import Warm

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS = 5.0
"""What an open request or event stream is given when the program stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What a started program offers to its callers."""

    settings: Settings
    history: History
    actions: Actions
    intake: Intake
    owner: str
    web_url: str
    """Where the task pages are; empty where the web is left out."""


def make_forge(settings: Settings) -> GitHubForge | None:
    """The configured forge, or None without a token or an app."""
    identity = make_identity(settings)
    return None if identity is None else GitHubForge(identity)


def make_engine(settings: Settings) -> DockerEngine:
    """The containers and environments of this installation, and nobody else's."""
    return DockerEngine(
        namespace=str(settings.data.directory.absolute()),
        runtime=settings.sandbox.runtime,
        pull=settings.sandbox.pull_images,
    )


def make_runner(
    settings: Settings,
    engine: DockerEngine,
    providers: Providers,
    sources: TaskSources,
    *,
    keeps_warm: bool = False,
) -> Runner:
    """``keeps_warm``: there may be follow-ups, so containers stay for a while."""
    sandbox, directory = settings.sandbox, settings.data.directory
    environments = Environments(
        engine,
        Records(settings.environments_directory),
        bounds=Bounds(
            count=sandbox.environments,
            total_bytes=int(sandbox.environments_gib * 1024**3),
            unused_seconds=sandbox.environment_days * 24 * 3600,
        ),
    )
    outside = Outside(
        private_hosts=sandbox.private_hosts,
        upstream=sandbox.upstream_proxy or None,
        authorities=find_authorities(sandbox.ca_bundle),
    )
    warm = Warm(
        engine,
        directory / "runs",
        seconds=sandbox.warm_minutes * 60,
        count=sandbox.warm_containers if keeps_warm else 0,
    )
    return Runner(
        engine,
        providers,
        warm=warm,
        directory=directory / "runs",
        bundle=sources.mirrors.bundle,
        environments=environments,
        outside=outside,
        secrets={name: value.get_secret_value() for name, value in settings.secrets.items()},
        redactor=Redactor(configured_secrets(settings)),
    )


@asynccontextmanager
async def start_app(
    settings: Settings,
    *,
    fronts: bool = True,
    takes: Callable[[Task], bool] = lambda task: task.origin != "cli",
) -> AsyncIterator[App]:
    """Everything that serves: history, engine, dispatcher; with ``fronts`` web and Slack too.

    ``takes`` says which tasks this process drives.
    """
    async with AsyncExitStack() as stack:
        directory = settings.data.directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        ownership = stack.enter_context(Ownership(directory / "owners"))
        history = await History.open(settings.database_path)
        stack.push_async_callback(history.close)
        actions = Actions(history=history, rules=partial(publish_rules, settings))
        engine = make_engine(settings)
        stack.push_async_callback(engine.close)
        providers = Providers(settings.model)
        stack.push_async_callback(providers.close)
        forge = make_forge(settings)
        if forge is not None:
            stack.push_async_callback(forge.close)
        repositories = await _know_repositories(stack, settings, history, forge, looks=fronts)
        intake = Intake(settings, history, actions, repositories=repositories)
        sources = TaskSources(settings, history, forge.identity if forge else None)
        runner = make_runner(settings, engine, providers, sources, keeps_warm=fronts)
        stack.push_async_callback(runner.close)
        orphans = await recover(actions, runner=runner, ownership=ownership, ours=takes)
        logs = LogFiles(history, settings.logs_directory)
        await stack.enter_async_context(_background(logs.run()))
        web_url = ""
        watch = None
        slack_door = HttpDoor()
        if forge is not None and fronts:
            issues = IssueReader(settings, actions, intake, forge)
            watch = Watch(settings, actions, forge, issues)
        if fronts:
            wake = watch.wake if watch is not None else _nobody
            application = make_web_app(
                settings, history, actions, intake, wake=wake, more=slack_door.routes()
            )
            web_url = await stack.enter_async_context(_listening(application, settings))
        publisher = TaskPublisher(
            *(settings, actions, forge, sources),
            redactor=Redactor(configured_secrets(settings)),
            page_url=partial(_open_page, settings, web_url),
        )
        gathering = Gathering(actions)
        fetchers: dict[str, Fetch] = (
            {} if forge is None else {"forge": ForgePages(forge.identity).fetch}
        )
        dispatcher = Dispatcher(
            settings,
            actions,
            runner=runner,
            sources=sources,
            publish=publisher.publish,
            missing=missing_rights(settings, forge),
            ownership=ownership,
            gathering=gathering,
            takes=takes,
        )
        await stack.enter_async_context(_background(dispatcher.run(adopted=orphans)))
        if fronts:
            upkeep = Upkeep(settings, history, runner=runner, sources=sources)
            await stack.enter_async_context(_background(upkeep.run()))
        if fronts and settings.slack.is_configured:
            front = _make_slack(
                *(settings, history, actions, intake),
                web_url=web_url,
                linking=Linking(history, forge),
                door=slack_door,
            )
            await front.start()
            stack.push_async_callback(front.stop)
            fetchers = {**fetchers, **front.fetchers}
            publisher.permalink = front.permalink
            if watch is not None:
                issues.open_thread = front.open_thread
            suggesting = _make_suggesting(settings, actions, providers, intake)
            if suggesting is not None:
                await stack.enter_async_context(_background(suggesting.run()))
        gathering.open(fetchers)
        if watch is not None:
            await stack.enter_async_context(_background(watch.run()))
        yield App(
            settings=settings,
            history=history,
            actions=actions,
            intake=intake,
            owner=ownership.owner,
            web_url=web_url,
        )


async def _know_repositories(
    stack: AsyncExitStack,
    settings: Settings,
    history: History,
    forge: GitHubForge | None,
    *,
    looks: bool,
) -> Repositories:
    """``looks``: at what the forge lists, again and again; else as it was seen last."""
    pause = settings.forge.list_minutes * 60
    if forge is None or not pause:
        return Repositories(settings, history)
    catalogue = Catalogue(history, Listing(forge.identity))
    if looks:
        looking = catalogue.run(pause_seconds=pause)
        await stack.enter_async_context(_background(looking))
    return Repositories(settings, history, listed=catalogue.all)


def _make_suggesting(
    settings: Settings, actions: Actions, providers: Providers, intake: Intake
) -> Suggesting | None:
    """None where the configuration wants none, or there is no model to ask."""
    if not settings.model.suggest_repository:
        return None
    try:
        providers.check(settings.model.default)
    except ThreadsmithError as error:
        log.warning("suggesting_off", error=str(error))
        return None
    return Suggesting(settings, actions, providers, intake.repositories, intake.reader)


def _make_slack(
    settings: Settings,
    history: History,
    actions: Actions,
    intake: Intake,
    *,
    web_url: str,
    linking: Linking,
    door: HttpDoor,
) -> SlackFront | Workspaces:
    """One workspace's front, or one for each that installs the app."""
    make = partial(SlackFront, settings, history, actions, public_url=web_url, linking=linking)
    if not settings.slack.client_id:
        return make(intake, door=door)
    return Workspaces(
        settings,
        history,
        public_url=settings.web.public_url,
        door=door,
        make_front=lambda installed: make(intake, installed=installed),
    )


def _open_page(settings: Settings, web_url: str, task: Task) -> str:
    """The task page's address, where everybody may have it."""
    is_open = who_may(settings, task.source.repository, "logs") is None
    return f"{web_url}/t/{task.id}/{task.share_token}" if web_url and is_open else ""


def _nobody(_repository: str) -> None:
    """Hears of webhooks where no forge is configured."""


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run beside the body; cancelled and awaited at its end. Its own end is a fault."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_end)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("background_ended", exc_info=error)


@asynccontextmanager
async def _listening(application: web.Application, settings: Settings) -> AsyncIterator[str]:
    """Serve the application; answers how people reach it."""
    # No access log: the share tokens stand in the addresses.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.web.host, settings.web.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield settings.web.public_url.rstrip("/") or f"http://{host}:{port}"
    finally:
        await runner.cleanup()
