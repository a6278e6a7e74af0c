"""A workspace, a forge and Threadsmith on loopback, joined only by their public protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import SecretStr

from chatbot.app import App, start_app
from chatbot.config import (
    DataSettings,
    ForgeSettings,
    ModelSettings,
    SandboxSettings,
    Settings,
    SlackSettings,
    WebSettings,
)
from chatbot.demo.forge import Forge
from chatbot.demo.forge.access import ForgeApp
from chatbot.demo.workspace import Workspace
from chatbot.slack.http_door import PATH
from sandbox.engines.docker import DockerEngine
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that is up."""

    workspace: Workspace
    forge: Forge
    app: App


def stage_settings(
    directory: Path,
    *,
    workspace: Workspace,
    forge: Forge,
    model: ModelSettings,
    sandbox: SandboxSettings | None = None,
    api_token: str = "demo-api-token",  # noqa: S107 - of a server on loopback, for one run
) -> Settings:
    """The settings a team would write, with the addresses of the two servers."""
    return Settings(
        data=DataSettings(directory=directory),
        slack=SlackSettings(
            bot_token=SecretStr(workspace.bot_token),
            app_token=SecretStr(workspace.app_token),
            signing_secret=SecretStr(workspace.signing_secret),
            api_url=workspace.api_url,
        ),
        forge=ForgeSettings(token=SecretStr(forge.token), api_url=forge.api_url, url=forge.url),
        model=model,
        sandbox=sandbox or SandboxSettings(),
        web=WebSettings(port=0, api_token=SecretStr(api_token)),
    )


@asynccontextmanager
async def staged(
    directory: Path,
    *,
    model: ModelSettings,
    repositories: Mapping[str, Mapping[str, bytes]],
    sandbox: SandboxSettings | None = None,
    notice: str = "",
    suggestions: tuple[str, ...] = (),
    port: int = 0,
    rate_limits: bool = True,
    forge_app: ForgeApp | None = None,
    adjust: Callable[[Settings], Settings] = lambda settings: settings,
) -> AsyncIterator[Stage]:
    """Start all three; stop them in reverse. ``adjust`` has the last word on the settings."""
    workspace = Workspace(
        port=port, notice=notice, suggestions=suggestions, rate_limits=rate_limits
    )
    forge = Forge(directory=directory / "forge", app=forge_app or ForgeApp())
    await forge.start()
    try:
        for name, files in repositories.items():
            await forge.add_repository(name, files)
        await workspace.start()
        try:
            settings = stage_settings(
                directory / "data", workspace=workspace, forge=forge, model=model, sandbox=sandbox
            )
            settings = adjust(settings)
            try:
                async with start_app(settings) as app:
                    if settings.slack.mode == "http":
                        await workspace.deliver_to(f"{app.web_url}{PATH}")
                    yield Stage(workspace=workspace, forge=forge, app=app)
                    await workspace.rest()
            finally:
                await _remove_containers(settings)
        finally:
            await workspace.stop()
    finally:
        await forge.stop()


async def _remove_containers(settings: Settings) -> None:
    """A server leaves containers and environments to its next start; this one has none."""
    engine = DockerEngine(namespace=str(settings.data.directory.absolute()))
    try:
        for handle in await engine.list():
            await engine.remove(handle)
        for image in await engine.images():
            await engine.remove_image(image.id)
    except ThreadsmithError as error:
        # Without an engine there are no containers either.
        log.debug("nothing_removed", error=str(error))
    finally:
        await engine.close()
