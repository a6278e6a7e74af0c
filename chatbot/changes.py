"""What every change of a task is made of; each function runs inside the caller's transaction."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.approval_changes import SYSTEM, ApprovalChanges, continues_pull, who
from chatbot.history import anew, given, queries, setup_approvals
from chatbot.models import (
    DEADLINE_SECONDS,
    Message,
    NewTask,
    Person,
    Run,
    SetupApproval,
    SetupState,
    Source,
    Status,
    Task,
    make_id,
    shown_model,
)
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome

__all__ = ["SYSTEM", "Changes", "EmptyRequest", "continues_pull", "failure", "who"]

_NAME = re.compile(r"`?[\w.:/@-]+`?")

UPDATE_REQUEST = (
    "Bring this work up to date with the branch {} as it is now. Where both changed the same "
    "places the files hold conflict marks (<<<<<<<, =======, >>>>>>>): resolve each of them so "
    "that both intentions hold, run the tests, and leave everything else as it is."
)
"""What the agent is asked where the work is brought onto a newer base."""


class EmptyRequest(ThreadsmithError):
    """The request says nothing to do."""

    code = "empty_request"
    resolution = "Say what to do, for example: fix the failing test in owner/name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(ApprovalChanges):
    """Requests and runs, from their begin to their end."""

    def _create(
        self, db: Database, new: NewTask, owner: str | None, along: Sequence[given.NewGiven]
    ) -> tuple[Task, bool]:
        if not new.request.strip():
            raise EmptyRequest
        if new.key is not None and (known := queries.find_task_by_key(db, new.key)):
            return known, False
        now = self.clock()
        task = Task(
            id=make_id("t", now=now),
            created_at=now,
            updated_at=now,
            status=Status.QUEUED,
            deadline_at=now + DEADLINE_SECONDS[Status.QUEUED],
            origin=new.origin,
            mode=new.mode,
            model=new.model,
            request=new.request,
            author=new.author,
            source=new.source,
            share_token=secrets.token_urlsafe(24),
            thread=new.thread,
            image=new.image,
            agent=new.agent,
            issue=new.issue,
            draft=new.draft,
            title=_first_line(new.request),
        )
        queries.insert_task(db, task, new.key)
        payload: dict[str, Any] = {
            "request": new.request,
            "repository": new.source.repository,
            "ref": new.source.ref,
            "mode": new.mode,
            "model": shown_model(new.model),
            "agent": new.agent,
            "author": who(new.author),
            "origin": new.origin,
        }
        if new.chosen_by is not None:
            payload["from"] = new.chosen_by
        if new.notes:
            payload["notes"] = list(new.notes)
        if along:
            payload["given"] = given.add(db, task.id, None, new.author.name, along)
        queries.append_event(db, task.id, "task_created", payload, at=now)
        self._queue_run(db, task, new.request, new.author, owner=owner)
        return queries.get_task(db, task.id), True

    def _queue_run(
        self,
        db: Database,
        task: Task,
        request: str,
        author: Person,
        *,
        owner: str | None = None,
        update_onto: str | None = None,
    ) -> Run:
        now = self.clock()
        number = len(queries.task_runs(db, task.id)) + 1
        run = Run(
            id=make_id("r", now=now),
            task_id=task.id,
            number=number,
            request=request,
            author=author,
            created_at=now,
            owner=owner,
            update_onto=update_onto,
        )
        queries.insert_run(db, run)
        payload = {
            "run_id": run.id,
            "number": number,
            "request": request,
            "author": who(author),
            "position": queries.queue_position(db, run.id),
            "status": Status.QUEUED,
        }
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
        run = self._queue_run(
            *(db, task, "\n\n".join(_words(message) for message in waiting)),
            people[-1] if people else SYSTEM,
            update_onto=update,
        )
        queries.mark_delivered(db, [m.id for m in waiting], run.id, self.clock())

    def _finish(self, db: Database, task: Task, run: Run, outcome: Outcome) -> None:
        now = self.clock()
        queries.update_run(db, replace(run, finished_at=now, outcome=outcome.kind, handle=None))
        if (asked := setup_approvals.pending_of(db, task.id)) is not None:
            # Nobody waits for the answer any more.
            self._settle_setup(db, asked, "void", SYSTEM)
        status = {
            "patch": Status.READY,
            "answer": Status.READY,
            "findings": Status.READY,
            "nothing": Status.DONE,
            "stopped": Status.STOPPED,
            "failed": Status.FAILED,
        }[outcome.kind]
        task = replace(
            task,
            outcome=outcome.kind,
            title=outcome.title or task.title,
            summary=outcome.summary or outcome.brief,
        )
        standing = None if outcome.kind == "patch" else self._standing(db, task, run)
        task = self._move(db, task, status if standing is None else Status.READY)
        status = task.status
        payload = {
            "run_id": run.id,
            "number": run.number,
            "outcome": outcome.kind,
            "title": outcome.title,
            "summary": outcome.summary,
            "claimed": outcome.claimed,
            "verification": outcome.verification,
            "answer": outcome.answer,
            "findings": list(outcome.findings),
            "places": outcome.extra.get("places"),
            "patch_sha256": run.patch_sha256,
            "stage": outcome.stage,
            "brief": outcome.brief,
            "resolution": outcome.resolution,
            "details": outcome.details,
            "seconds": now - (run.started_at or now),
            "status": status,
        }
        queries.append_event(db, task.id, "run_finished", payload, at=now)
        if self._begin_anew(db, task):
            return
        late = queries.pending_messages(db, task.id)
        if late and outcome.kind != "stopped":
            self._take_up(db, task)
        elif outcome.kind == "patch":
            self._ask_approval(db, task, run)
        elif standing is not None:
            self._ask_approval(db, task, standing)

    def _begin_anew(self, db: Database, task: Task) -> bool:
        """With the choice that a person made meanwhile; False where nobody did."""
        change = anew.pending_change(db, task.id)
        if change is None:
            return False
        now, before = self.clock(), task.source.repository
        if approval := queries.pending_approval(db, task.id):
            self._settle(db, approval, "void", SYSTEM, now)
        chosen = json.loads(change.text)
        task = replace(
            queries.get_task(db, task.id),
            source=Source(**chosen["source"]),
            mode=chosen["mode"],
            model=chosen["model"],
            patch_sha256=None,
            base_commit=None,
            branch=None,
            outcome=None,
            summary="",
        )
        anew.forget_conversation(db, task.id)
        self._move(db, task, Status.QUEUED)
        payload = {
            "repository": task.source.repository,
            "ref": task.source.ref,
            "mode": task.mode,
            "model": shown_model(task.model),
            "by": who(change.author),
            "before": before,
        }
        queries.append_event(db, task.id, "task_changed", payload, at=now)
        waiting = [message.id for message in queries.pending_messages(db, task.id)]
        # A name alone answered which repository is meant.
        said = [text for text in anew.said_to(db, task.id) if not _NAME.fullmatch(text)]
        request = "\n\n".join(dict.fromkeys([task.request, *said]))
        run = self._queue_run(db, queries.get_task(db, task.id), request, task.author)
        queries.mark_delivered(db, [*waiting, change.id], run.id, now)
        return True

    def _standing(self, db: Database, task: Task, run: Run) -> Run | None:
        """The earlier run whose finished, unpublished patch this one has left as it was."""
        sha256 = task.open_patch_sha256
        if sha256 is None:
            return None
        for earlier in reversed(queries.task_runs(db, task.id)):
            if earlier.id != run.id and earlier.patch_sha256 == sha256:
                return earlier if earlier.outcome == "patch" else None
        return None

    def _settle_setup(
        self,
        db: Database,
        approval: SetupApproval,
        state: SetupState,
        by: Person,
        *,
        status: Status | None = None,
    ) -> None:
        now = self.clock()
        setup_approvals.settle(db, approval.id, state, by, at=now)
        payload: dict[str, Any] = {
            "run_id": approval.run_id,
            "approval_id": approval.id,
            "state": state,
            "by": who(by),
        }
        if status is not None:
            payload["status"] = status
        queries.append_event(db, approval.task_id, "setup_approval_settled", payload, at=now)


def _words(message: Message) -> str:
    return UPDATE_REQUEST.format(message.text) if message.kind == "update" else message.text


def failure(stage: str, error: ThreadsmithError) -> Outcome:
    return Outcome(
        kind="failed",
        stage=stage,
        brief=error.brief,
        resolution=error.resolution,
        details=error.details,
    )


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0]
    return line if len(line) <= 80 else line[:79] + "…"
