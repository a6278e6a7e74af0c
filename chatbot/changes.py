"""What every change of a task is made of; each function runs inside the caller's transaction."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.approval_changes import SYSTEM, continues_pull, who
from chatbot.attempt_changes import AttemptChanges
from chatbot.attempts import can_be_chosen, newest_attempts
from chatbot.history import anew, given, queries, setup_approvals
from chatbot.models import (
    DEADLINE_SECONDS,
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
from chatbot.queue_changes import first_line
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome

__all__ = ["NOTHING", "SYSTEM", "Changes", "EmptyRequest", "continues_pull", "failure", "who"]

_ENDS = {
    "patch": Status.READY,
    "answer": Status.READY,
    "findings": Status.READY,
    "nothing": Status.DONE,
    "stopped": Status.STOPPED,
    "failed": Status.FAILED,
}
_NAME = re.compile(r"`?[\w.:/@-]+`?")


NOTHING = "(nothing)"
"""The request where somebody only spoke the bot's name."""


class EmptyRequest(ThreadsmithError):
    """The request says nothing to do."""

    code = "empty_request"
    resolution = "Say what to do, for example: fix the failing test in owner/name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(AttemptChanges):
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
            attempts=new.attempts,
            title=first_line(new.request),
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

    def _finish(
        self, db: Database, task: Task, run: Run, outcome: Outcome, *, is_last: bool = False
    ) -> None:
        """``is_last``: no further attempt is made, whatever was asked for."""
        now = self.clock()
        run = replace(run, finished_at=now, outcome=outcome.kind, handle=None)
        queries.update_run(db, run)
        if (asked := setup_approvals.pending_of(db, task.id)) is not None:
            # Nobody waits for the answer any more.
            self._settle_setup(db, asked, "void", SYSTEM)
        has_next = not is_last and self._has_next(db, task, run, outcome)
        attempts = newest_attempts(queries.task_runs(db, task.id)) if run.attempt else []
        standing = None
        if has_next:
            task = self._move(db, replace(task, patch_sha256=None), Status.QUEUED)
        elif any(can_be_chosen(each) for each in attempts):
            ended = replace(task, patch_sha256=None, outcome="attempts")
            task = self._move(db, ended, Status.READY)
        else:
            standing = None if outcome.kind == "patch" else self._standing(db, task, run)
            task = replace(
                task,
                outcome=outcome.kind,
                title=outcome.title or task.title,
                summary=outcome.summary or outcome.brief,
            )
            task = self._move(db, task, _ENDS[outcome.kind] if standing is None else Status.READY)
        self._tell_end(db, task, run, outcome)
        if has_next:
            self._next_attempt(db, task, run)
            return
        is_settled = self._begin_anew(db, task) or self._end_attempts(db, task, run)
        if is_settled:
            return
        if queries.pending_messages(db, task.id) and outcome.kind != "stopped":
            self._take_up(db, task)
        elif outcome.kind == "patch":
            self._ask_approval(db, task, run)
        elif standing is not None:
            self._ask_approval(db, task, standing)

    def _tell_end(self, db: Database, task: Task, run: Run, outcome: Outcome) -> None:
        now = self.clock()
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
            "status": task.status,
        }
        queries.append_event(db, task.id, "run_finished", payload, at=now)

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
            attempts=task.attempts if chosen["mode"] == "change" else 1,
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
        run = self._queue_run(
            *(db, queries.get_task(db, task.id), request, task.author),
            attempt=1 if task.attempts > 1 else None,
        )
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


def failure(stage: str, error: ThreadsmithError) -> Outcome:
    return Outcome(
        kind="failed",
        stage=stage,
        brief=error.brief,
        resolution=error.resolution,
        details=error.details,
    )
