"""The only functions that change a task: check, store in one transaction, wake the others.

Each takes the task through the one transition table and appends what happened to its story.
Nothing outside (Slack, Docker, the forge) is touched here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import (
    DEADLINE_SECONDS,
    FINAL,
    Approval,
    ApprovalState,
    Message,
    NewTask,
    Person,
    PullRequest,
    Run,
    Source,
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


class EmptyRequest(ThreadsmithError):
    """The request says nothing to do."""

    code = "empty_request"
    resolution = "Say what to do, for example: fix the failing test in owner/name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """Changes of tasks, over one history."""

    history: History
    clock: Callable[[], float] = field(default=time.time)

    # Asking

    async def create_task(self, new: NewTask, *, owner: str | None = None) -> tuple[Task, bool]:
        """Store the request with its first run; the same key again gives the task it made.

        ``owner`` reserves the run for one process (the command line's own).
        """
        return await self.history.write(lambda db: self._create(db, new, owner))

    async def refuse_task(self, new: NewTask, error: ThreadsmithError) -> Task:
        """Store a request that could not even begin, with the reason, so that nothing is lost."""

        def change(db: Database) -> Task:
            task, created = self._create(db, new, None)
            if created:
                run = queries.newest_run(db, task.id)
                self._finish(db, task, run, _failure("request", error))
            return queries.get_task(db, task.id)

        return await self.history.write(change)

    async def add_message(
        self, task_id: str, author: Person, text: str, *, key: str | None = None
    ) -> Message | None:
        """A person's follow-up: it reaches the live run, or starts the next one.

        None where the same key was stored before. While the pull request is being made the
        message waits; the run starts right after.
        """
        if not text.strip():
            raise EmptyRequest
        now = self.clock()

        def change(db: Database) -> Message | None:
            task = queries.get_task(db, task_id)
            run = queries.newest_run(db, task_id)
            live = run.finished_at is None
            message = queries.add_message(
                db,
                task_id=task_id,
                kind="message",
                author=author,
                text=text,
                at=now,
                key=key,
                run_id=run.id if live else None,
            )
            if message is None:
                return None
            payload = {"message_id": message.id, "author": _who(author), "text": text, "key": key}
            queries.append_event(db, task_id, "message_received", payload, at=now)
            if not live and task.status != Status.PUBLISHING:
                self._take_up(db, task)
            return message

        return await self.history.write(change)

    async def stop_task(self, task_id: str, by: Person, *, key: str | None = None) -> bool:
        """Ask the live run to end; False where there is none. A queued run ends here and now."""
        now = self.clock()

        def change(db: Database) -> bool:
            task = queries.get_task(db, task_id)
            run = queries.newest_run(db, task_id)
            if run.finished_at is not None:
                return False
            message = queries.add_message(
                db,
                task_id=task_id,
                kind="stop",
                author=by,
                text="",
                at=now,
                key=key,
                run_id=run.id,
            )
            if message is None:
                return True
            payload = {"run_id": run.id, "by": _who(by), "key": key}
            queries.append_event(db, task_id, "stop_requested", payload, at=now)
            if task.status == Status.QUEUED:
                self._finish(db, task, run, Outcome(kind="stopped", summary="Nothing was begun."))
            return True

        return await self.history.write(change)

    async def set_source(self, task_id: str, source: Source) -> None:
        """A request without a repository has been told which one."""

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            self._store(db, replace(task, source=source))
            payload = {"repository": source.repository, "ref": source.ref}
            queries.append_event(db, task_id, "source_named", payload, at=self.clock())

        await self.history.write(change)

    async def first_sight(self, key: str) -> bool:
        """Remember that what carries this key was taken; False where it was before."""
        now = self.clock()
        return await self.history.write(lambda db: queries.first_sight(db, key, at=now))

    # Running

    async def resolve_run(
        self, run_id: str, *, branch: str | None, base_commit: str, detail: dict[str, Any]
    ) -> Run:
        """The run's source is known to exist: this branch, this commit."""

        def change(db: Database) -> Run:
            run = queries.get_run(db, run_id)
            if run.finished_at is not None:
                return run  # stopped meanwhile: nobody will claim it
            task = queries.get_task(db, run.task_id)
            run = replace(run, branch=branch, base_commit=base_commit)
            queries.update_run(db, run)
            if task.base_commit is None:
                task = replace(task, branch=branch, base_commit=base_commit)
                self._store(db, task)
            payload = {
                "run_id": run_id,
                "number": run.number,
                "repository": task.source.repository,
                "branch": branch,
                "base_commit": base_commit,
                "mode": task.mode,
                "model": shown_model(task.model),
                **detail,
            }
            queries.append_event(db, task.id, "run_resolved", payload, at=self.clock())
            return run

        return await self.history.write(change)

    async def claim_run(self, run_id: str, owner: str) -> Run | None:
        """Take a queued run for this process; None where it is not to be had any more."""
        now = self.clock()

        def change(db: Database) -> Run | None:
            run = queries.get_run(db, run_id)
            task = queries.get_task(db, run.task_id)
            if run.finished_at is not None or task.status != Status.QUEUED:
                return None
            patch = task.open_patch_sha256
            run = replace(run, owner=owner, started_at=now, start_patch_sha256=patch)
            queries.update_run(db, run)
            task = self._move(db, task, Status.PREPARING)
            payload = {"run_id": run_id, "number": run.number, "status": task.status}
            queries.append_event(db, task.id, "run_preparing", payload, at=now)
            return run

        return await self.history.write(change)

    async def adopt_run(self, run_id: str, owner: str) -> Run:
        """Take over a run whose process died."""

        def change(db: Database) -> Run:
            run = replace(queries.get_run(db, run_id), owner=owner)
            queries.update_run(db, run)
            payload = {"run_id": run_id}
            queries.append_event(db, run.task_id, "run_adopted", payload, at=self.clock())
            return run

        return await self.history.write(change)

    async def requeue_run(self, run_id: str) -> None:
        """The process died before the container started: begin again."""

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            if run.finished_at is not None:
                return
            task = queries.get_task(db, run.task_id)
            run = replace(run, owner=None, started_at=None, spec=None, handle=None)
            queries.update_run(db, run)
            self._move(db, task, Status.QUEUED)
            payload = {"run_id": run_id, "reason": "restart", "status": Status.QUEUED}
            queries.append_event(db, task.id, "run_requeued", payload, at=self.clock())

        await self.history.write(change)

    async def record_spec(self, run_id: str, spec: dict[str, Any]) -> None:
        """What the run is made from; written before the engine starts."""

        def change(db: Database) -> None:
            queries.update_run(db, replace(queries.get_run(db, run_id), spec=spec))

        await self.history.write(change)

    async def record_handle(self, run_id: str, handle: dict[str, Any] | None) -> None:
        def change(db: Database) -> None:
            queries.update_run(db, replace(queries.get_run(db, run_id), handle=handle))

        await self.history.write(change)

    async def record_event(self, run_id: str, kind: str, payload: dict[str, Any]) -> None:
        """Something the run reported. Its agent container's start makes the task running."""

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            details = {"run_id": run_id, **payload}
            task = queries.get_task(db, run.task_id)
            # A run that was ended by its deadline may still speak while it is taken down.
            is_alive = run.finished_at is None and task.status == Status.PREPARING
            if kind == "container_started" and payload.get("phase") == "agent" and is_alive:
                details["status"] = self._move(db, task, Status.RUNNING).status
            queries.append_event(db, run.task_id, kind, details, at=self.clock())

        await self.history.write(change)

    async def record_turn(self, run_id: str, turn: dict[str, Any]) -> None:
        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            queries.insert_turn(db, run.task_id, run_id, turn, at=self.clock())

        await self.history.write(change)

    async def record_patch(
        self, run_id: str, data: bytes, summary: dict[str, Any], *, final: bool
    ) -> None:
        """The run's patch as it now stands; the task's work from here on."""

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            if queries.newest_run(db, run.task_id).id != run_id:
                return  # its successor has begun from what was known until then
            task = queries.get_task(db, run.task_id)
            # Work that was all undone again is no work.
            sha256 = summary["sha256"] if summary["files"] else None
            if sha256 is not None:
                queries.put_patch(db, sha256, data)
            # A run that undoes what it began with has reported no patch before.
            undone = sha256 is None and task.open_patch_sha256 is not None
            if run.patch_sha256 != sha256 or undone:
                queries.update_run(db, replace(run, patch_sha256=sha256))
                self._store(db, replace(task, patch_sha256=sha256))
                payload = {"run_id": run_id, "final": final, **summary}
                queries.append_event(db, run.task_id, "patch", payload, at=self.clock())

        await self.history.write(change)

    async def record_delivered(self, run_id: str, message_ids: list[int], turn: int) -> None:
        """These messages reached the model with that turn."""
        if not message_ids:
            return
        now = self.clock()

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            queries.mark_delivered(db, message_ids, run_id, now)
            payload = {"run_id": run_id, "message_ids": message_ids, "turn": turn}
            queries.append_event(db, run.task_id, "message_delivered", payload, at=now)

        await self.history.write(change)

    async def finish_run(self, run_id: str, outcome: Outcome) -> None:
        """The run ended. What was said too late for it starts the next run."""

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            if run.finished_at is not None:
                return
            self._finish(db, queries.get_task(db, run.task_id), run, outcome)

        await self.history.write(change)

    async def fail_run(self, run_id: str, stage: str, error: ThreadsmithError) -> None:
        await self.finish_run(run_id, _failure(stage, error))

    # Deciding and publishing

    async def approve(self, approval_id: str, by: Person) -> Task:
        """Let the exact patch the approval names be published; refused once settled or void."""
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id)
            if task.status != Status.READY or task.patch_sha256 != approval.patch_sha256:
                raise TransitionRefused("A newer patch has taken this one's place.")
            task = self._move(db, task, Status.PUBLISHING)
            self._settle(db, approval, "approved", by, now, status=task.status)
            return task

        return await self.history.write(change)

    async def discard(self, approval_id: str, by: Person) -> Task:
        """End the task without publishing; the patch is kept."""
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id)
            task = self._move(db, replace(task, outcome="discarded"), Status.DONE)
            self._settle(db, approval, "discarded", by, now, status=task.status)
            return task

        return await self.history.write(change)

    async def request_changes(
        self, approval_id: str, by: Person, text: str, *, key: str | None = None
    ) -> Task:
        """Settle the approval with a follow-up instead."""
        if not text.strip():
            raise EmptyRequest
        now = self.clock()

        def change(db: Database) -> Task:
            approval, task = self._pending(db, approval_id)
            message = queries.add_message(
                db, task_id=task.id, kind="message", author=by, text=text, at=now, key=key
            )
            if message is not None:
                self._settle(db, approval, "changes", by, now)
                payload = {"message_id": message.id, "author": _who(by), "text": text, "key": key}
                queries.append_event(db, task.id, "message_received", payload, at=now)
                self._take_up(db, task)
            return queries.get_task(db, task.id)

        return await self.history.write(change)

    async def record_publish_step(self, task_id: str, step: str, result: str) -> None:
        payload = {"step": step, "result": result}
        await self.history.write(
            lambda db: queries.append_event(db, task_id, "publish_step", payload, at=self.clock())
        )

    async def published(
        self, task_id: str, approval: Approval, pull_request: PullRequest, *, created: bool
    ) -> None:
        """The pull request stands; what was said meanwhile starts the next run.

        It is kept also where the task's deadline passed while it was being made.
        """
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            known = (task.pull_request, task.published_sha256)
            if known == (pull_request, approval.patch_sha256):
                return
            is_awaited = task.status == Status.PUBLISHING
            task = replace(
                task,
                pull_request=pull_request,
                published_sha256=approval.patch_sha256,
                outcome="published" if is_awaited else task.outcome,
            )
            task = self._move(db, task, Status.DONE) if is_awaited else self._store(db, task)
            payload = {
                "number": pull_request.number,
                "url": pull_request.url,
                "branch": pull_request.branch,
                "head_commit": pull_request.head_commit,
                "created": created,
                "approval_id": approval.id,
                "status": task.status,
            }
            queries.append_event(db, task_id, "published", payload, at=now)
            if is_awaited and queries.pending_messages(db, task_id):
                self._take_up(db, task)

        await self.history.write(change)

    async def publish_failed(self, task_id: str, stage: str, error: ThreadsmithError) -> None:
        """Nothing was opened; the patch is kept and may be approved again."""
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            if task.status != Status.PUBLISHING:
                return  # its deadline has said so before
            task = self._move(db, task, Status.READY)
            payload = {
                "stage": stage,
                "brief": error.brief,
                "resolution": error.resolution,
                "details": error.details,
                "status": task.status,
            }
            queries.append_event(db, task_id, "publish_failed", payload, at=now)
            if queries.pending_messages(db, task_id):
                self._take_up(db, task)
            else:
                self._ask_approval(db, task, queries.newest_run(db, task_id))

        await self.history.write(change)

    async def expire(self, task_id: str) -> None:
        """A deadline passed: end the task, name where it stood, keep what was made."""
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            if task.deadline_at is None or task.deadline_at > now or task.status in FINAL:
                return
            if task.status == Status.READY:
                if approval := queries.pending_approval(db, task_id):
                    self._settle(db, approval, "expired", SYSTEM, now)
                task = self._move(db, replace(task, outcome="expired"), Status.DONE)
                queries.append_event(db, task_id, "task_expired", {"status": task.status}, at=now)
                return
            run = queries.newest_run(db, task_id)
            stage = task.status.value
            brief = f"The task passed its deadline while it was {stage}."
            if task.status == Status.PUBLISHING:
                task = self._move(db, replace(task, outcome="failed"), Status.FAILED)
                payload = {"stage": stage, "brief": brief, "status": task.status}
                queries.append_event(db, task_id, "publish_failed", payload, at=now)
                if queries.pending_messages(db, task_id):
                    self._take_up(db, task)
                return
            self._finish(db, task, run, Outcome(kind="failed", stage=stage, brief=brief))

        await self.history.write(change)

    # Inside one transaction

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
            title=_first_line(new.request),
        )
        queries.insert_task(db, task, new.key)
        payload = {
            "request": new.request,
            "repository": new.source.repository,
            "ref": new.source.ref,
            "mode": new.mode,
            "model": shown_model(new.model),
            "author": _who(new.author),
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
        )
        queries.insert_run(db, run)
        payload = {
            "run_id": run.id,
            "number": number,
            "request": request,
            "author": _who(author),
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
        run = self._queue_run(
            db, task, "\n\n".join(message.text for message in waiting), waiting[-1].author
        )
        queries.mark_delivered(db, [m.id for m in waiting], run.id, self.clock())

    def _finish(self, db: Database, task: Task, run: Run, outcome: Outcome) -> None:
        now = self.clock()
        queries.update_run(db, replace(run, finished_at=now, outcome=outcome.kind, handle=None))
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
        task = self._move(db, task, status)
        payload = {
            "run_id": run.id,
            "number": run.number,
            "outcome": outcome.kind,
            "title": outcome.title,
            "summary": outcome.summary,
            "claimed": outcome.claimed,
            "answer": outcome.answer,
            "findings": list(outcome.findings),
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

    def _ask_approval(self, db: Database, task: Task, run: Run) -> None:
        """Only where there is a forge to publish to, and something not yet published."""
        sha256 = task.open_patch_sha256
        if sha256 is None or not task.source.forge:
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
        payload = {
            "approval_id": approval.id,
            "run_id": run.id,
            "patch_sha256": sha256,
            "pull_number": task.pull_request.number if task.pull_request else None,
        }
        queries.append_event(db, task.id, "approval_requested", payload, at=self.clock())

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
        payload: dict[str, Any] = {"approval_id": approval.id, "state": state, "by": _who(by)}
        if status is not None:
            payload["status"] = status
        queries.append_event(db, approval.task_id, "approval_settled", payload, at=now)

    def _move(self, db: Database, task: Task, status: Status) -> Task:
        check_transition(task.status, status)
        seconds = DEADLINE_SECONDS.get(status)
        deadline_at = None if seconds is None else self.clock() + seconds
        return self._store(db, replace(task, status=status, deadline_at=deadline_at))

    def _store(self, db: Database, task: Task) -> Task:
        task = replace(task, updated_at=self.clock())
        queries.update_task(db, task)
        return task


def _who(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name}


def _failure(stage: str, error: ThreadsmithError) -> Outcome:
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
