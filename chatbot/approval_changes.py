"""What waits for a person's yes; each function runs inside the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from chatbot.history import approvals, pulls, queries
from chatbot.history.store import History
from chatbot.models import (
    AS_PROPOSED,
    DEADLINE_SECONDS,
    Approval,
    ApprovalState,
    Person,
    PublishRules,
    PullEdits,
    Run,
    Status,
    Task,
    TransitionRefused,
    check_transition,
    make_id,
)

SYSTEM = Person("threadsmith", "Threadsmith")
"""Who acts where no person does: deadlines and recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalChanges:
    """Over one history, by one clock."""

    history: History
    clock: Callable[[], float] = field(default=time.time)
    rules: Callable[[str], PublishRules] = field(default=lambda _: PublishRules())
    """How a repository's pull requests are made."""

    def _ask_approval(
        self,
        db: Database,
        task: Task,
        run: Run,
        *,
        asked_by: Person | None = None,
        alone: bool = True,
    ) -> None:
        """Only where there is a forge to publish to, and something not yet published.

        ``alone``: it may be published without anybody's word, where the rules say so.
        """
        sha256 = task.open_patch_sha256
        rules = self.rules(task.source.repository)
        goes_to = task.source.forge or (rules.publish == "branch" and task.source.kind == "git")
        if sha256 is None or not goes_to:
            return
        now = self.clock()
        edits = _carried(approvals.newest(db, task.id), task, sha256)
        approval = Approval(
            id=make_id("a", now=now),
            task_id=task.id,
            run_id=run.id,
            patch_sha256=sha256,
            state="pending",
            created_at=now,
            expires_at=now + rules.approval_hours * 3600,
            edits=edits,
        )
        approvals.add(db, approval)
        task = self._store(db, replace(task, deadline_at=approval.expires_at))
        standing = task.pull_request if continues_pull(task, run) else None
        payload: dict[str, Any] = {
            "approval_id": approval.id,
            "run_id": run.id,
            "patch_sha256": sha256,
            "pull_number": standing.number if standing else None,
            "branch_only": rules.publish == "branch",
            "draft": rules.draft if task.draft is None else task.draft,
            "second_person": rules.second_person,
            "expires_at": approval.expires_at,
            "edits": told_edits(edits),
        }
        if asked_by is not None:
            # It had ended, and is open again.
            payload |= {"by": who(asked_by), "status": task.status}
        queries.append_event(db, task.id, "approval_requested", payload, at=now)
        if not alone:
            return
        if standing is not None and self._may_update_alone(db, task, run, standing.number):
            self._approve_alone(db, task, approval, "autofix")
        elif rules.auto_pull_request and self._is_harmless(db, task, run):
            self._approve_alone(db, task, approval, "verified")

    def _approve_alone(self, db: Database, task: Task, approval: Approval, why: str) -> None:
        task = self._move(db, task, Status.PUBLISHING)
        self._settle(db, approval, "approved", SYSTEM, self.clock(), status=task.status, why=why)

    def _is_harmless(self, db: Database, task: Task, run: Run) -> bool:
        """Whether a clean container agreed, and nothing that deserves a second look is in it."""
        is_verified = self._verification(db, task, run) == "verified"
        return is_verified and not self._sensitive(db, task)

    def _may_update_alone(self, db: Database, task: Task, run: Run, number: int) -> bool:
        """Whether the run was begun by our own word, in a pull request where that was allowed."""
        pull = pulls.find(db, task.source.repository, number)
        if run.author.id != SYSTEM.id or pull is None:
            return False
        allowed = self.rules(task.source.repository).autofix
        is_alone = (allowed if pull.autofix is None else pull.autofix) and not any(
            message.author.id != SYSTEM.id for message in queries.said_in(db, run.id)
        )
        has_failed = self._verification(db, task, run) == "failed"
        return is_alone and not self._sensitive(db, task) and not has_failed

    def _verification(self, db: Database, task: Task, run: Run) -> str:
        """What a clean container said of the run's change; empty: nothing."""
        for event in reversed(queries.task_events(db, task.id)):
            if event.kind == "run_finished" and event.payload.get("run_id") == run.id:
                return str((event.payload.get("verification") or {}).get("state") or "")
        return ""

    def _sensitive(self, db: Database, task: Task) -> list[str]:
        """Files of the newest patch that deserve a second look."""
        for event in reversed(queries.task_events(db, task.id)):
            if event.kind == "patch" and event.payload.get("sha256") == task.patch_sha256:
                files = event.payload.get("files") or []
                return [str(file["path"]) for file in files if file.get("sensitive")]
        return []

    def _pending(
        self, db: Database, approval_id: str, revision: int | None = None
    ) -> tuple[Approval, Task]:
        """``revision``: as the person saw it, where that matters."""
        approval = queries.get_approval(db, approval_id)
        if approval.state != "pending":
            raise TransitionRefused(settled_words(approval))
        if approval.expires_at is not None and approval.expires_at <= self.clock():
            raise TransitionRefused("Nobody decided in time: it has to be asked again.")
        if revision is not None and revision != approval.revision:
            raise TransitionRefused("It was edited meanwhile: look at it again, then press.")
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
        why: str = "",
    ) -> None:
        """``why``: what let it through where no person did."""
        approvals.settle(db, approval.id, state, by, at=now)
        payload: dict[str, Any] = {"approval_id": approval.id, "state": state, "by": who(by)}
        if why:
            payload["why"] = why
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


def settled_words(approval: Approval) -> str:
    """For whoever comes second: what was decided, and by whom."""
    name = approval.settled_by.name if approval.settled_by else "somebody"
    match approval.state:
        case "void":
            return "A newer request has taken this patch's place."
        case "expired":
            return "Nobody decided in time: it has to be asked again."
        case "changes":
            return f"{name} has asked for changes already."
        case state:
            return f"This was settled already ({state} by {name})."


def _carried(before: Approval | None, task: Task, sha256: str) -> PullEdits:
    """What somebody wanted otherwise when they were asked before, and was not published yet."""
    if before is None or before.patch_sha256 == task.published_sha256:
        return AS_PROPOSED
    # Other work needs another description.
    return before.edits if before.patch_sha256 == sha256 else replace(before.edits, body=None)


def told_edits(edits: PullEdits) -> dict[str, Any]:
    """Those that were made."""
    return {name: value for name, value in asdict(edits).items() if value is not None}


def continues_pull(task: Task, run: Run) -> bool:
    """Whether the run's work goes to the branch that was published before."""
    pull_request = task.pull_request
    if pull_request is None or pull_request.state == "merged":
        return False
    return run.continues is not None or run.branch == pull_request.branch


def who(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name}
