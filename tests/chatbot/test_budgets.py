"""Budgets: who and what they count, which is the tightest, and when a day begins anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatbot.actions import Actions
from chatbot.budgets import BudgetUsedUp, check_allowance, find_allowance
from chatbot.config import BudgetSettings
from chatbot.models import Source
from sandbox.recorder import Allowance
from tests.chatbot.conftest import Clock
from tests.chatbot.history.lives import ADA, BOB, Life


async def spend(life: Life, usd: float | None, tokens: int = 100) -> None:
    # What came from the cache is part of the prompt.
    usage = {"input_tokens": tokens, "output_tokens": 0, "cache_read_tokens": tokens // 2}
    await life.tell("turn", usage=usage, cost_usd=usd)


async def allowance(actions: Actions, life: Life, **budgets: Any) -> Allowance:
    run, now = await life.run(), actions.clock()
    settings = BudgetSettings(**budgets)
    return await actions.history.read(lambda db: find_allowance(db, run.id, settings, now))


async def test_without_budgets_there_is_no_bound(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.work()
    await spend(life, 1000.0)
    assert await allowance(actions, life) == Allowance()


@pytest.mark.parametrize(
    ("budgets", "used", "name"),
    [
        ({"run_usd": 4}, 0.5, "the run's budget of $4.00"),
        ({"task_usd": 8}, 0.25, "the task's budget of $8.00"),
        ({"person_usd": 2}, 1.0, "the person's daily budget of $2.00"),
        ({"day_usd": 20}, 0.1, "today's budget of $20.00"),
        ({"run_tokens": 1000}, 0.2, "the run's budget of 1,000 tokens"),
        ({"run_usd": 4, "run_tokens": 250, "day_usd": 20}, 0.8, "the run's budget of 250 tokens"),
    ],
)
async def test_the_tightest_is_named(
    actions: Actions, budgets: dict[str, float], used: float, name: str
) -> None:
    life = await Life.begin(actions)
    await life.work()
    await spend(life, 2.0)
    await spend(life, None)
    found = await allowance(actions, life, **budgets)
    assert found == Allowance(used=pytest.approx(used), name=name)


async def test_others_and_earlier_days_count_where_they_belong(
    actions: Actions, clock: Clock
) -> None:
    first = await Life.begin(actions)
    await first.work()
    await spend(first, 1.0)
    clock.now += 24 * 3600
    await spend(first, 2.0)
    second = await Life.begin(actions)
    await second.work()
    await spend(second, 4.0)
    shares = {
        name: (await allowance(actions, second, **{f"{name}_usd": 10})).used
        for name in ("run", "task", "person", "day")
    }
    assert shares == pytest.approx({"run": 0.4, "task": 0.4, "person": 0.6, "day": 0.6})


async def test_a_rule_counts_one_person_in_its_repositories(actions: Actions) -> None:
    for repository, author in (
        ("acme/web", ADA),
        ("Acme/API", ADA),
        ("other/x", ADA),
        ("acme/web", BOB),
    ):
        source = Source(kind="git", repository=repository, forge=True)
        life = await Life.begin(actions, source=source, author=author)
        await life.work()
        await spend(life, 1.0)
        if author == ADA:
            mine = await life.run()
    now = actions.clock()
    found = await actions.history.read(
        lambda db: find_allowance(db, mine.id, BudgetSettings(), now, spend=("acme/*", 4.0))
    )
    assert found == Allowance(used=0.5, name="the person's daily acme/* budget of $4.00")


def test_a_run_does_not_begin_with_nothing_left() -> None:
    check_allowance(Allowance(used=0.99, name="today's budget of $2.00"))
    with pytest.raises(BudgetUsedUp, match=r"^Today's budget of \$2\.00 is used up\."):
        check_allowance(replace(Allowance(name="today's budget of $2.00"), used=1.2))
