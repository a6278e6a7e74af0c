"""How publishing goes, and what happens when a task's time is up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.changes import SYSTEM, Changes
from chatbot.history import pulls, queries
from chatbot.models import (
    FINAL,
    Approval,
    PullRequest,
    Status,
    Task,
)
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishChanges(Changes):
    """Used by whoever publishes."""

    async def record_publish_step(self, task_id: str, step: str, details: dict[str, Any]) -> None:
        """The exact record of what left this host."""
        payload = {"step": step, **details}
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
                "head_repository": pull_request.head_repository,
                "created": created,
                "approval_id": approval.id,
                "status": task.status,
            }
            queries.append_event(db, task_id, "published", payload, at=now)
            self._watch(db, task, pull_request, approval)
            if is_awaited and queries.pending_messages(db, task_id):
                self._take_up(db, task)

        await self.history.write(change)

    def _watch(
        self, db: Database, task: Task, pull_request: PullRequest, approval: Approval
    ) -> None:
        """From now on it is looked at; a person's word begins the count of rounds anew."""
        name, number = task.source.repository, pull_request.number
        if not number:
            return
        known = pulls.find(db, name, number)
        pull = known or pulls.WatchedPull(repository=name, number=number, task_id=task.id)
        by = queries.get_approval(db, approval.id).settled_by
        rounds = pull.rounds if by is not None and by.id == SYSTEM.id else 0
        pulls.put(db, replace(pull, task_id=task.id, state="open", rounds=rounds))

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
                "code": error.code,
                "status": task.status,
            }
            queries.append_event(db, task_id, "publish_failed", payload, at=now)
            if queries.pending_messages(db, task_id):
                self._take_up(db, task)
            elif approval := queries.approved(db, task_id):
                # Not without a person's word again: it would fail again and again.
                run = queries.get_run(db, approval.run_id)
                self._ask_approval(db, task, run, alone=False)

        await self.history.write(change)

    async def expire(self, task_id: str) -> None:
        """A deadline passed: end the task, name where it stood, keep what was made."""
        now = self.clock()

        def change(db: Database) -> None:
            task = queries.get_task(db, task_id)
            if task.deadline_at is None or task.deadline_at > now:
                return
            if task.status in FINAL:
                # What has ended waits for no more than the name of its repository.
                task = self._store(db, replace(task, deadline_at=None))
                if not task.source.repository:
                    queries.append_event(db, task_id, "repository_unanswered", {}, at=now)
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
            outcome = Outcome(kind="failed", stage=stage, brief=brief)
            self._finish(db, task, run, outcome, is_last=True)

        await self.history.write(change)
