"""`threadsmith doctor`: each thing the program needs, looked at for real; a line for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from chatbot.app import make_forge
from chatbot.config import Settings
from chatbot.forge.listing import Listing
from chatbot.slack.check import check_slack
from sandbox.engines.docker import DockerEngine
from sandbox.errors import ThreadsmithError
from sandbox.git import git
from sandbox.llm.providers import Providers


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    said: str
    resolution: str = ""

    def line(self) -> str:
        mark = "ok  " if self.ok else "FAIL"
        text = f"{mark}  {self.name}: {self.said}"
        return text if self.ok or not self.resolution else f"{text}\n      {self.resolution}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one fault hides no other."""
    engine = DockerEngine(namespace=str(settings.data.directory), runtime=settings.sandbox.runtime)
    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("docker", lambda: _docker(engine)),
        ("image", lambda: _image(engine, settings)),
        ("git", _git),
        ("model", lambda: _model(settings)),
        ("slack", lambda: check_slack(settings)),
        ("forge", lambda: _forge(settings)),
    ]
    try:
        return [await _look(name, check) for name, check in checks]
    finally:
        await engine.close()


async def _look(name: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        async with asyncio.timeout(20):
            return Finding(name, True, await check())
    except ThreadsmithError as error:
        return Finding(name, False, error.brief, error.resolution)
    except TimeoutError:
        return Finding(name, False, "no answer within 20 seconds")


async def _docker(engine: DockerEngine) -> str:
    await engine.check()
    return "answers"


async def _image(engine: DockerEngine, settings: Settings) -> str:
    await engine.check_image(settings.sandbox.image)
    return settings.sandbox.image


async def _git() -> str:
    return (await git("--version")).decode().strip()


async def _model(settings: Settings) -> str:
    providers = Providers(settings.model)
    try:
        models = [settings.model.default]
        if settings.model.fallback:
            models.append(settings.model.fallback)
        for model in models:
            providers.check(model)
    finally:
        await providers.close()
    return f"{', '.join(models)}: a key is configured"


async def _forge(settings: Settings) -> str:
    forge = make_forge(settings)
    if forge is None:
        raise ThreadsmithError("not configured", resolution="Set THREADSMITH_FORGE_TOKEN.")
    try:
        return f"{await forge.check()}, {await Listing(forge.identity).count()}"
    finally:
        await forge.close()
