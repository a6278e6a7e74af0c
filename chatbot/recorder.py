"""The sandbox's recorder, over the history: one run's way into its task's story."""

from __future__ import annotations

import asyncio
from typing import Any

from chatbot.actions import Actions
from chatbot.budgets import find_allowance
from chatbot.config import BudgetSettings
from chatbot.given import enclosed_in, enclosed_of
from chatbot.history import conversation, given, queries, summaries
from chatbot.history.store import POLL_SECONDS
from chatbot.models import Message
from sandbox.enclosed import Enclosed
from sandbox.engines.engine import Handle
from sandbox.patch import PatchSummary
from sandbox.recorder import Allowance, InboxItem, Summary, Turn


class StoryRecorder:
    """Fulfils `sandbox.recorder.Recorder` for one run."""

    def __init__(
        self,
        actions: Actions,
        task_id: str,
        run_id: str,
        budgets: BudgetSettings,
        *,
        spend: tuple[str, float] | None = None,
    ) -> None:
        """``spend``: repositories, and what one person may spend there in a day."""
        self._budgets = budgets
        self._spend = spend
        self._actions = actions
        self._history = actions.history
        self._task_id = task_id
        self._run_id = run_id

    async def event(self, kind: str, payload: dict[str, Any]) -> None:
        await self._actions.record_event(self._run_id, kind, payload)

    async def handle(self, handle: Handle | None) -> None:
        await self._actions.record_handle(self._run_id, handle)

    async def turns(self) -> list[Turn]:
        stored = await self._history.read(lambda db: conversation.turns(db, self._task_id))
        return [Turn.from_json(turn) for turn in stored]

    async def turn(self, turn: Turn) -> None:
        await self._actions.record_turn(self._run_id, turn.to_json())

    async def summaries(self) -> list[Summary]:
        kept = await self._history.read(lambda db: summaries.of_task(db, self._task_id))
        return [Summary(until=until, text=text) for until, text in kept]

    async def summary(self, summary: Summary, *, told: dict[str, Any]) -> None:
        await self._actions.record_summary(
            self._run_id, until=summary.until, text=summary.text, told=told
        )

    async def patch(self, data: bytes, summary: PatchSummary, *, final: bool) -> None:
        await self._actions.record_patch(self._run_id, data, summary.to_json(), final=final)

    async def inbox(self, after: int, *, wait_seconds: float) -> list[InboxItem]:
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_seconds
        while True:
            version = self._history.version
            found = await self._history.read(
                lambda db: queries.run_messages(db, self._run_id, after=after)
            )
            items = await self._ready(found) if found else []
            left = end - loop.time()
            if items or left <= 0:
                return items
            # Other processes write without waking this one, so never longer than a poll.
            await self._history.changed(version, timeout_seconds=min(left, POLL_SECONDS))

    async def _ready(self, found: list[Message]) -> list[InboxItem]:
        """Those whose enclosures are here, in order; a stop waits for nothing."""
        enclosed = await self._history.read(lambda db: enclosed_in(db, self._task_id))
        items, is_held = [], False
        for message in found:
            came = enclosed.get(message.id, [])
            is_held = is_held or came is None
            if message.kind == "stop":
                items.append(InboxItem(id=message.id, kind="stop", author=message.author.name))
            elif not is_held:
                items.append(
                    InboxItem(
                        id=message.id,
                        kind="message",
                        text=message.text,
                        author=message.author.name,
                        enclosed=tuple(came or ()),
                    )
                )
        return items

    async def enclosed(self) -> list[Enclosed]:
        return await self._history.read(lambda db: enclosed_of(db, self._task_id, self._run_id))

    async def enclosed_data(self, enclosed_id: int) -> bytes | None:
        return await self._history.read(lambda db: given.data_of(db, self._task_id, enclosed_id))

    async def delivered(self, item_ids: list[int], *, turn: int) -> None:
        await self._actions.record_delivered(self._run_id, item_ids, turn)

    async def allowance(self) -> Allowance:
        now = self._actions.clock()
        return await self._history.read(
            lambda db: find_allowance(db, self._run_id, self._budgets, now, spend=self._spend)
        )
