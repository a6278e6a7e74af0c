"""Follows the story and keeps every Slack thread up to it, each by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlite_utils import Database

from chatbot.history import delivery, queries
from chatbot.history.store import History, HistoryUnavailable
from chatbot.models import Task
from chatbot.slack.blocks.elements import ASKED_FOR
from chatbot.slack.outbound import Outbound
from chatbot.slack.pace import pace
from chatbot.slack.presence import Presence
from chatbot.slack.slots import Slot
from chatbot.slack.telling import PROJECTION, Telling

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
_MOVES_THE_QUEUE = frozenset({"run_preparing", "run_requeued", "run_finished"})


class Reporter:
    """Owns the tellings. Cancel ``run`` to stop: the next start goes on from the projections."""

    def __init__(
        self,
        history: History,
        outbound: Outbound,
        *,
        team: str,
        bot_id: str,
        public_url: str,
        is_log_open: Callable[[Task], bool] = lambda _: True,
        places: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._history = history
        self._outbound = outbound
        self._team = team
        self._bot_id = bot_id
        self._public_url = public_url.rstrip("/")
        self._is_log_open = is_log_open
        self._clock = clock
        self._places = places
        self._presence = Presence(outbound)
        self._tellings: dict[str, Telling] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._elsewhere: set[str] = set()
        """Tasks that did not come from Slack, or from another workspace."""

    async def lost(self, task_id: str, key: str) -> None:
        """Somebody deleted that message of ours; what a person has to answer is posted anew."""
        if await self._history.read(lambda db: self._is_known(db, task_id)):
            self._wake(task_id, look=False)
            self._tellings[task_id].forget(key)

    def close(self, channel: str, reason: str) -> None:
        """Nothing can be said there: its threads are brought up when it opens again."""
        self._outbound.close(channel, reason)

    async def reopen(self, channel: str) -> None:
        """What its threads do not show yet is brought over."""
        self._outbound.reopen(channel)
        for task_id in await self._history.read(
            lambda db: [i for i in delivery.newest_in(db, channel) if self._is_known(db, i)]
        ):
            self._wake(task_id, look=True)

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    await self._follow()
                except HistoryUnavailable as error:
                    log.error("reporter_paused", details=error.details)
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _follow(self) -> None:
        after = await self._history.read(queries.last_event_id)
        for task_id in await self._history.read(self._threads_behind):
            self._wake(task_id, look=True)
        async for event in self._history.follow(after=after):
            if event.kind in _MOVES_THE_QUEUE:
                for telling in self._tellings.values():
                    if telling.is_waiting:
                        telling.wake.set()
            if event.task_id not in self._elsewhere:
                await self._hear(event.task_id)

    async def _hear(self, task_id: str) -> None:
        if task_id not in self._tellings:
            task = await self._history.read(lambda db: queries.get_task(db, task_id))
            if not self._is_ours(task):
                self._elsewhere.add(task_id)
                return
        self._wake(task_id, look=False)

    def _wake(self, task_id: str, *, look: bool) -> None:
        telling = self._tellings.get(task_id)
        if telling is not None:
            telling.wake.set()
            return
        telling = Telling(
            task_id,
            history=self._history,
            outbound=self._outbound,
            bot_id=self._bot_id,
            page_url=self._page_url,
            pace=self._pace,
            clock=self._clock,
            presence=self._presence,
            places=self._places,
            look=look,
        )
        self._tellings[task_id] = telling
        running = asyncio.create_task(telling.run(), name=f"telling {task_id}")
        self._running.add(running)
        running.add_done_callback(lambda done: self._ended(task_id, done))

    def _ended(self, task_id: str, done: asyncio.Task[None]) -> None:
        self._running.discard(done)
        telling = self._tellings.pop(task_id)
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            log.error("telling_failed", task_id=task_id, exc_info=error)
        elif telling.wake.is_set():
            # Told just when it had ended: what it heard last goes on to the next.
            self._wake(task_id, look=False)
            for key in telling.lost:
                self._tellings[task_id].forget(key)

    def _pace(self, slot: Slot) -> float:
        tellings = self._tellings.values()
        live = sum(telling.is_live for telling in tellings)
        waiting = sum(telling.is_waiting for telling in tellings)
        return pace(slot, live=live, waiting=waiting)

    def _page_url(self, task: Task) -> str:
        if not self._is_log_open(task):
            return f"{ASKED_FOR}{task.id}"
        return f"{self._public_url}/t/{task.id}/{task.share_token}"

    def _is_ours(self, task: Task) -> bool:
        return task.thread is not None and task.thread.team == self._team

    def _threads_behind(self, db: Database) -> list[str]:
        behind = delivery.behind(db, PROJECTION)
        return [task_id for task_id in behind if self._is_ours(queries.get_task(db, task_id))]

    def _is_known(self, db: Database, task_id: str) -> bool:
        try:
            return self._is_ours(queries.get_task(db, task_id))
        except queries.TaskNotFound:
            return False
