"""What a run reports: each report is one transaction, and one step of the task's story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from chatbot.changes import Changes, failure
from chatbot.history import conversation, given, queries, spending, summaries
from chatbot.models import (
    Run,
    Status,
    shown_model,
)
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanges(Changes):
    """Used by whoever drives runs."""

    async def resolve_run(
        self,
        run_id: str,
        *,
        branch: str | None,
        base_commit: str,
        continues: str | None = None,
        detail: dict[str, Any],
    ) -> Run:
        """The run's source is known to exist: this branch, this commit."""

        def change(db: Database) -> Run:
            run = queries.get_run(db, run_id)
            if run.finished_at is not None:
                return run  # stopped meanwhile: nobody will claim it
            task = queries.get_task(db, run.task_id)
            run = replace(run, branch=branch, base_commit=base_commit, continues=continues)
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

    async def start_from(self, run_id: str, data: bytes, sha256: str) -> None:
        """The run begins with this patch: the work as it is on its new base."""

        def change(db: Database) -> None:
            queries.put_patch(db, sha256, data)
            run = queries.get_run(db, run_id)
            queries.update_run(db, replace(run, start_patch_sha256=sha256))

        await self.history.write(change)

    async def claim_run(self, run_id: str, owner: str) -> Run | None:
        """Take a queued run for this process; None where it is not to be had any more."""
        now = self.clock()

        def change(db: Database) -> Run | None:
            run = queries.get_run(db, run_id)
            task = queries.get_task(db, run.task_id)
            if run.finished_at is not None or task.status != Status.QUEUED:
                return None
            patch = task.open_patch_sha256 if run.update_onto is None else run.start_patch_sha256
            if run.attempt is not None:
                patch = None  # each begins from the commit alone
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
            if kind == "question" and task.status == Status.RUNNING and run.finished_at is None:
                details["status"] = self._move(db, task, Status.WAITING).status
            if kind == "question_closed" and task.status == Status.WAITING:
                details["status"] = self._move(db, task, Status.RUNNING).status
            if kind == "turn":
                spending.add(db, task, run, payload, at=self.clock())
            queries.append_event(db, run.task_id, kind, details, at=self.clock())

        await self.history.write(change)

    async def record_turn(self, run_id: str, turn: dict[str, Any]) -> None:
        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            conversation.add(db, run.task_id, run_id, turn, at=self.clock())

        await self.history.write(change)

    async def record_summary(
        self, run_id: str, *, until: int, text: str, told: dict[str, Any]
    ) -> None:
        """So many turns are summed up from here on; what that took was spent."""

        def change(db: Database) -> None:
            run, now = queries.get_run(db, run_id), self.clock()
            summaries.add(db, run.task_id, run_id, until=until, text=text, at=now)
            spending.add(db, queries.get_task(db, run.task_id), run, told, at=now)
            payload = {"run_id": run_id, **told}
            queries.append_event(db, run.task_id, "context_summed", payload, at=now)

        await self.history.write(change)

    async def record_patch(
        self, run_id: str, data: bytes, summary: dict[str, Any], *, final: bool
    ) -> None:
        """The run's patch as it now stands; the task's work from here on."""

        def change(db: Database) -> None:
            run = queries.get_run(db, run_id)
            if queries.newest_run(db, run.task_id).id != run_id:
                return  # its successor has begun from what was known until then
            if run.attempt is not None and run.finished_at is not None:
                return  # what it came to is told, and may have been chosen
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

    async def record_given(self, task_id: str, fetched: Sequence[given.Fetched]) -> None:
        """What was given along is here, or cannot be had."""
        now = self.clock()

        def change(db: Database) -> None:
            wanted = {item.id for item in given.wanted(db, task_id)}
            new = [item for item in fetched if item.id in wanted]
            for item in new:
                given.settle(db, item)
            if new:
                payload = {"items": [item.told() for item in new]}
                queries.append_event(db, task_id, "given", payload, at=now)

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
        await self.finish_run(run_id, failure(stage, error))
