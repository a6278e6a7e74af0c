"""Where no rule says which repository is meant, a model is asked; a person still has to say so.

The question stands in the thread meanwhile and gains the suggestion when it comes. A wrong begin
costs a container, money and somebody's trust; the right one costs a press: so nothing begins by
a suggestion alone.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import structlog

from chatbot.actions import Actions
from chatbot.budgets import check_allowance, find_allowance
from chatbot.config import Settings
from chatbot.history import queries
from chatbot.history.asked import unsuggested
from chatbot.history.known import Known
from chatbot.models import Task
from chatbot.reader import Reader
from chatbot.repositories import Repositories
from sandbox.errors import ThreadsmithError
from sandbox.llm.choosing import Option, choose
from sandbox.llm.providers import Providers

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 30.0
"""By then somebody has looked at the question."""
FRESH_SECONDS = 600.0
"""So long after a question a suggestion is still worth its price."""
AT_ONCE = 4
MAX_OFFERED = 150
REQUEST_CHARACTERS = 4000
ABOUT_CHARACTERS = 120
QUESTION = "Which repository is this request about?"
_WORD = re.compile(r"[a-z0-9]{2,}")


class Suggesting:
    """``run`` hears of questions for ever; cancel it to stop."""

    def __init__(
        self,
        settings: Settings,
        actions: Actions,
        providers: Providers,
        repositories: Repositories,
        reader: Reader,
    ) -> None:
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._providers = providers
        self._repositories = repositories
        self._reader = reader
        self._asking: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Also of those that an earlier process left open."""
        after = await self._history.read(queries.last_event_id)
        since = self._actions.clock() - FRESH_SECONDS
        try:
            left = partial(unsuggested, since=since, until=after)
            for task_id in await self._history.read(left):
                self._begin(task_id)
            async for event in self._history.follow(after=after):
                if event.kind == "repository_asked" and event.payload.get("suggests"):
                    self._begin(event.task_id)
        finally:
            for asking in self._asking:
                asking.cancel()
            await asyncio.gather(*self._asking, return_exceptions=True)

    def _begin(self, task_id: str) -> None:
        asking = asyncio.create_task(self._suggest(task_id), name=f"suggest {task_id}")
        self._asking.add(asking)
        asking.add_done_callback(self._end)

    def _end(self, asking: asyncio.Task[None]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled() and (error := asking.exception()) is not None:
            log.error("suggestion_broke", task=asking.get_name(), exc_info=error)

    async def _suggest(self, task_id: str) -> None:
        async with self._places:
            task = await self._history.read(lambda db: queries.get_task(db, task_id))
            if task.source.repository:
                return  # somebody was quicker
            offered = await self._offered(task)
            if len(offered) < 2:
                return  # nothing to choose among
            began = time.monotonic()
            name, told = await self._ask(task, offered)
            told["seconds"] = round(time.monotonic() - began, 3)
            await self._actions.record_suggestion(task_id, name, told)

    async def _ask(self, task: Task, offered: Sequence[Option]) -> tuple[str, dict[str, Any]]:
        """The name, empty where it is not known, and what is to be told of it."""
        title = self._settings.model.default
        try:
            await self._check_budget(task)
            async with asyncio.timeout(ANSWER_SECONDS):
                choice = await choose(
                    await self._providers.model(title),
                    QUESTION,
                    task.request[:REQUEST_CHARACTERS],
                    offered,
                    prices=self._providers.prices,
                    of=task.id,
                )
        except ThreadsmithError as error:
            log.info("nothing_suggested", task_id=task.id, error=str(error))
            return "", {"why": error.brief}
        except TimeoutError:
            return "", {"why": "The model took too long."}
        told = {"model": choice.model, "usage": asdict(choice.usage), "cost_usd": choice.cost_usd}
        return choice.name or "", told

    async def _check_budget(self, task: Task) -> None:
        """Raises BudgetUsedUp."""
        now, budgets = self._actions.clock(), self._settings.budgets
        run = await self._history.read(lambda db: queries.newest_run(db, task.id))
        check_allowance(
            await self._history.read(lambda db: find_allowance(db, run.id, budgets, now))
        )

    async def _offered(self, task: Task) -> list[Option]:
        """What may be named in the thread, the likeliest first; none where its rules are away."""
        if task.thread is not None and self._reader.gatekeeper(task.thread) is None:
            return []
        listed = {one.name.lower(): one for one in await self._repositories.listed()}
        known = await self._repositories.known()
        names = await asyncio.to_thread(by_words, task.request, known, listed)
        usable = await self._reader.usable(
            names, task.thread, task.author, aloud=True, limit=MAX_OFFERED
        )
        return [Option(name, _about(listed.get(name.lower()))) for name in usable]


def by_words(request: str, known: Sequence[str], listed: Mapping[str, Known]) -> list[str]:
    """Those first whose name or description shares most words with the request."""
    wanted = set(_WORD.findall(request[:REQUEST_CHARACTERS].lower()))

    def shared(name: str) -> int:
        one = listed.get(name.lower())
        said = f"{name} {one.description if one else ''}".lower()
        return -len(wanted & set(_WORD.findall(said)))

    return sorted(known, key=shared)


def _about(one: Known | None) -> str:
    return "" if one is None else one.description[:ABOUT_CHARACTERS]
