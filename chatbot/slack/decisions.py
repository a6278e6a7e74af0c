"""What a press of a button does: check who it is, then one action."""

from __future__ import annotations

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Person, TransitionRefused
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError


class NotAllowed(ThreadsmithError):
    """Somebody else decides here."""

    code = "not_allowed"


class NothingRuns(ThreadsmithError):
    """Nothing is running any more."""

    code = "nothing_runs"


class Decisions:
    """``approvers``: user ids; empty lets everybody decide."""

    def __init__(
        self, history: History, actions: Actions, people: People, *, approvers: tuple[str, ...]
    ) -> None:
        self._history = history
        self._actions = actions
        self._people = people
        self._approvers = approvers

    async def open_pull_request(self, approval_id: str, user_id: str) -> None:
        await self._actions.approve(approval_id, await self._allowed(user_id))

    async def discard(self, approval_id: str, user_id: str) -> None:
        await self._actions.discard(approval_id, await self._allowed(user_id))

    async def check_open(self, approval_id: str, user_id: str) -> None:
        """Raise unless the person may still decide."""
        await self._allowed(user_id)
        approval = await self._history.read(lambda db: queries.get_approval(db, approval_id))
        if approval.state != "pending":
            raise TransitionRefused("This was settled already.")

    async def request_changes(
        self, approval_id: str, user_id: str, words: str, *, key: str
    ) -> None:
        person = await self._allowed(user_id)
        await self._actions.request_changes(approval_id, person, words, key=key)

    async def approve_setup(self, approval_id: str, user_id: str) -> None:
        await self._actions.settle_setup(approval_id, "approved", await self._allowed(user_id))

    async def skip_setup(self, approval_id: str, user_id: str) -> None:
        await self._actions.settle_setup(approval_id, "skipped", await self._allowed(user_id))

    async def fix(self, value: str, user_id: str) -> None:
        """``value``: the task and the line of its story that told what is wrong."""
        task_id, _, seq = value.rpartition(":")
        await self._actions.ask_fix(task_id, int(seq), await self._allowed(user_id))

    async def update(self, task_id: str, user_id: str, *, key: str) -> None:
        await self._actions.ask_update(task_id, await self._allowed(user_id), key=key)

    async def answer(self, value: str, user_id: str) -> None:
        """Everybody who can see the question may answer it."""
        task_id, seq, option = value.rsplit(":", 2)
        person = await self._people.get(user_id)
        await self._actions.answer(task_id, int(seq), int(option), person)

    async def stop(self, task_id: str, user_id: str) -> None:
        """Everybody who can see the button may stop a run."""
        if not await self._actions.stop_task(task_id, await self._people.get(user_id)):
            raise NothingRuns

    async def _allowed(self, user_id: str) -> Person:
        if self._approvers and user_id not in self._approvers:
            names = [(await self._people.get(approver)).name for approver in self._approvers[:10]]
            raise NotAllowed(
                f"Only {_listed(names)} can decide about pull requests and set-ups here."
            )
        return await self._people.get(user_id)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
