"""Turns: each is asked of the model once, stored, and only then answered."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Final

from sandbox.errors import ContextTooLong, ProviderError
from sandbox.gateway.budget import BudgetWatch, used_up
from sandbox.gateway.delivery import deliver
from sandbox.gateway.hiding import Hiding
from sandbox.gateway.memory import Memory
from sandbox.gateway.refusals import BadRequest, BudgetExceeded, Closing, Conflict
from sandbox.gateway.speaker import Speaker
from sandbox.gateway.transcript import check_results
from sandbox.gateway.wire import TurnRequest
from sandbox.llm.provider import Provider, Reply, Text, ToolCall
from sandbox.llm.providers import Model
from sandbox.recorder import Recorder, Turn
from sandbox.spec import RunSpec

SHOWN_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class _Pending:
    number: int
    sha256: str
    task: asyncio.Task[Turn]


class Turns:
    """The turns of one run, over all its connections."""

    def __init__(
        self,
        spec: RunSpec,
        recorder: Recorder,
        provider: Provider,
        *,
        model: str,
        hiding: Hiding,
        speaker: Speaker | None = None,
    ) -> None:
        """``speaker`` knows more of who answers than the provider and the model's name."""
        self.fault: ProviderError | None = None
        """Why the model could not be asked, where that was the last that happened."""
        self._spec = spec
        self._recorder = recorder
        self._speaker = speaker or Speaker(
            Model(provider, model), run_id=spec.run_id, recorder=recorder
        )
        self._hiding = hiding
        self._turns: list[Turn] = []
        self._pending: _Pending | None = None
        self._closed = False
        self._last: int | None = None
        """The turn in which the model may wrap up, where a budget is used up."""
        self._budget = ""
        """Which one."""
        self._budgets = BudgetWatch(recorder)
        self._memory = Memory(
            *(recorder, self._speaker),
            configured=spec.limits.context_tokens,
            redactor=hiding.redactor,
        )

    async def load(self) -> None:
        self._turns = await self._recorder.turns()
        await self._speaker.load()
        await self._memory.load()

    @property
    def next_number(self) -> int:
        return len(self._turns)

    @property
    def left(self) -> int:
        end = self._spec.resume_turn + self._spec.limits.turns
        if self._last is not None:
            end = min(end, self._last + 1)
        return max(0, end - len(self._turns))

    async def put(self, number: int, request: TurnRequest) -> Reply:
        """The reply of that turn: stored, on its way, or asked for now."""
        if self._spec.resume_turn <= number < len(self._turns):
            turn = self._turns[number]
            if turn.request_sha256 != request.sha256:
                raise Conflict(f"Turn {number} was asked with other content.")
            await deliver(self._recorder, request.inbox, turn=number)
            return turn.reply
        if self._pending is None and number == self._spec.resume_turn == len(self._turns):
            await self._count()
        if self._pending is None:
            self._check(number, request)
            task = asyncio.create_task(self._ask(number, request))
            self._pending = _Pending(number, request.sha256, task)
            task.add_done_callback(self._forget)
        pending = self._pending
        if (pending.number, pending.sha256) != (number, request.sha256):
            raise Conflict(f"Turn {pending.number} is being asked.")
        try:
            # The connection may break: the model is asked all the same, and once.
            return (await asyncio.shield(pending.task)).reply
        except asyncio.CancelledError:
            if pending.task.cancelled():
                raise Closing from None
            raise

    def take_waited(self) -> float:
        """Seconds that the newest turn waited for the provider's rates."""
        return self._speaker.take_waited()

    async def close(self) -> None:
        """Give up the reply that is on its way."""
        self._closed = True
        if self._pending is not None:
            task = self._pending.task
            task.cancel()
            await asyncio.wait([task])

    def _forget(self, task: asyncio.Task[Turn]) -> None:
        self._pending = None
        if not task.cancelled():
            task.exception()  # it was raised to whoever still waited

    def _check(self, number: int, request: TurnRequest) -> None:
        if self._closed:
            raise Closing
        if number != len(self._turns):
            raise Conflict(f"The next turn is {len(self._turns)}.")
        if self.left == 0 and self._last is not None:
            raise BudgetExceeded(used_up(self._budget))
        if self.left == 0:
            raise BudgetExceeded(f"The run's {self._spec.limits.turns} turns are used up.")
        is_first = number == self._spec.resume_turn
        if is_first != (request.system is not None):
            raise BadRequest("A run's first turn, and no other, has `system` and `tools`.")
        check_results(self._turns, request)

    async def _ask(self, number: int, request: TurnRequest) -> Turn:
        try:
            reply = await self._reply(request)
        except ProviderError as error:
            self.fault = error
            raise
        self.fault = None
        turn = Turn(
            number=number,
            request_sha256=request.sha256,
            messages=request.messages,
            reply=reply,
            system=request.system,
            tools=request.tools,
        )
        await self._recorder.turn(turn)
        self._turns.append(turn)
        await self._recorder.event("turn", self._describe(turn))
        await self._hiding.add("turn", request.hidden)
        await self._count()
        await deliver(self._recorder, request.inbox, turn=number)
        return turn

    async def _reply(self, request: TurnRequest) -> Reply:
        """With what fits into the model's window; where it says otherwise, with far less."""
        try:
            return await self._memory.reply(self._turns, request)
        except ContextTooLong:
            pass
        return await self._memory.reply_shorter(self._turns, request)

    async def _count(self) -> None:
        """Warn in time; and once all is spent, leave the model one turn to wrap up.

        A run that begins with nothing left has not even that.
        """
        allowance = await self._budgets.look()
        if allowance.used >= 1 and self._last is None:
            self._budget = allowance.name
            begun = len(self._turns) > self._spec.resume_turn
            self._last = len(self._turns) if begun else len(self._turns) - 1

    def _describe(self, turn: Turn) -> dict[str, object]:
        reply = turn.reply
        text = "\n".join(block.text for block in reply.content if isinstance(block, Text))
        return {
            "n": turn.number,
            "model": reply.model,
            "usage": asdict(reply.usage),
            "cost_usd": self._speaker.cost_usd(reply),
            "tools": [block.name for block in reply.content if isinstance(block, ToolCall)],
            "text": self._hiding.redactor.text(text)[:SHOWN_CHARACTERS],
        }
