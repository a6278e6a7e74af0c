"""Rates of a provider: nobody goes too early, nobody is left behind. The clock is the test's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sandbox.llm.pace import Pace, weight
from sandbox.llm.provider import Usage


@dataclass
class Street:
    """Those who asked, and in which order they were let through."""

    pace: Pace
    let_through: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def ask(self, run_id: str, tokens: int = 1) -> asyncio.Task[None]:
        async def go() -> None:
            await self.pace.enter(run_id, tokens)
            self.let_through.append(run_id)

        task = asyncio.create_task(go())
        self.tasks.append(task)
        return task


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def later(street: Street, clock: Clock, seconds: float) -> list[str]:
    clock.now += seconds
    street.pace.serve()
    await settled()
    return street.let_through


async def test_without_limits_nobody_waits() -> None:
    street = Street(Pace())
    for _ in range(100):
        street.ask("a", 10**9)
    await settled()
    assert len(street.let_through) == 100


async def test_requests_a_minute_are_shared_in_turn() -> None:
    clock = Clock()
    street = Street(Pace(requests=2, clock=clock))
    for run_id in ("busy", "busy", "busy", "busy", "quiet", "other"):
        street.ask(run_id)
        await settled()
    assert street.let_through == ["busy", "busy"]
    assert street.pace.waiting == 4
    assert await later(street, clock, 59) == ["busy", "busy"]
    assert await later(street, clock, 2) == ["busy", "busy", "busy", "quiet"]
    assert (await later(street, clock, 61))[4:] == ["other", "busy"]
    assert street.pace.waiting == 0


async def test_tokens_a_minute_as_they_were_in_the_end() -> None:
    clock = Clock()
    street = Street(Pace(tokens=100, clock=clock))
    first = await street.pace.enter("a", 80)
    street.ask("b", 30)
    await settled()
    assert street.let_through == []
    street.pace.settle(first, 60)
    await settled()
    assert street.let_through == ["b"]
    street.ask("c", 20)
    await settled()
    assert street.let_through == ["b"]
    assert await later(street, clock, 61) == ["b", "c"]


async def test_what_is_larger_than_the_rate_goes_alone() -> None:
    clock = Clock()
    street = Street(Pace(tokens=100, clock=clock))
    await street.pace.enter("a", 10)
    street.ask("b", 1000)
    await settled()
    assert street.let_through == []
    assert await later(street, clock, 61) == ["b"]


async def test_who_gives_up_holds_up_nobody() -> None:
    clock = Clock()
    street = Street(Pace(requests=1, clock=clock))
    await street.pace.enter("a", 1)
    gone = street.ask("b")
    street.ask("c")
    await settled()
    gone.cancel()
    await asyncio.wait([gone])
    assert await later(street, clock, 61) == ["c"]


async def test_it_comes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.llm.pace.WINDOW_SECONDS", 0.05)
    pace = Pace(requests=1)
    for _ in range(3):
        await asyncio.wait_for(pace.enter("a", 1), 30)


def test_tokens_from_the_cache_count_as_the_provider_counts_them() -> None:
    usage = Usage(input_tokens=100, cache_read_tokens=80, output_tokens=5)
    assert (weight("anthropic", usage), weight("openai", usage)) == (25, 105)
