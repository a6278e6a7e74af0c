"""What a person says to a run by its message's button: a follow-up like one in the thread."""

from __future__ import annotations

from typing import Any

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import STEERED, Task
from chatbot.slack.blocks.forms import modal, read_field, words_field
from chatbot.slack.blocks.text import Block, escape
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError

STEER_VIEW = "steer"
STEER_BLOCK = "steer"


class NothingSaid(ThreadsmithError):
    """There is nothing in these words."""

    code = "nothing_said"


class BegunSince(ThreadsmithError):
    """Something newer has begun since."""

    code = "begun_since"


class Steering:
    def __init__(self, history: History, intake: Intake, people: People) -> None:
        self._history = history
        self._intake = intake
        self._people = people

    async def form(self, task_id: str) -> Block:
        task = await self._task(task_id)
        field = words_field(
            *(STEER_BLOCK, "What should it do otherwise, or besides?"),
            hint="It reaches the run at its next step; after its end it begins the next one.",
        )
        return modal(STEER_VIEW, "Steer", task.id, [field], submit="Send")

    async def take(self, view: dict[str, Any], user_id: str) -> None:
        words = read_field(view, STEER_BLOCK).strip()
        if not words:
            raise NothingSaid
        task = await self._task(str(view["private_metadata"]))
        await self._intake.reply(
            task,
            # The field holds plain words; a thread's messages come escaped.
            escape(words),
            author=await self._people.get(user_id),
            key=f"{STEERED}:{view['team_id']}:{view['id']}",
        )

    async def again(self, value: str, user_id: str) -> None:
        """``value``: the task and its run that failed; once for each run."""
        task_id, _, run_id = value.partition(":")
        task = await self._task(task_id)
        newest = await self._history.read(lambda db: queries.newest_run(db, task_id))
        if newest.id != run_id:
            raise BegunSince
        author = await self._people.get(user_id)
        key = f"{STEERED}:again:{run_id}"
        await self._intake.reply(task, "Please try again.", author=author, key=key)

    async def _task(self, task_id: str) -> Task:
        return await self._history.read(lambda db: queries.get_task(db, task_id))
