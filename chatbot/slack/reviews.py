"""Reviews: a patch read file by file in a modal, and remarks that become one follow-up."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Run, TransitionRefused
from chatbot.slack.access import Access
from chatbot.slack.blocks.review import (
    Draft,
    Reviewed,
    add,
    follow_up,
    make_review,
    read_remark,
    remark_fault,
    step,
)
from chatbot.slack.blocks.text import Block
from chatbot.slack.patch_view import PatchView
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError


class NothingToReview(ThreadsmithError):
    """There is no change to look at here."""

    code = "nothing_to_review"


class RemarkRefused(ThreadsmithError):
    """It cannot be sent like that."""

    code = "remark_refused"

    def __init__(self, field: str, brief: str) -> None:
        super().__init__(brief)
        self.field = field


class Reviews:
    """Nothing is kept here: what was said so far is in the modal itself."""

    def __init__(self, history: History, actions: Actions, people: People, access: Access) -> None:
        self._history = history
        self._actions = actions
        self._people = people
        self._access = access

    async def open(self, run_id: str) -> Block:
        """The first page of the run's change."""
        return make_review(await self._read(run_id), Draft(run_id=run_id))

    async def press(self, view: dict[str, Any], action: dict[str, Any]) -> Block:
        """Another page, with what was written on this one kept."""
        draft = Draft.from_metadata(view["private_metadata"])
        reviewed = await self._read(draft.run_id)
        remark = read_remark(view, draft)
        if remark is None and action["action_id"] == "review_add":
            return make_review(reviewed, draft, "Write the remark first.")
        if remark is not None:
            if fault := remark_fault(remark, draft):
                # The same fields: the words stay in them.
                return make_review(reviewed, draft, fault[1])
            draft = add(draft, remark)
        chosen = (action.get("selected_option") or {}).get("value", "")
        return make_review(reviewed, step(reviewed, draft, action["action_id"], chosen))

    async def send(self, view: dict[str, Any], user_id: str, *, key: str) -> None:
        """Everything that was said, as one message; a patch that waits is not opened then."""
        draft = Draft.from_metadata(view["private_metadata"])
        reviewed = await self._read(draft.run_id)
        remark = read_remark(view, draft)
        if remark is not None:
            if fault := remark_fault(remark, draft):
                raise RemarkRefused(*fault)
            draft = add(draft, remark)
        if not draft.remarks:
            raise RemarkRefused(f"remark.{draft.revision}", "Write a remark first.")
        text = follow_up(reviewed, draft)
        person = await self._people.get(user_id)
        run = await self._history.read(partial(queries.get_run, run_id=draft.run_id))
        task = await self._history.read(partial(queries.get_task, task_id=run.task_id))
        await self._access.check("steer", task, person)
        waiting = await self._history.read(partial(_waiting, run=run))
        try:
            if waiting is not None:
                await self._actions.request_changes(waiting, person, text, key=key)
                return
        except TransitionRefused:
            pass  # it was settled just now: then the remarks are for the next run
        await self._actions.add_message(run.task_id, person, text, key=key)

    async def _read(self, run_id: str) -> Reviewed:
        reviewed = await self._history.read(partial(_reviewed, run_id=run_id))
        if not reviewed.files:
            raise NothingToReview
        return reviewed


def _waiting(db: Database, run: Run) -> str | None:
    """The approval of just this patch, while it is open."""
    approval = queries.pending_approval(db, run.task_id)
    is_same = approval is not None and approval.patch_sha256 == run.patch_sha256
    return approval.id if approval is not None and is_same else None


def _reviewed(db: Database, run_id: str) -> Reviewed:
    run = queries.get_run(db, run_id)
    if run.patch_sha256 is None:
        raise NothingToReview
    patches = (
        event.payload
        for event in reversed(queries.task_events(db, run.task_id))
        if event.kind == "patch" and event.payload.get("sha256") == run.patch_sha256
    )
    told = next(patches, None)
    if told is None:
        raise NothingToReview
    diff = queries.get_patch(db, run.patch_sha256).decode(errors="replace")
    return Reviewed.make(PatchView.from_payload(told), diff)
