"""Several attempts at one request: made one after another, each from the same commit and with a
conversation of its own; then one is chosen, and the task goes on from it as if it had been alone.

One after another, as a task has one live run: so its budgets are checked between them, and a
person's words have one place to go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.approval_changes import SYSTEM, who
from chatbot.attempts import can_be_chosen, is_undecided, newest_attempts
from chatbot.history import anew, queries, told
from chatbot.models import Person, Run, Status, Task, TransitionRefused
from chatbot.queue_changes import QueueChanges, first_line
from sandbox.recorder import Outcome

_WITHOUT = {"nothing": "It changed nothing.", "stopped": "It was stopped."}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptChanges(QueueChanges):
    """What follows on the end of an attempt, and what people do about all of them."""

    async def choose_attempt(
        self, task_id: str, attempt: int, by: Person, *, key: str | None = None
    ) -> Task:
        """Make that attempt's change the task's; again, as long as the task has not gone on.

        ``key`` is the message that said so, where one did.
        """

        def change(db: Database) -> Task:
            task, runs = queries.get_task(db, task_id), queries.task_runs(db, task_id)
            run = _find(task, runs, attempt)
            if task.status == Status.READY and not run.is_aside:
                raise TransitionRefused(f"Attempt {attempt} is chosen already.")
            if approval := queries.pending_approval(db, task.id):
                self._settle(db, approval, "void", SYSTEM, self.clock(), why="attempt")
            self._choose(db, task, run, by, key=key)
            return queries.get_task(db, task_id)

        return await self.history.write(change)

    async def discard_attempts(self, task_id: str, by: Person) -> Task:
        """None of them is wanted; a reply begins again from the request."""
        now = self.clock()

        def change(db: Database) -> Task:
            task = queries.get_task(db, task_id)
            if not is_undecided(task, queries.task_runs(db, task_id)):
                raise TransitionRefused("There is nothing to choose from any more.")
            task = self._move(db, replace(task, outcome="discarded"), Status.DONE)
            payload = {"by": who(by), "status": task.status}
            queries.append_event(db, task_id, "attempts_discarded", payload, at=now)
            if queries.pending_messages(db, task_id):
                self._take_up(db, task)
            return queries.get_task(db, task_id)

        return await self.history.write(change)

    def _has_next(self, db: Database, task: Task, run: Run, outcome: Outcome) -> bool:
        """Whether another attempt follows on this one."""
        if run.attempt is None or run.attempt >= task.attempts or outcome.kind == "stopped":
            return False
        if told.is_stopped(db, run.id) or anew.pending_change(db, task.id) is not None:
            return False
        # Where the model never came to speak, it would go the same way once more.
        return outcome.kind != "failed" or told.has_event(db, run.id, task.id, "turn")

    def _next_attempt(self, db: Database, task: Task, run: Run) -> None:
        """From the same commit, asked for everything that was said until now."""
        self._set_aside(db, [run])
        waiting = queries.pending_messages(db, task.id)
        said = [message.text for message in (*queries.said_in(db, run.id), *waiting)]
        new = [text for text in dict.fromkeys(said) if text not in run.request]
        following = self._queue_run(
            *(db, task, "\n\n".join([run.request, *new]), run.author),
            # A process that was to drive them all by itself.
            owner=run.owner if task.origin == "cli" else None,
            attempt=(run.attempt or 0) + 1,
        )
        queries.mark_delivered(db, [m.id for m in waiting], following.id, self.clock())

    def _end_attempts(self, db: Database, task: Task, run: Run) -> bool:
        """After the last one; False: none came to a change, and the task ends as its run did."""
        if run.attempt is None:
            return False
        attempts = newest_attempts(queries.task_runs(db, task.id))
        fit = [each for each in attempts if can_be_chosen(each)]
        is_choice = len({each.patch_sha256 for each in fit}) > 1
        payload: dict[str, Any] = {
            "run_id": run.id,
            "attempts": [each.id for each in attempts],
            "state": "choose" if is_choice else "chosen" if fit else "none",
            "status": task.status,
        }
        if not fit and run.outcome == "failed" and len(attempts) > 1:
            last = told.run_ending(db, task.id, run.id)
            brief = self._reasons(db, task, attempts)
            payload |= {"stage": last["stage"], "brief": brief, "resolution": last["resolution"]}
            self._store(db, replace(task, summary=brief))
        queries.append_event(db, task.id, "attempts_ended", payload, at=self.clock())
        if not fit:
            return False
        if is_choice:
            self._set_aside(db, attempts)
        else:
            why = "only" if len(fit) == 1 else "same"
            is_stopped = run.outcome == "stopped"
            self._choose(db, task, fit[0], SYSTEM, why=why, is_stopped=is_stopped)
        return True

    def _reasons(self, db: Database, task: Task, attempts: Sequence[Run]) -> str:
        """Why none of them came to a change."""
        reasons = []
        for run in attempts:
            ended = told.run_ending(db, task.id, run.id)
            why = ended["brief"] if run.outcome == "failed" else _WITHOUT.get(run.outcome or "", "")
            reasons.append(f"{run.attempt}: {why or run.outcome}")
        return f"None of the {len(attempts)} attempts came to a change. {' '.join(reasons)}"

    def _choose(
        self,
        db: Database,
        task: Task,
        run: Run,
        by: Person,
        *,
        key: str | None = None,
        why: str = "",
        is_stopped: bool = False,
    ) -> None:
        """``why``: what chose it where no person did; ``is_stopped``: somebody had just said stop,
        so that nothing begins by itself."""
        now = self.clock()
        attempts = newest_attempts(queries.task_runs(db, task.id))
        self._set_aside(db, attempts)
        queries.update_run(db, replace(run, is_aside=False))
        ended = told.run_ending(db, task.id, run.id)
        task = replace(
            task,
            patch_sha256=run.patch_sha256,
            outcome="patch",
            title=ended["title"] or first_line(task.request),
            summary=ended["summary"],
        )
        is_ready = task.status == Status.READY
        task = self._store(db, task) if is_ready else self._move(db, task, Status.READY)
        payload: dict[str, Any] = {
            "run_id": run.id,
            "attempt": run.attempt,
            "patch_sha256": run.patch_sha256,
            "by": who(by),
            "key": key,
            "why": why,
            "status": task.status,
        }
        queries.append_event(db, task.id, "attempt_chosen", payload, at=now)
        if queries.pending_messages(db, task.id) and not is_stopped:
            self._take_up(db, task)
        else:
            # Where people asked to choose, nothing is opened without their word.
            self._ask_approval(db, task, run, alone=False)

    def _set_aside(self, db: Database, runs: Sequence[Run]) -> None:
        for run in runs:
            queries.update_run(db, replace(run, is_aside=True))


def _find(task: Task, runs: Sequence[Run], attempt: int) -> Run:
    """The attempt, where it may be chosen."""
    attempts = newest_attempts(runs)
    run = next((each for each in attempts if each.attempt == attempt), None)
    if run is None:
        raise TransitionRefused("There is no such attempt.")
    if runs[-1].finished_at is None:
        raise TransitionRefused("A run is under way; choose when it has ended.")
    if runs[-1].id != attempts[-1].id:
        raise TransitionRefused("The work has gone on from another attempt.")
    if task.status == Status.PUBLISHING or task.pull_request is not None:
        raise TransitionRefused("There is a pull request already.")
    if not can_be_chosen(run):
        raise TransitionRefused(f"Attempt {attempt} came to no change.")
    return run
