"""A patch that waits for a yes: edited before it is opened, asked about again after its time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlite_utils import Database

from chatbot.approval_changes import ApprovalChanges, told_edits, who
from chatbot.history import approvals, queries
from chatbot.models import Approval, Person, PullEdits, Status, Task, TransitionRefused
from sandbox.errors import ThreadsmithError

TITLE_CHARACTERS = 200
BRANCH_CHARACTERS = 100
_BRANCH = re.compile(r"[\w./-]+", re.ASCII)


class EditRefused(ThreadsmithError):
    """That cannot be published."""

    code = "edit_refused"

    def __init__(self, brief: str, *, field: str) -> None:
        super().__init__(brief)
        self.field = field
        """Of the edits, the one that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateChanges(ApprovalChanges):
    """What people do at the gate besides passing it."""

    async def edit_approval(
        self, approval_id: str, edits: PullEdits, by: Person, *, revision: int
    ) -> Approval:
        """Other words, branch or kind for the same patch; ``revision``: what the person saw."""
        now = self.clock()

        def change(db: Database) -> Approval:
            approval, task = self._pending(db, approval_id, revision)
            self._check(task, edits)
            if edits == approval.edits:
                return approval
            changed = replace(approval, edits=edits, revision=approval.revision + 1)
            approvals.edit(db, changed)
            payload = {
                "approval_id": approval.id,
                "revision": changed.revision,
                "edits": told_edits(edits),
                "by": who(by),
            }
            queries.append_event(db, task.id, "approval_edited", payload, at=now)
            return changed

        return await self.history.write(change)

    async def ask_again(self, approval_id: str, by: Person) -> Task:
        """Nobody had decided in time: the same patch waits once more."""

        def change(db: Database) -> Task:
            approval = queries.get_approval(db, approval_id)
            task = queries.get_task(db, approval.task_id)
            newest = approvals.newest(db, task.id)
            is_newest = newest is not None and newest.id == approval.id
            is_same = task.open_patch_sha256 == approval.patch_sha256
            if approval.state != "expired" or task.status != Status.DONE or not is_newest:
                raise TransitionRefused("This is not to be decided any more.")
            if not is_same:
                raise TransitionRefused("A newer patch has taken this one's place.")
            task = self._move(db, replace(task, outcome="patch"), Status.READY)
            run = queries.get_run(db, approval.run_id)
            self._ask_approval(db, task, run, asked_by=by, alone=False)
            return queries.get_task(db, task.id)

        return await self.history.write(change)

    def _check(self, task: Task, edits: PullEdits) -> None:
        if edits.title is not None and not 0 < len(edits.title.strip()) <= TITLE_CHARACTERS:
            raise EditRefused("A title has 1 to 200 characters.", field="title")
        if edits.branch is None:
            return
        fault = branch_fault(edits.branch)
        if fault:
            raise EditRefused(fault, field="branch")
        base = self.rules(task.source.repository).base
        if edits.branch.lower() in {name.lower() for name in (base, task.branch) if name}:
            raise EditRefused("That is the branch the work goes to: name another.", field="branch")


def branch_fault(name: str) -> str:
    """Why git or the forge would not take it as a new branch; empty: nothing speaks against it."""
    if len(name) > BRANCH_CHARACTERS:
        return f"A branch's name has at most {BRANCH_CHARACTERS} characters here."
    parts = name.split("/")
    odd = any(not part or part[0] in ".-" or part.endswith((".lock", ".")) for part in parts)
    if odd or ".." in name or parts[0] == "refs" or name == "HEAD" or not _BRANCH.fullmatch(name):
        return "That is no name for a branch: letters, digits, `-`, `_`, `.` and `/`."
    return ""
