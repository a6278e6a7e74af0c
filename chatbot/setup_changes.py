"""Set-up scripts on their way to being run: asked about once, settled by a person, remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlite_utils import Database

from chatbot.changes import Changes, who
from chatbot.history import queries, setup_approvals
from chatbot.models import (
    Person,
    Run,
    SetupApproval,
    Status,
    Task,
    TransitionRefused,
    make_id,
)

Decision = Literal["approved", "skipped", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupChanges(Changes):
    """Changes around the approval of scripts."""

    async def ask_setup(
        self,
        run_id: str,
        *,
        repository: str,
        sha256: str,
        content: str,
        shown: dict[str, Any],
    ) -> Decision:
        """Whether these scripts may run; where nobody has said so, the task waits for somebody.

        ``shown`` is what that person is told: path, lines, network, secrets.
        """

        def change(db: Database) -> Decision:
            run = queries.get_run(db, run_id)
            task = queries.get_task(db, run.task_id)
            if (given := setup_approvals.standing(db, repository, sha256)) is not None:
                self._tell_allowed(db, run, shown["path"], given)
                return "approved"
            if setup_approvals.skipped(db, task.id, sha256) is not None:
                return "skipped"
            if run.finished_at is None and task.status == Status.PREPARING:
                setup_approvals.put_scripts(db, sha256, content)
                self._ask(db, task, run, repository, sha256, shown)
            return "pending"

        return await self.history.write(change)

    async def settle_setup(
        self, approval_id: str, state: Literal["approved", "skipped"], by: Person
    ) -> Task:
        """Let the scripts run, or go on without them; refused once settled.

        An approval holds for every task that waits for the same; each skips for itself.
        """

        def change(db: Database) -> Task:
            approval = setup_approvals.get(db, approval_id)
            if approval.state == "void":
                raise TransitionRefused("Nobody waits for this any more.")
            if approval.state != "pending":
                name = approval.settled_by.name if approval.settled_by else "somebody"
                raise TransitionRefused(f"This was settled already ({approval.state} by {name}).")
            alike = setup_approvals.pending_alike(db, approval) if state == "approved" else []
            for each in {approval.id: approval, **{other.id: other for other in alike}}.values():
                task = self._move(db, queries.get_task(db, each.task_id), Status.QUEUED)
                self._settle_setup(db, each, state, by, status=task.status)
            return queries.get_task(db, approval.task_id)

        return await self.history.write(change)

    async def revoke_setup(self, approval_id: str, by: Person) -> None:
        """Whoever let scripts run takes it back: the next run asks again."""

        def change(db: Database) -> None:
            approval = setup_approvals.get(db, approval_id)
            given_by = approval.settled_by
            if approval.state != "approved" or given_by is None or given_by.id != by.id:
                raise TransitionRefused("You have not allowed this, or have taken it back already.")
            setup_approvals.revoke(db, approval)
            payload = {"approval_id": approval.id, "by": who(by), "sha256": approval.sha256}
            queries.append_event(
                db, approval.task_id, "setup_approval_revoked", payload, at=self.clock()
            )

        await self.history.write(change)

    def _ask(
        self,
        db: Database,
        task: Task,
        run: Run,
        repository: str,
        sha256: str,
        shown: dict[str, Any],
    ) -> None:
        """The run gives its place back until somebody has decided."""
        now = self.clock()
        approval = SetupApproval(
            id=make_id("s", now=now),
            task_id=task.id,
            run_id=run.id,
            repository=repository,
            sha256=sha256,
            state="pending",
            created_at=now,
        )
        setup_approvals.add(db, approval)
        queries.update_run(db, replace(run, started_at=None, owner=self._kept_owner(task, run)))
        task = self._move(db, task, Status.WAITING)
        before = setup_approvals.last_approved(db, repository)
        payload = {
            "run_id": run.id,
            "approval_id": approval.id,
            "sha256": sha256,
            "previous_sha256": before.sha256 if before is not None else None,
            **shown,
            "status": task.status,
        }
        queries.append_event(db, task.id, "setup_approval_requested", payload, at=now)

    def _kept_owner(self, task: Task, run: Run) -> str | None:
        """A run of the command line stays its process's."""
        return run.owner if task.origin == "cli" else None

    def _tell_allowed(self, db: Database, run: Run, path: str, given: SetupApproval) -> None:
        by = given.settled_by or Person("", "somebody")
        payload = {"run_id": run.id, "path": path, "sha256": given.sha256, "by": who(by)}
        queries.append_event(db, run.task_id, "setup_allowed", payload, at=self.clock())
