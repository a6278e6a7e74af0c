"""What a press of a button does: check who it is, then one action."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.approval_changes import settled_words
from chatbot.history import queries, setup_approvals
from chatbot.history.store import History
from chatbot.models import Approval, Person, Task, TransitionRefused
from chatbot.permissions import Act
from chatbot.slack.access import Access
from chatbot.slack.blocks.forms import Proposed, make_changes_modal, make_edit_modal, read_edits
from chatbot.slack.blocks.text import Block
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError


class NothingRuns(ThreadsmithError):
    """Nothing is running any more."""

    code = "nothing_runs"


class Decisions:
    """Each press by whoever may do that."""

    def __init__(self, history: History, actions: Actions, people: People, access: Access) -> None:
        self._history = history
        self._actions = actions
        self._people = people
        self._access = access

    async def open_pull_request(self, value: str, user_id: str) -> None:
        """``value``: the approval and its revision, as the person saw it."""
        approval_id, revision = _parse(value)
        person = await self._approver(approval_id, user_id)
        await self._actions.approve(approval_id, person, revision=revision)

    async def discard(self, value: str, user_id: str) -> None:
        approval_id, _ = _parse(value)
        await self._actions.discard(approval_id, await self._approver(approval_id, user_id))

    async def changes_form(self, value: str, user_id: str) -> Block:
        """The form for what should be different, while the person may still decide."""
        approval, _ = await self._open(value, user_id)
        return make_changes_modal(approval.id)

    async def edit_form(self, value: str, user_id: str) -> Block:
        approval, proposed = await self._open(value, user_id)
        return make_edit_modal(f"{approval.id}:{approval.revision}", proposed, approval.edits)

    async def edit(self, view: dict[str, Any], user_id: str) -> None:
        approval_id, revision = _parse(view["private_metadata"])
        approval, proposed = await self._open(approval_id, user_id)
        edits = read_edits(view, proposed)
        person = await self._people.get(user_id)
        seen = approval.revision if revision is None else revision
        await self._actions.edit_approval(approval.id, edits, person, revision=seen)

    async def ask_again(self, approval_id: str, user_id: str) -> None:
        approval = await self._history.read(lambda db: queries.get_approval(db, approval_id))
        person = await self._allowed("steer", approval.task_id, user_id)
        await self._actions.ask_again(approval_id, person)

    async def request_changes(
        self, approval_id: str, user_id: str, words: str, *, key: str
    ) -> None:
        person = await self._approver(approval_id, user_id)
        await self._actions.request_changes(approval_id, person, words, key=key)

    async def approve_setup(self, approval_id: str, user_id: str) -> None:
        person = await self._setup_approver(approval_id, user_id)
        await self._actions.settle_setup(approval_id, "approved", person)

    async def skip_setup(self, approval_id: str, user_id: str) -> None:
        person = await self._setup_approver(approval_id, user_id)
        await self._actions.settle_setup(approval_id, "skipped", person)

    async def fix(self, value: str, user_id: str) -> None:
        """``value``: the task and the line of its story that told what is wrong."""
        task_id, _, seq = value.rpartition(":")
        await self._actions.ask_fix(
            task_id, int(seq), await self._allowed("approve", task_id, user_id)
        )

    async def update(self, task_id: str, user_id: str, *, key: str) -> None:
        person = await self._allowed("approve", task_id, user_id)
        await self._actions.ask_update(task_id, person, key=key)

    async def answer(self, value: str, user_id: str) -> None:
        task_id, seq, option = value.rsplit(":", 2)
        person = await self._allowed("steer", task_id, user_id)
        await self._actions.answer(task_id, int(seq), int(option), person)

    async def choose(self, value: str, user_id: str) -> None:
        """``value``: the task, and which of its attempts."""
        task_id, _, attempt = value.rpartition(":")
        person = await self._allowed("steer", task_id, user_id)
        await self._actions.choose_attempt(task_id, int(attempt), person)

    async def choose_none(self, task_id: str, user_id: str) -> None:
        person = await self._allowed("steer", task_id, user_id)
        await self._actions.discard_attempts(task_id, person)

    async def stop(self, task_id: str, user_id: str) -> None:
        """Everybody who can see the button may stop a run."""
        if not await self._actions.stop_task(task_id, await self._people.get(user_id)):
            raise NothingRuns

    async def log_of(self, task_id: str, user_id: str) -> Task:
        """The task, for somebody who may read its log."""
        await self._allowed("logs", task_id, user_id)
        return await self._history.read(lambda db: queries.get_task(db, task_id))

    async def _open(self, value: str, user_id: str) -> tuple[Approval, Proposed]:
        """What the person may still decide about; raises where that is over."""
        await self._approver(_parse(value)[0], user_id)
        approval, proposed = await self._history.read(lambda db: _proposed(db, _parse(value)[0]))
        if approval.state != "pending":
            raise TransitionRefused(settled_words(approval))
        return approval, proposed

    async def _approver(self, approval_id: str, user_id: str) -> Person:
        approval = await self._history.read(lambda db: queries.get_approval(db, approval_id))
        return await self._allowed("approve", approval.task_id, user_id)

    async def _setup_approver(self, approval_id: str, user_id: str) -> Person:
        approval = await self._history.read(lambda db: setup_approvals.get(db, approval_id))
        return await self._allowed("approve_setup", approval.task_id, user_id)

    async def _allowed(self, act: Act, task_id: str, user_id: str) -> Person:
        person = await self._people.get(user_id)
        task = await self._history.read(lambda db: queries.get_task(db, task_id))
        await self._access.check(act, task, person)
        return person


def _parse(value: str) -> tuple[str, int | None]:
    """An approval and its revision; gates of older versions name none."""
    approval_id, _, revision = value.partition(":")
    return approval_id, int(revision) if revision.isdigit() else None


def _proposed(db: Database, approval_id: str) -> tuple[Approval, Proposed]:
    approval = queries.get_approval(db, approval_id)
    task = queries.get_task(db, approval.task_id)
    asked = next(
        event.payload
        for event in reversed(queries.task_events(db, task.id))
        if event.kind == "approval_requested" and event.payload["approval_id"] == approval_id
    )
    return approval, Proposed(
        title=task.title,
        body=task.summary,
        draft=asked.get("draft") is True,
        branch_only=asked.get("branch_only") is True,
        is_new=asked.get("pull_number") is None,
    )
