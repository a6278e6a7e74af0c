"""What the question for the repository offers, and what a choice there does."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import TransitionRefused
from chatbot.repositories import MAX_OPTIONS
from chatbot.slack.access import Access
from chatbot.slack.people import People


class Picking:
    def __init__(
        self, history: History, intake: Intake, people: People, access: Access, *, team: str
    ) -> None:
        self._history = history
        self._intake = intake
        self._people = people
        self._access = access
        self._team = team

    async def offer(self, body: dict[str, Any], typed: str) -> tuple[str, ...]:
        """What the person may choose, of that which holds what they typed; the nearest first."""
        found = await self._intake.repositories.search(typed)
        person = await self._people.get(body["user"]["id"])
        channel = await self._channel(body)
        return await self._access.usable(found, person, channel, limit=MAX_OPTIONS)

    async def _channel(self, body: dict[str, Any]) -> str:
        """Whose members may have rights of their own; empty in a form that knows of none."""
        if body.get("channel"):
            return str(body["channel"]["id"])
        kept = str((body.get("view") or {}).get("private_metadata") or "")
        if kept.startswith("t_"):
            task = await self._history.read(partial(queries.get_task, task_id=kept))
            return task.thread.channel if task.thread else ""
        try:
            given = json.loads(kept)
        except ValueError:
            return ""
        return str(given.get("channel") or "") if isinstance(given, dict) else ""

    async def pick(self, body: dict[str, Any], repository: str) -> None:
        """By whoever asked, and by those who may begin tasks there; raises ThreadsmithError."""
        message = body["message"]
        task = await self._history.read(
            partial(
                queries.find_task_by_thread,
                team=self._team,
                channel=body["channel"]["id"],
                thread_ts=message.get("thread_ts") or message["ts"],
            )
        )
        if task is None:
            raise TransitionRefused("There is no task in this thread any more.")
        person = await self._people.get(body["user"]["id"])
        await self._intake.pick(task, repository, author=person)

    async def ask_again(self, task_id: str, user_id: str) -> None:
        """By whoever may speak to the task; raises ThreadsmithError."""
        task = await self._history.read(partial(queries.get_task, task_id=task_id))
        await self._intake.ask_again(task, author=await self._people.get(user_id))
