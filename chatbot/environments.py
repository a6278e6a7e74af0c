"""`threadsmith environments`: what is kept, for people and for scripts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from chatbot.app import make_engine, make_runner
from chatbot.config import Settings
from chatbot.harmless import seconds_text, visible
from chatbot.history.store import History
from chatbot.listing import Listing
from chatbot.sources import TaskSources
from sandbox.engines.engine import Handle
from sandbox.environments.build_log import Unheard
from sandbox.environments.records import SEAT_SCOPE, Record, Records
from sandbox.errors import ThreadsmithError
from sandbox.llm.providers import Providers
from sandbox.spec import RunSpec


class EnvironmentUnknown(ThreadsmithError):
    """There is no such environment."""

    code = "environment_unknown"
    resolution = "See `threadsmith environments list`."


async def list_environments(settings: Settings) -> Listing:
    records = await Records(settings.environments_directory).all()
    now = time.time()
    lines = [_line(record, now) for record in records]
    return Listing(
        [_brief(r, settings) for r in records], "\n".join(lines) or "There are none yet."
    )


async def rebuild_environment(settings: Settings, key: str) -> None:
    """From the spec that it was built with; raises ThreadsmithError where the build fails."""
    record = await _find(settings, key)
    if record.scope == SEAT_SCOPE:
        raise EnvironmentUnknown(
            f"{record.repository} is installed by the next run that needs it.",
            resolution=f"Remove it: `threadsmith environments remove {record.key[:12]}`.",
        )
    spec = RunSpec.from_json({**record.spec, "run_id": f"env-{record.key[:16]}"})
    history = await History.open(settings.database_path)
    engine = make_engine(settings)
    providers = Providers(settings.model)
    try:
        runner = make_runner(settings, engine, providers, TaskSources(settings, history))
        built = await runner.build(spec, _Shown())
    finally:
        await providers.close()
        await engine.close()
        await history.close()
    click.echo(_line(built, time.time()))


async def remove_environments(settings: Settings, keys: Sequence[str]) -> bool:
    """Those, or all where none is named; False where one is in use and stays."""
    records = Records(settings.environments_directory)
    found = [await _find(settings, key) for key in keys] if keys else await records.all()
    history = await History.open(settings.database_path)
    engine = make_engine(settings)
    providers = Providers(settings.model)
    try:
        runner = make_runner(settings, engine, providers, TaskSources(settings, history))
        removed = [await runner.environments.remove(record.key) for record in found]
    finally:
        await providers.close()
        await engine.close()
        await history.close()
    for record, is_gone in zip(found, removed, strict=True):
        click.echo(f"{record.key[:12]} {'removed' if is_gone else 'is in use and stays'}")
    return all(removed)


class _Shown(Unheard):
    """What a build prints goes to the terminal."""

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "setup_output":
            click.echo(visible(str(payload["text"])), nl=False, err=True)

    async def handle(self, handle: Handle | None) -> None:
        pass


async def _find(settings: Settings, key: str) -> Record:
    records = await Records(settings.environments_directory).all()
    found = [record for record in records if record.key.startswith(key)] if key else []
    if len(found) != 1:
        what = "Several environments begin" if found else "No environment begins"
        raise EnvironmentUnknown(f"{what} with `{key[:40]}`.")
    return found[0]


def _brief(record: Record, settings: Settings) -> dict[str, Any]:
    log = Records(settings.environments_directory).log_path(record.key)
    return {
        "key": record.key,
        "repository": record.repository,
        "scope": record.scope,
        "commit": record.commit,
        "image": record.image,
        "built_at": record.built_at,
        "used_at": record.used_at,
        "build_seconds": record.seconds,
        "size_bytes": record.size_bytes,
        "failure": record.failure or None,
        "log": str(log.absolute()),
    }


def _line(record: Record, now: float) -> str:
    parts = [
        record.key[:12],
        f"{record.repository:<28}",
        f"{record.scope:<14}",
        record.commit[:8],
        f"{record.size_bytes / 1024**2:7.0f} MiB",
        f"built {seconds_text(now - record.built_at)} ago in {seconds_text(record.seconds)}",
        f"used {seconds_text(now - record.used_at)} ago",
    ]
    if record.failure:
        parts.append(f"rebuilding failed: {record.failure}")
    return visible("  ".join(parts))
