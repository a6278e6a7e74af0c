"""What a person settles on in the home tab, and takes back there."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history import defaults, queries
from chatbot.history.defaults import Defaults
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Thread, TransitionRefused, shown_model
from chatbot.repositories import is_whole
from chatbot.slack.blocks.defaults import holds_here, make_defaults, read_defaults
from chatbot.slack.blocks.text import Block
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError


class RepositoryUnclear(ThreadsmithError):
    """A repository is named as owner/name, or by its address."""

    code = "repository_unclear"


class Choices:
    def __init__(
        self,
        settings: Settings,
        history: History,
        actions: Actions,
        intake: Intake,
        people: People,
        *,
        team: str,
    ) -> None:
        self._settings = settings
        self._history = history
        self._actions = actions
        self._intake = intake
        self._people = people
        self._team = team

    async def form(self, user_id: str, channel: str = "") -> Block:
        """``channel``: whose repository can be chosen as well; no direct messages."""
        own = await self._history.read(
            partial(defaults.get, team=self._team, kind="person", of=user_id)
        )
        told: tuple[str, ...] = ()
        of_channel = None
        if channel:
            thread = Thread(team=self._team, channel=channel, thread_ts="", message_ts="")
            of_channel = await self._intake.repositories.of_channel(thread)
            told = holds_here(self._settings)
        usual = shown_model(self._settings.model.default)
        return make_defaults(
            own,
            usual,
            channel="" if channel.startswith("D") else channel,
            channel_repository=of_channel or "",
            told=told,
        )

    async def save(self, view: dict[str, Any], user_id: str) -> None:
        """Raises ThreadsmithError."""
        given = read_defaults(view)
        for name in (given.repository, given.channel_repository):
            if name and not is_whole(name):
                raise RepositoryUnclear
        model = self._intake.named_model(given.model) if given.model else ""
        person = await self._people.get(user_id)
        chosen = Defaults(repository=given.repository, model=model)
        await self._history.write(
            lambda db: defaults.put(
                *(db, self._team, "person", user_id, chosen), by=person, at=time.time()
            )
        )
        if given.channel and given.channel_repository != given.channel_before:
            await self._intake.repositories.settle(
                self._team, given.channel, given.channel_repository, person
            )

    async def stop(self, task_id: str, user_id: str) -> None:
        task = await self._history.read(partial(queries.get_task, task_id=task_id))
        person = await self._people.get(user_id)
        if task.author.id != user_id or not await self._actions.stop_task(task_id, person):
            raise TransitionRefused("Nothing of yours is running there any more.")

    async def unallow(self, approval_id: str, user_id: str) -> None:
        await self._actions.revoke_setup(approval_id, await self._people.get(user_id))

    async def unmend(self, task_id: str, user_id: str) -> None:
        await self._actions.set_autofix(task_id, await self._people.get(user_id), on=False)
