"""How the next run of a task is queued; each function runs inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from chatbot.approval_changes import SYSTEM, ApprovalChanges, who
from chatbot.attempts import is_none_chosen
from chatbot.history import queries, told
from chatbot.models import Message, Person, Run, Status, Task, make_id

UPDATE_REQUEST = (
    "Bring this work up to date with the branch {} as it is now. Where both changed the same "
    "places the files hold conflict marks (<<<<<<<, =======, >>>>>>>): resolve each of them so "
    "that both intentions hold, run the tests, and leave everything else as it is."
)
"""What the agent is asked where the work is brought onto a newer base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanges(ApprovalChanges):
    """Runs, before anybody drives them."""

    def _queue_run(
        self,
        db: Database,
        task: Task,
        request: str,
        author: Person,
        *,
        owner: str | None = None,
        update_onto: str | None = None,
        attempt: int | None = None,
    ) -> Run:
        """``attempt``: its number where it is one of several; the first run that begins is that."""
        now = self.clock()
        runs = queries.task_runs(db, task.id)
        number = len(runs) + 1
        if task.attempts > 1 and all(run.started_at is None for run in runs):
            attempt = 1
        run = Run(
            id=make_id("r", now=now),
            task_id=task.id,
            number=number,
            request=request,
            author=author,
            created_at=now,
            owner=owner,
            update_onto=update_onto,
            attempt=attempt,
        )
        queries.insert_run(db, run)
        payload: dict[str, Any] = {
            "run_id": run.id,
            "number": number,
            "request": request,
            "author": who(author),
            "position": queries.queue_position(db, run.id),
            "status": Status.QUEUED,
        }
        if attempt is not None:
            payload |= {"attempt": attempt, "attempts": task.attempts}
        queries.append_event(db, task.id, "run_queued", payload, at=now)
        return run

    def _take_up(self, db: Database, task: Task) -> None:
        """Start the next run with everything that was said and not yet heard."""
        if approval := queries.pending_approval(db, task.id):
            self._settle(db, approval, "void", SYSTEM, self.clock())
        waiting = queries.pending_messages(db, task.id)
        self._move(db, task, Status.QUEUED)
        people = [m.author for m in waiting if m.author.id != SYSTEM.id]
        update = next((m.text for m in waiting if m.kind == "update"), None)
        words = [_words(message) for message in waiting]
        runs = queries.task_runs(db, task.id)
        is_deleted = told.why_stopped(db, runs[-1].id, task.id) == "deleted"
        is_begun = any(run.started_at is not None for run in runs)
        if is_none_chosen(runs) or not (is_begun or is_deleted):
            # Nothing was done yet, or nothing that is wanted: the request still stands.
            words = list(dict.fromkeys([task.request, *words]))
        run = self._queue_run(
            *(db, task, "\n\n".join(words)),
            people[-1] if people else SYSTEM,
            update_onto=update,
        )
        queries.mark_delivered(db, [m.id for m in waiting], run.id, self.clock())


def _words(message: Message) -> str:
    return UPDATE_REQUEST.format(message.text) if message.kind == "update" else message.text


def first_line(text: str) -> str:
    """What a task is called before its run has given it a title."""
    line = text.strip().splitlines()[0]
    return line if len(line) <= 80 else line[:79] + "…"
