"""What a person settles on in the home tab, and takes back there."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.history import defaults, queries
from chatbot.history.defaults import Defaults
from chatbot.history.store import History
from chatbot.models import TransitionRefused, shown_model
from chatbot.slack.blocks.forms import read_field
from chatbot.slack.blocks.home import make_defaults
from chatbot.slack.blocks.text import Block
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_ADDRESS = re.compile(r"(https?|ssh)://[^\s<>]+|[\w.-]+@[\w.-]+:[^\s<>]+")
"""Held strictly where a task begins in it."""
_MODEL = re.compile(r"(anthropic|openai):[\w./:@-]+")


class DefaultRefused(ThreadsmithError):
    """This cannot be a default."""

    code = "default_refused"
    field: str = "repository"


class ModelUnknown(DefaultRefused):
    """A model is named as `anthropic:…` or `openai:…`."""

    code = "model_unknown"
    field = "model"


class RepositoryUnclear(DefaultRefused):
    """A repository is named as owner/name, or by its address."""

    code = "repository_unclear"


class Choices:
    def __init__(
        self, settings: Settings, history: History, actions: Actions, people: People, *, team: str
    ) -> None:
        self._settings = settings
        self._history = history
        self._actions = actions
        self._people = people
        self._team = team

    async def form(self, user_id: str) -> Block:
        own = await self._history.read(
            partial(defaults.get, team=self._team, kind="person", of=user_id)
        )
        return make_defaults(own, shown_model(self._settings.model.default))

    async def save(self, view: dict[str, Any], user_id: str) -> None:
        """Raises DefaultRefused, which names the field."""
        repository = read_field(view, "repository").strip()
        model = read_field(view, "model").strip()
        if repository and not (_NAME.fullmatch(repository) or _ADDRESS.fullmatch(repository)):
            raise RepositoryUnclear
        if model and model != self._settings.model.default and not _MODEL.fullmatch(model):
            raise ModelUnknown
        person = await self._people.get(user_id)
        chosen = Defaults(repository=repository, model=model)
        await self._history.write(
            lambda db: defaults.put(
                *(db, self._team, "person", user_id, chosen), by=person, at=time.time()
            )
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
