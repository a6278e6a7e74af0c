"""What every change of a task is made of; each function runs inside the caller's transaction."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from chatbot.history import pulls, queries, setup_approvals
from chatbot.history.store import History
from chatbot.models import (
    DEADLINE_SECONDS,
    Approval,
    ApprovalState,
    Message,
    NewTask,
    Person,
    PublishRules,
    Run,
    SetupApproval,
    SetupState,
    Status,
    Task,
    TransitionRefused,
    check_transition,
    make_id,
    shown_model,
)
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome

SYSTEM = Person("threadsmith", "Threadsmith")
"""Who acts where no person does: deadlines and recovery."""


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
class Changes:
    """Over one history, by one clock."""

    history: History
    clock: Callable[[], float] = field(default=time.time)
    rules: Callable[[str], PublishRules] = field(default=lambda _: PublishRules())
    """How a repository's pull requests are made."""

    def _create(self, db: Database, new: NewTask, owner: str | None) -> tuple[Task, bool]:
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
            issue=new.issue,
            title=_first_line(new.request),
        )
        queries.insert_task(db, task, new.key)
        payload = {
            "request": new.request,
            "repository": new.source.repository,
            "ref": new.source.ref,
            "mode": new.mode,
            "model": shown_model(new.model),
            "author": who(new.author),
            "origin": new.origin,
        }
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
        late = queries.pending_messages(db, task.id)
        if late and outcome.kind != "stopped":
            self._take_up(db, task)
        elif outcome.kind == "patch":
            self._ask_approval(db, task, run)
        elif standing is not None:
            self._ask_approval(db, task, standing)

    def _standing(self, db: Database, task: Task, run: Run) -> Run | None:
        """The earlier run whose finished, unpublished patch this one has left as it was."""
        sha256 = task.open_patch_sha256
        if sha256 is None:
            return None
        for earlier in reversed(queries.task_runs(db, task.id)):
            if earlier.id != run.id and earlier.patch_sha256 == sha256:
                return earlier if earlier.outcome == "patch" else None
        return None

    def _ask_approval(self, db: Database, task: Task, run: Run) -> None:
        """Only where there is a forge to publish to, and something not yet published."""
        sha256 = task.open_patch_sha256
        rules = self.rules(task.source.repository)
        goes_to = task.source.forge or (rules.publish == "branch" and task.source.kind == "git")
        if sha256 is None or not goes_to:
            return
        approval = Approval(
            id=make_id("a", now=self.clock()),
            task_id=task.id,
            run_id=run.id,
            patch_sha256=sha256,
            state="pending",
            created_at=self.clock(),
        )
        queries.insert_approval(db, approval)
        standing = task.pull_request if continues_pull(task, run) else None
        payload = {
            "approval_id": approval.id,
            "run_id": run.id,
            "patch_sha256": sha256,
            "pull_number": standing.number if standing else None,
            "branch_only": rules.publish == "branch",
            "draft": rules.draft,
            "second_person": rules.second_person,
        }
        queries.append_event(db, task.id, "approval_requested", payload, at=self.clock())
        if standing is not None and self._may_update_alone(db, task, run, standing.number):
            task = self._move(db, task, Status.PUBLISHING)
            self._settle(db, approval, "approved", SYSTEM, self.clock(), status=task.status)

    def _may_update_alone(self, db: Database, task: Task, run: Run, number: int) -> bool:
        """Whether the run was begun by our own word, in a pull request where that was allowed."""
        pull = pulls.find(db, task.source.repository, number)
        if run.author.id != SYSTEM.id or pull is None:
            return False
        allowed = self.rules(task.source.repository).autofix
        is_alone = (allowed if pull.autofix is None else pull.autofix) and not any(
            message.author.id != SYSTEM.id for message in queries.said_in(db, run.id)
        )
        return is_alone and not self._sensitive(db, task) and not self._has_failed(db, task, run)

    def _has_failed(self, db: Database, task: Task, run: Run) -> bool:
        """Whether a clean container said otherwise than the agent."""
        for event in reversed(queries.task_events(db, task.id)):
            if event.kind == "run_finished" and event.payload.get("run_id") == run.id:
                return (event.payload.get("verification") or {}).get("state") == "failed"
        return False

    def _sensitive(self, db: Database, task: Task) -> list[str]:
        """Files of the newest patch that deserve a second look."""
        for event in reversed(queries.task_events(db, task.id)):
            if event.kind == "patch" and event.payload.get("sha256") == task.patch_sha256:
                files = event.payload.get("files") or []
                return [str(file["path"]) for file in files if file.get("sensitive")]
        return []

    def _pending(self, db: Database, approval_id: str) -> tuple[Approval, Task]:
        approval = queries.get_approval(db, approval_id)
        if approval.state != "pending":
            who = approval.settled_by.name if approval.settled_by else "somebody"
            raise TransitionRefused(f"This was settled already ({approval.state} by {who}).")
        return approval, queries.get_task(db, approval.task_id)

    def _settle(
        self,
        db: Database,
        approval: Approval,
        state: ApprovalState,
        by: Person,
        now: float,
        *,
        status: Status | None = None,
    ) -> None:
        queries.settle_approval(db, approval.id, state, by, at=now)
        payload: dict[str, Any] = {"approval_id": approval.id, "state": state, "by": who(by)}
        if status is not None:
            payload["status"] = status
        queries.append_event(db, approval.task_id, "approval_settled", payload, at=now)

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

    def _move(self, db: Database, task: Task, status: Status) -> Task:
        check_transition(task.status, status)
        seconds = DEADLINE_SECONDS.get(status)
        deadline_at = None if seconds is None else self.clock() + seconds
        return self._store(db, replace(task, status=status, deadline_at=deadline_at))

    def _store(self, db: Database, task: Task) -> Task:
        task = replace(task, updated_at=self.clock())
        queries.update_task(db, task)
        return task


def continues_pull(task: Task, run: Run) -> bool:
    """Whether the run's work goes to the branch that was published before."""
    pull_request = task.pull_request
    if pull_request is None or pull_request.state == "merged":
        return False
    return run.continues is not None or run.branch == pull_request.branch


def _words(message: Message) -> str:
    return UPDATE_REQUEST.format(message.text) if message.kind == "update" else message.text


def who(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name}


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
