"""One thread's telling: what the story holds and the thread does not show yet is brought over.

The thread is compared with the story on every pass, so that what was coalesced, refused, rate
limited or cut off by a crash is brought over by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlite_utils import Database

from chatbot.history import delivery, queries
from chatbot.history.store import History, HistoryUnavailable
from chatbot.models import Task, Thread
from chatbot.slack.delivered import Delivered
from chatbot.slack.fold import fold
from chatbot.slack.outbound import CallRefused, Outbound, ThreadUnreachable, TryLater
from chatbot.slack.presence import Presence
from chatbot.slack.slots import Slot, make_slots
from chatbot.slack.thread_messages import TICK_SECONDS, ThreadMessages
from chatbot.slack.view import TaskView

log = structlog.get_logger(__name__)

PROJECTION = "slack"
SPACING_SECONDS = 0.1
"""Between two passes: a chatty run's events come together."""
PAUSE_SECONDS = 1.0
"""After the history could not be read or written."""


class Telling:
    """Brings one thread up to its task's story; ends when it is there and no run is under way."""

    def __init__(
        self,
        task_id: str,
        *,
        history: History,
        outbound: Outbound,
        bot_id: str,
        page_url: Callable[[Task], str],
        pace: Callable[[Slot], float],
        clock: Callable[[], float],
        presence: Presence,
        places: int,
        look: bool,
    ) -> None:
        """``places``: how many runs there are at once.

        ``look``: an earlier process may have posted what it could not note down.
        """
        self.task_id = task_id
        self.wake = asyncio.Event()
        self._history = history
        self._outbound = outbound
        self._bot_id = bot_id
        self._page_url = page_url
        self._pace = pace
        self._clock = clock
        self._presence = presence
        self._places = places
        self._look = look
        self._view = TaskView()
        self._delivered: Delivered | None = None
        self._seq = 0
        self._lost: set[str] = set()
        self._renewal: float | None = None
        """When Slack has to be told again that the bot is at work."""

    @property
    def is_live(self) -> bool:
        return self._view.is_live

    @property
    def is_waiting(self) -> bool:
        return self._view.is_waiting

    @property
    def lost(self) -> frozenset[str]:
        """What it has not posted anew yet."""
        return frozenset(self._lost)

    def forget(self, key: str) -> None:
        """That message is not there any more."""
        self._lost.add(key)
        self.wake.set()

    async def run(self) -> None:
        while True:
            self.wake.clear()
            try:
                wait = await self._pass()
            except HistoryUnavailable as error:
                log.error("telling_paused", task_id=self.task_id, details=error.details)
                self._look = True
                wait = PAUSE_SECONDS
            if wait is None and not self.wake.is_set():
                return
            await self._rest(wait)

    async def _rest(self, wait: float | None) -> None:
        await asyncio.sleep(SPACING_SECONDS)
        try:
            async with asyncio.timeout(wait):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def _pass(self) -> float | None:
        """Seconds until there is something to do again; None: the thread shows everything."""
        delivered = await self._load()
        task = await self._history.read(lambda db: queries.get_task(db, self.task_id))
        if task.thread is None:
            return None
        events = await self._history.read(
            lambda db: queries.task_events(db, self.task_id, after_seq=self._view.seq)
        )
        for event in events:
            self._view = fold(self._view, event)
        if self._view.is_waiting:
            before, is_next = await self._history.read(self._position)
            self._view = self._view.with_position(before, is_next=is_next)
        try:
            waits = await self._deliver(task, task.thread, delivered)
        except ThreadUnreachable:
            # What is left out comes when the thread opens again, or at the next start.
            await self._save()
            return None
        if not waits and self._seq < self._view.seq:
            await self._save(self._view.seq)
        if self._renewal is not None:
            waits.append(self._renewal)
        if self._view.is_live or self._view.is_waiting:
            waits.append(TICK_SECONDS)
        return min(waits, default=None)

    def _position(self, db: Database) -> tuple[int, bool]:
        """How many stand before it; and whether, with none, it waits all the same."""
        if queries.count_running(db) < self._places:
            return 0, False
        before = queries.queue_position(db, self._view.runs[-1].id)
        return before, before == 0

    async def _load(self) -> Delivered:
        if self._delivered is None:
            self._seq, state = await self._history.read(
                lambda db: delivery.projection(db, PROJECTION, self.task_id)
            )
            self._delivered = Delivered.from_json(state)
        return self._delivered

    async def _save(self, seq: int | None = None) -> None:
        """``seq``: everything up to there is delivered."""
        self._seq = self._seq if seq is None else seq
        written = self._seq
        state = self._delivered.to_json() if self._delivered else {}
        await self._history.write(
            lambda db: delivery.put_projection(
                db, PROJECTION, self.task_id, seq=written, state=state
            )
        )

    async def _deliver(self, task: Task, thread: Thread, delivered: Delivered) -> list[float]:
        """Reactions that say "seen" first, then messages in order, then how it ended."""
        messages = ThreadMessages(
            task=task,
            thread=thread,
            history=self._history,
            outbound=self._outbound,
            delivered=delivered,
            save=self._save,
            page_url=self._page_url(task),
            pace=self._pace,
            clock=self._clock,
        )
        waits = await self._react(thread, delivered, seen=True)
        waits += await self._show_presence(task, thread, delivered)
        if self._look and (wait := await self._adopt(messages)) is not None:
            return [*waits, wait]
        slots = make_slots(self._view, is_archive=task.source.kind == "zip")
        needed = {slot.key for slot in slots if slot.is_needed}
        while self._lost:
            key = self._lost.pop()
            if key in needed:
                delivered.messages.pop(key, None)
            elif key in delivered.messages:
                delivered.messages[key].ts = ""
        for slot in slots:
            try:
                wait = await messages.bring(slot)
            except TryLater as later:
                waits.append(later.seconds)
                if slot.key not in delivered.messages:
                    # What comes after it must not stand before it.
                    self._look = later.ambiguous
                    break
            else:
                waits += [] if wait is None else [wait]
        return waits + await self._react(thread, delivered, seen=False)

    async def _show_presence(self, task: Task, thread: Thread, delivered: Delivered) -> list[float]:
        self._renewal = None
        try:
            self._renewal = await self._presence.show(
                task, thread, self._view, delivered, self._clock()
            )
        except TryLater as later:
            return [later.seconds]
        return []

    async def _adopt(self, messages: ThreadMessages) -> float | None:
        try:
            await messages.adopt(self._view, self._bot_id)
        except TryLater as later:
            return later.seconds
        except CallRefused as error:
            # Without the right to read, a message may come twice; better than not at all.
            log.warning("thread_unreadable", task_id=self.task_id, reason=str(error))
        self._look = False
        return None

    async def _react(self, thread: Thread, delivered: Delivered, *, seen: bool) -> list[float]:
        """Eyes where ``seen``, else the marks of an end; each is tried once where it is refused."""
        wanted = {thread.message_ts: self._view.reaction} if self._view.runs else {}
        wanted |= {reply.ts: reply.reaction for reply in self._view.replies}
        waits = []
        for ts, name in wanted.items():
            if delivered.reactions.get(ts) == name or seen != (name == "eyes"):
                continue
            try:
                await self._outbound.react(thread, ts, name)
                # Where the work begins anew, the mark of its first end goes.
                stale = delivered.reactions.get(ts) if name == "eyes" else "eyes"
                if stale is not None:
                    await self._outbound.unreact(thread, ts, stale)
            except TryLater as later:
                waits.append(later.seconds)
                continue
            except (CallRefused, ThreadUnreachable) as error:
                log.warning("reaction_refused", task_id=self.task_id, reason=str(error))
            delivered.reactions[ts] = name
        return waits
