"""A set-up script, shown in the terminal and decided about there."""

from __future__ import annotations

import asyncio
import sys
from typing import Literal

import click

from chatbot.app import App
from chatbot.harmless import visible
from chatbot.history import setup_approvals
from chatbot.models import Event, Person
from chatbot.scripts import Scripts

SetupChoice = Literal["ask", "run", "skip"]
NOBODY_TO_ASK = (
    "The repository has a set-up script that nobody has approved, and there is no terminal to ask"
    " at: pass --setup run or --setup skip."
)


async def decide_setup(app: App, event: Event, by: Person, *, choice: SetupChoice) -> None:
    """Settle the approval as chosen, or ask; without a terminal the run is stopped."""
    approval_id, sha256 = event.payload["approval_id"], event.payload["sha256"]
    answer: str = choice
    if choice == "ask":
        if not sys.stdin.isatty():
            click.echo(NOBODY_TO_ASK, err=True)
            await app.actions.stop_task(event.task_id, by)
            return
        content = await app.history.read(lambda db: setup_approvals.get_scripts(db, sha256))
        click.echo(visible(Scripts.from_json(content).text()), err=True)
        answer = await asyncio.to_thread(
            click.prompt,
            "It would run as root in a sealed container. Run it?",
            type=click.Choice(["run", "skip", "stop"]),
            err=True,
        )
    if answer == "stop":
        await app.actions.stop_task(event.task_id, by)
    else:
        await app.actions.settle_setup(
            approval_id, "approved" if answer == "run" else "skipped", by
        )
