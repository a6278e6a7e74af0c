"""Who answers a run: its model, and another in its place once that is away for good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Final

from sandbox.errors import ProviderError, ProviderUnavailable
from sandbox.gateway.journal import Journal
from sandbox.llm.pace import Entry, Pace, estimate, weight
from sandbox.llm.prices import PUBLISHED, Prices
from sandbox.llm.provider import Conversation, Reply
from sandbox.llm.providers import Model
from sandbox.recorder import Recorder

Spare = Callable[[], Awaitable[Model]]
"""Makes the model that takes over; raises ProviderError where it cannot be had."""

Patience = Callable[[], AbstractContextManager[None]]
"""Around waiting for others: the run's clock stands still."""

NOTABLE_SECONDS: Final = 0.5
TELL_SECONDS: Final = 5.0
"""Waiting for a turn that takes longer is told."""


class Speaker:
    """Asks the model, at the provider's pace."""

    def __init__(
        self,
        model: Model,
        *,
        run_id: str,
        recorder: Recorder,
        journal: Journal | None = None,
        spare: Spare | None = None,
        prices: Prices = PUBLISHED,
        patience: Patience = nullcontext,
    ) -> None:
        self.model = model
        """Who is asked now."""
        self.prices = prices
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._spare = spare
        self._patience = patience
        self._waited = 0.0

    async def load(self) -> None:
        """The model that took over before the host's process was killed stays."""
        if self._journal is not None and self._journal.entry.has_spare and self._spare is not None:
            with suppress(ProviderError):  # its key may be gone since
                self.model = await self._spare()
                self._spare = None

    def cost_usd(self, reply: Reply) -> float | None:
        """Of a reply of the present model, by its own name or by the one it is asked by."""
        return self.prices.reply_usd(self.model.provider.name, self.model.name, reply)

    def take_waited(self) -> float:
        """Seconds spent in a queue since this was last asked."""
        waited, self._waited = self._waited, 0.0
        return waited

    async def reply(self, conversation: Conversation) -> Reply:
        try:
            return await self._ask(conversation)
        except ProviderUnavailable as error:
            if self._spare is None:
                raise
            await self._take_over(self._spare, error)
        return await self._ask(conversation)

    async def _take_over(self, spare: Spare, why: ProviderUnavailable) -> None:
        """For the rest of the run; raises ``why`` where there is nobody either."""
        try:
            model = await spare()
        except ProviderError:
            raise why from None
        self._spare = None
        before, self.model = self.model, model
        if self._journal is not None:
            await self._journal.note(has_spare=True)
        told = {"from": before.title, "to": model.title, "brief": why.brief}
        await self._recorder.event("model_fallback", told)

    async def _ask(self, conversation: Conversation) -> Reply:
        entry = await self._enter(estimate(conversation))
        taken = 0
        try:
            reply = await self.model.provider.reply(conversation, model=self.model.name)
            taken = weight(self.model.provider.name, reply.usage)
            return reply
        finally:
            self.model.pace.settle(entry, taken)

    async def _enter(self, tokens: int) -> Entry:
        """A long wait is told; it is no fault, and none of the run's time."""
        pace = self.model.pace
        began = time.monotonic()
        with self._patience():
            entry = await enter(pace, self._run_id, tokens, self._tell_waiting)
        waited = time.monotonic() - began
        if waited >= NOTABLE_SECONDS:
            self._waited += waited
            if self._journal is not None:
                # So that it is not counted after a restart either.
                started_at = self._journal.entry.started_at
                await self._journal.note(started_at=started_at + waited)
        return entry

    async def _tell_waiting(self, waiting: int) -> None:
        told = {"model": self.model.title, "waiting": waiting}
        await self._recorder.event("model_waiting", told)


async def enter(
    pace: Pace, run_id: str, tokens: int, tell: Callable[[int], Awaitable[None]]
) -> Entry:
    """Stand in line; where that takes long it is told, with how many stand there."""
    entering = asyncio.ensure_future(pace.enter(run_id, tokens))
    try:
        done, _ = await asyncio.wait({entering}, timeout=TELL_SECONDS)
        if not done:
            await tell(pace.waiting)
        return await entering
    finally:
        entering.cancel()
