"""Keeps requests to a provider within its rates, and lets every run have its turn.

What was asked within the last minute counts. Whoever has to wait stands in a queue of its run's
own; the queues are served in turn, so that a run that asks much holds up none that asks little.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.llm.provider import Conversation, Image, Text, ToolCall, ToolResult, Usage

WINDOW_SECONDS: Final = 60.0
CHARACTERS_PER_TOKEN: Final = 4
IMAGE_TOKENS: Final = 1600
REPLY_TOKENS: Final = 1000


@dataclass(slots=True)
class Entry:
    """One request that was let through."""

    at: float
    tokens: int
    """As they were expected; then, as they were."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    tokens: int
    entered: asyncio.Future[Entry]


class Pace:
    """One provider's rates; 0: no limit."""

    def __init__(
        self,
        *,
        requests: int = 0,
        tokens: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests = requests
        self.tokens = tokens
        self._clock = clock
        self._queues: dict[str, deque[_Waiting]] = {}
        """In the order in which they are served."""
        self._recent: deque[Entry] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    async def enter(self, run_id: str, tokens: int) -> Entry:
        """Wait until a request of so many tokens may be sent."""
        if not self.requests and not self.tokens:
            return Entry(0.0, tokens)
        entered: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(run_id, deque()).append(_Waiting(tokens, entered))
        self.serve()
        try:
            return await entered
        except asyncio.CancelledError:
            if entered.done() and not entered.cancelled():
                self.settle(entered.result(), 0)  # it was let through, and nobody went
            raise

    def settle(self, entry: Entry, tokens: int) -> None:
        """So many tokens it took indeed."""
        entry.tokens = tokens
        self.serve()

    def serve(self) -> None:
        """Let through whoever may go by now, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queues:
            run_id, queue = next(iter(self._queues.items()))
            while queue and queue[0].entered.done():  # given up
                queue.popleft()
            if not queue:
                del self._queues[run_id]
                continue
            wait = self._seconds_until(queue[0].tokens)
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self.serve)
                return
            waiting = queue.popleft()
            del self._queues[run_id]
            if queue:
                self._queues[run_id] = queue  # behind all others
            entry = Entry(self._clock(), waiting.tokens)
            self._recent.append(entry)
            waiting.entered.set_result(entry)

    def _seconds_until(self, tokens: int) -> float:
        """Until a request of that size fits; one that is larger than the rate goes alone."""
        now = self._clock()
        while self._recent and self._recent[0].at + WINDOW_SECONDS <= now:
            self._recent.popleft()
        frees_at = now
        if self.requests and len(self._recent) >= self.requests:
            frees_at = self._recent[-self.requests].at + WINDOW_SECONDS
        if self.tokens:
            used = sum(entry.tokens for entry in self._recent)
            for entry in self._recent:
                if used + tokens <= self.tokens:
                    break
                used -= entry.tokens
                frees_at = max(frees_at, entry.at + WINDOW_SECONDS)
        return frees_at - now


def weight(provider: str, usage: Usage) -> int:
    """The tokens of a reply as the provider's own limits count them."""
    tokens = usage.input_tokens + usage.output_tokens
    return tokens - usage.cache_read_tokens if provider == "anthropic" else tokens


def estimate(conversation: Conversation) -> int:
    """Roughly the tokens of the prompt and its reply."""
    characters, images = len(conversation.system), 0
    for message in conversation.messages:
        for block in message.content:
            match block:
                case Text(text) | ToolResult(_, text):
                    characters += len(text)
                case ToolCall(_, _, arguments, raw):
                    characters += len(raw) if arguments is None else len(str(arguments))
                case Image():
                    images += 1
    return characters // CHARACTERS_PER_TOKEN + images * IMAGE_TOKENS + REPLY_TOKENS
