"""At start: the store against the engine. Re-attach, begin again, sweep what nobody owns."""

from __future__ import annotations

import structlog

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.models import Run, Status
from chatbot.ownership import Ownership
from sandbox.runner import Runner

log = structlog.get_logger(__name__)


async def recover(actions: Actions, *, runner: Runner, ownership: Ownership) -> list[Run]:
    """Settle every run that a dead process left; answers those to go on with.

    A run whose agent was at work is taken over where it is: its container went on without us.
    One that was still being prepared begins again; it had cost nothing yet.
    """
    history = actions.history
    keep: set[str] = set()
    orphans = []
    for run in await history.read(queries.open_runs):
        if run.started_at is None:
            continue
        if ownership.is_alive(run.owner):
            keep.add(run.id)
            continue
        task = await history.read(lambda db, run=run: queries.get_task(db, run.task_id))  # type: ignore[misc]
        if task.status in {Status.RUNNING, Status.WAITING} and run.spec:
            keep.add(run.id)
            orphans.append(run)
        else:
            log.info("run_requeued", run_id=run.id, task_id=run.task_id)
            await actions.requeue_run(run.id)
    swept = await runner.sweep(keep=keep)
    if swept:
        log.info("swept", count=swept)
    return orphans
