"""What of a long conversation the model is shown: as much of it as its window takes.

First old results are cleared, then the turns are summed up. Which of it follows from the stored
turns and summaries alone, so that it is the same after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from sandbox.errors import ContextTooLong
from sandbox.gateway.context import clear, find_cut, window_tokens
from sandbox.gateway.speaker import Speaker
from sandbox.gateway.summing import asking, bare_summary, has_to_be_summed, head, text_of
from sandbox.gateway.transcript import make_conversation
from sandbox.gateway.wire import TurnRequest
from sandbox.llm.provider import Reply
from sandbox.recorder import Recorder, Summary, Turn
from sandbox.redaction import Redactor

TOLD_CHARACTERS: Final = 20_000
"""Of a summary in the story."""


class Memory:
    """Asks the model for one task's turns, each with what fits."""

    def __init__(
        self, recorder: Recorder, speaker: Speaker, *, configured: int, redactor: Redactor
    ) -> None:
        """``configured``: the model's window, where the table of known models is not to say."""
        self._redactor = redactor
        self._recorder = recorder
        self._speaker = speaker
        self._configured = configured
        self._summary: Summary | None = None
        self._cut = 0
        """So many of the first turns go to the model without their results."""

    async def load(self) -> None:
        kept = await self._recorder.summaries()
        self._summary = kept[-1] if kept else None

    @property
    def _since(self) -> int:
        return self._summary.until if self._summary is not None else 0

    @property
    def _window(self) -> int:
        """Of the model that is asked now."""
        model, prices = self._speaker.model, self._speaker.prices
        return window_tokens(model.provider.name, model.name, self._configured, prices=prices)

    async def reply(self, turns: Sequence[Turn], request: TurnRequest) -> Reply:
        """Cleared or summed up as far as the last turn was too full."""
        since = self._since
        cut = max(self._cut, since + find_cut(turns[since:], self._window))
        if has_to_be_summed(turns, since, self._window):
            await self._sum_up(turns, request)
        return await self._ask(turns, request, cut)

    async def reply_shorter(self, turns: Sequence[Turn], request: TurnRequest) -> Reply:
        """For a model that says it was too long: all results cleared, then summed up."""
        if self._since < len(turns):
            if self._cut < len(turns):
                try:
                    return await self._ask(turns, request, len(turns))
                except ContextTooLong:
                    pass
            await self._sum_up(turns, request)
        return await self._ask(turns, request, len(turns))

    async def _ask(self, turns: Sequence[Turn], request: TurnRequest, cut: int) -> Reply:
        reply = await self._send(turns, request, cut)
        if cut > self._cut:
            self._cut = cut
            if cut > self._since:
                await self._recorder.event("context_cleared", {"turns": cut})
        return reply

    async def _send(self, turns: Sequence[Turn], request: TurnRequest, cut: int) -> Reply:
        stands_for = head(turns, self._summary) if self._summary is not None else None
        conversation = make_conversation(
            clear(turns, cut), request, head=stands_for, since=self._since
        )
        return await self._speaker.reply(conversation)

    async def _sum_up(self, turns: Sequence[Turn], request: TurnRequest) -> None:
        """Ask for the summary; where even that is too long, or nothing comes of it, do without."""
        reply = await self._ask_summary(turns, request)
        text = text_of(reply.content) if reply is not None else ""
        summary = Summary(until=len(turns), text=text or bare_summary(turns))
        shown = self._redactor.text(summary.text)[:TOLD_CHARACTERS]
        told: dict[str, object] = {"turns": summary.until, "text": shown}
        if reply is not None:
            cost = self._speaker.cost_usd(reply)
            told |= {"model": reply.model, "usage": asdict(reply.usage), "cost_usd": cost}
        await self._recorder.summary(summary, told=told)
        self._summary = summary

    async def _ask_summary(self, turns: Sequence[Turn], request: TurnRequest) -> Reply | None:
        for cut, is_short in ((self._cut, False), (len(turns), True)):
            try:
                return await self._send(turns, asking(request, short=is_short), cut)
            except ContextTooLong:
                pass
        return None
