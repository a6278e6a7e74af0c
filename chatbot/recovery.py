"""At start: the store against the engine. Re-attach, begin again, sweep what nobody owns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.models import Run, Status, Task
from chatbot.ownership import Ownership
from sandbox.errors import ThreadsmithError
from sandbox.runner import Runner

log = structlog.get_logger(__name__)


class DriverKilled(ThreadsmithError):
    """The command that drove this run was killed."""

    code = "driver_killed"
    resolution = "Run it again; what was made until then is kept."


async def recover(
    actions: Actions,
    *,
    runner: Runner,
    ownership: Ownership,
    ours: Callable[[Task], bool],
) -> list[Run]:
    """Settle every run that a dead process left; answers those to go on with.

    A run whose agent was at work is taken over where it is: its container went on without us.
    One that was still being prepared begins again; it had cost nothing yet. A run of the command
    line ends: nobody waits for it any more.
    """
    history = actions.history
    keep: set[str] = set()
    orphans = []
    for run in await history.read(queries.open_runs):
        task = await history.read(partial(queries.get_task, task_id=run.task_id))
        if not ours(task) or ownership.is_alive(run.owner):
            keep.add(run.id)
        elif run.owner is None and run.started_at is None:
            continue
        elif task.origin == "cli":
            await actions.fail_run(run.id, "recovery", DriverKilled())
        elif task.status in {Status.RUNNING, Status.WAITING} and run.spec:
            log.info("run_adopted", run_id=run.id, task_id=run.task_id)
            keep.add(run.id)
            orphans.append(run)
        else:
            log.info("run_requeued", run_id=run.id, task_id=run.task_id)
            await actions.requeue_run(run.id)
    if swept := await runner.sweep(keep=keep):
        log.info("swept", count=swept)
    return orphans
