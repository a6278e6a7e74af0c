"""`threadsmith run`: one task without Slack, watched in the terminal."""

from __future__ import annotations

import asyncio
import getpass
import signal
from pathlib import Path
from typing import Any

import click

from chatbot.app import App, start_app
from chatbot.config import Settings
from chatbot.harmless import counted, visible
from chatbot.history.export import LogFiles
from chatbot.models import FINAL, Person, Status, Task
from chatbot.report import task_report
from chatbot.setup_prompt import SetupChoice, decide_setup
from chatbot.story import describe
from chatbot.verified import read_verified

REPORTED = (
    "task_id",
    "status",
    "repository",
    "base_commit",
    "patch_path",
    "tree_path",
    "pull_request",
    "events",
    "timings",
    "outcome",
    "answer",
    "findings",
    "attempts",
    "verification",
    "usage",
    "error",
)


async def run_one(
    settings: Settings,
    *,
    task: str,
    repo: str | None,
    ref: str | None,
    archive: Path | None,
    mode: Any,
    model: str | None,
    image: str | None,
    agent: str | None,
    attempts: int | None,
    setup: SetupChoice,
    quiet: bool,
) -> dict[str, Any]:
    """Run the task to its end; answers its report. Ctrl-C stops the run and keeps its work."""
    author = Person("cli", getpass.getuser())
    async with start_app(settings, fronts=False, takes=lambda task: task.origin == "cli") as app:
        stored = await app.intake.ask(
            task,
            author=author,
            origin="cli",
            repository=repo or (archive.name if archive else None),
            ref=ref,
            mode=mode,
            model=model,
            image=image,
            agent=agent,
            attempts=attempts,
            archive=archive,
            owner=app.owner,
        )
        if attempts is not None and stored.attempts < attempts:
            made = counted(stored.attempts, "attempt")
            click.echo(f"{made} instead of {attempts}: see sandbox.max_attempts.", err=True)
        loop = asyncio.get_running_loop()
        stops: set[asyncio.Task[bool]] = set()

        def stop() -> None:
            stops.add(loop.create_task(app.actions.stop_task(stored.id, author)))

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            await _watch(app, stored, author, setup=setup, quiet=quiet)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return await final_report(app, stored.id, quiet=quiet)


async def _watch(app: App, task: Task, author: Person, *, setup: SetupChoice, quiet: bool) -> None:
    ended = {*FINAL, Status.READY}
    async for event in app.history.follow(after=0, task_id=task.id):
        if event.kind == "setup_approval_requested":
            await decide_setup(app, event, author, choice=setup)
        line = describe(event)
        if line and not quiet:
            click.echo(f"{event.at - task.created_at:7.1f}s  {line}", err=True)
        if event.kind == "run_finished" and event.payload.get("status") in ended:
            return


async def final_report(app: App, task_id: str, *, quiet: bool = True) -> dict[str, Any]:
    """The task's report, with its files written."""
    await LogFiles(app.history, app.settings.logs_directory).export(task_id)
    report = await task_report(app.history, task_id)
    patch = app.settings.logs_directory / task_id / "diff.patch"
    report["patch_path"] = str(patch.absolute()) if patch.exists() else None
    tree = patch.with_name("tree.zip")
    report["tree_path"] = str(tree.absolute()) if tree.exists() else None
    report["task_id"] = task_id
    for tried in report["attempts"]:
        made = patch.with_name(f"attempt-{tried['attempt']}.patch")
        tried["patch_path"] = str(made.absolute()) if made.exists() else None
    if not quiet:
        _conclude(report, app.settings.logs_directory / task_id)
    return {name: report.get(name) for name in REPORTED}


def _conclude(report: dict[str, Any], logs: Path) -> None:
    click.echo(err=True)
    # The model's words reach a terminal: without what could drive it.
    for text in (report.get("summary"), report.get("answer")):
        if text:
            click.echo(visible(text))
    for finding in report.get("findings") or ():
        place = f"{finding['file']}:{finding.get('line') or '?'}"
        click.echo(visible(f"{finding['severity']}: {place} {finding['title']}"))
    for tried in report["attempts"]:
        click.echo(visible(_attempt(tried)), err=True)
    verified = read_verified(report)
    if verified.state:
        click.echo(visible(verified.headline), err=True)
    for check in verified.checks:
        click.echo(visible(f"  {check.command}: {check.said}"), err=True)
    if report["patch_path"]:
        click.echo(f"Patch: {report['patch_path']}", err=True)
    if report["tree_path"]:
        click.echo(f"Tree:  {report['tree_path']}", err=True)
    click.echo(f"Logs:  {logs.absolute()}", err=True)


def _attempt(tried: dict[str, Any]) -> str:
    """How one of several went."""
    if tried["error"] is not None:
        said = f"failed: {tried['error']['brief']}"
    elif not tried["files"]:
        said = tried["outcome"] or "under way"
    else:
        said = f"{counted(tried['files'], 'file')}, +{tried['added']} −{tried['removed']}"
    verified = read_verified(tried).headline
    parts = [said, tried["title"], verified, tried["patch_path"] or ""]
    mark = " (chosen)" if tried["is_chosen"] else ""
    return f"Attempt {tried['attempt']}{mark}: {'; '.join(part for part in parts if part)}"
