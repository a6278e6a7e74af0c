"""`threadsmith demo`: the whole product on this machine, to look at or as one checked pass."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from chatbot.config import ModelSettings
from chatbot.demo.sample import replies_path, sample_files, suggestions
from chatbot.demo.stage import Stage, staged
from chatbot.history import queries
from chatbot.models import FINAL, Event, Status, Task
from chatbot.one_run import final_report
from chatbot.ownership import Ownership
from chatbot.serve import wait_for_signal
from chatbot.story import describe
from sandbox.errors import ThreadsmithError

REPOSITORY = "demo/shop"
REQUEST = f"@Threadsmith fix the failing test in {REPOSITORY}"
CHANNEL = "shop"
PERSON = "ada"
HOME = Path(".threadsmith")
WATCHED_DELAY_SECONDS = 0.8
"""Recorded replies answer at once; a person wants to see the steps move."""
ONCE_SECONDS = 600.0


class DemoFailed(ThreadsmithError):
    """The demonstration did not come to its end."""

    code = "demo_failed"


def choose_model(environment: Mapping[str, str]) -> tuple[str, str]:
    """The model, and the line that tells people which: a real one where a key is at hand."""
    for variable, model in (
        ("ANTHROPIC_API_KEY", ModelSettings().default),
        ("OPENAI_API_KEY", environment.get("OPENAI_MODEL", "openai:gpt-5.1")),
    ):
        if environment.get(variable):
            return model, f"The model is {model}, by the key in {variable}."
    return (
        f"replay:{replies_path()}",
        "The model's replies are recorded; the agent, its tools, the container, git and the"
        " pull request are real. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real model.",
    )


async def show(environment: Mapping[str, str], *, port: int) -> None:
    """Serve until a signal."""
    async with _stage(environment, "demo", port=port, delay=WATCHED_DELAY_SECONDS) as stage:
        _, notice = choose_model(environment)
        click.echo(f"\n  Open {stage.workspace.url} and write, for example:\n")
        for suggestion in suggestions():
            click.echo(f"      {suggestion}")
        click.echo(f"\n  The forge is at {stage.forge.url}, task pages at {stage.app.web_url}.")
        click.echo(f"  {notice}\n  Ctrl-C ends it.\n")
        await wait_for_signal()


async def run_once(environment: Mapping[str, str], *, progress: bool) -> dict[str, Any]:
    """Ask, wait, press *Open PR*, wait: answers the report; `stage` names where it failed."""
    async with _stage(environment, "demo-once", port=0, delay=0.0) as stage:
        try:
            async with asyncio.timeout(ONCE_SECONDS):
                task, failure = await _ask_and_approve(stage, progress=progress)
        except TimeoutError:
            failure = DemoFailed(f"No end after {ONCE_SECONDS:g} seconds.")
            failure.stage = "timeout"
            task = None
        if task is None:
            tasks = await stage.app.history.read(queries.list_tasks)
            task = tasks[0] if tasks else None
        report: dict[str, Any] = {"task_id": None, "status": "failed"}
        if task is not None:
            report = await final_report(stage.app, task.id)
        if failure is not None:
            report |= {
                "status": report["status"] if report["status"] != "done" else "failed",
                "stage": failure.stage,
                "error": {"brief": failure.brief, "resolution": failure.resolution},
            }
            click.echo(f"threadsmith: failed at {failure.stage}: {failure.brief}", err=True)
        return report


async def _ask_and_approve(
    stage: Stage, *, progress: bool
) -> tuple[Task | None, ThreadsmithError | None]:
    workspace = stage.workspace
    timestamp = await workspace.post(PERSON, CHANNEL, REQUEST)
    async for event in stage.app.history.follow(after=0):
        line = describe(event)
        if line and progress:
            click.echo(line, err=True)
        if event.kind == "approval_requested":
            await _press_open(stage, timestamp)
        elif (failure := _failure(event)) is not None:
            return None, failure
        elif event.kind == "published":
            task_id = event.task_id
            task = await stage.app.history.read(lambda db, t=task_id: queries.get_task(db, t))  # type: ignore[misc]
            return task, None
    return None, None


async def _press_open(stage: Stage, thread_ts: str) -> None:
    """Through the workspace, as a person's click would come."""

    workspace = stage.workspace

    def find() -> str | None:
        for message in workspace.messages(CHANNEL, thread_ts):
            for block in message.get("blocks") or ():
                for element in block.get("elements") or ():
                    if element.get("action_id") == "open_pr":
                        return str(message["ts"])
        return None

    gate = await workspace.wait_for(find, seconds=ONCE_SECONDS)
    await workspace.click(PERSON, CHANNEL, gate, "open_pr")


def _failure(event: Event) -> ThreadsmithError | None:
    payload = event.payload
    ended_badly = payload.get("status") in {Status.FAILED, Status.STOPPED}
    nothing = event.kind == "run_finished" and payload.get("status") in FINAL
    if event.kind == "publish_failed" or ended_badly or nothing:
        failure = DemoFailed(
            payload.get("brief") or "The run ended without a patch.",
            resolution=payload.get("resolution") or "See the log files of the task.",
        )
        failure.stage = payload.get("stage") or event.kind
        return failure
    return None


@asynccontextmanager
async def _stage(
    environment: Mapping[str, str], name: str, *, port: int, delay: float
) -> AsyncIterator[Stage]:
    """In a folder that starts empty; where another demonstration runs, in one of its own."""
    directory = HOME / name
    with tempfile.TemporaryDirectory(prefix="threadsmith-demo-") as spare:
        if await asyncio.to_thread(_is_in_use, directory):
            directory = Path(spare)
        else:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        model, notice = choose_model(environment)
        async with staged(
            directory.absolute(),
            model=ModelSettings(default=model, replay_delay_seconds=delay),
            repositories={REPOSITORY: sample_files()},
            notice=notice,
            suggestions=suggestions(),
            port=port,
        ) as stage:
            yield stage


def _is_in_use(directory: Path) -> bool:
    owners = directory / "data" / "owners"
    if not owners.is_dir():
        return False
    with Ownership(owners) as own:
        return any(
            own.is_alive(path.stem) for path in owners.glob("*.lock") if path.stem != own.owner
        )
