"""The budgets that a run stands under, and how far the tightest of them is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlite_utils import Database

from chatbot.config import BudgetSettings
from chatbot.history import queries, spending
from chatbot.history.spending import Spent
from chatbot.permissions import matches
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Allowance


class BudgetUsedUp(ThreadsmithError):
    """A budget is used up."""

    code = "budget_exceeded"
    stage = "budget"
    resolution = "Wait until tomorrow (UTC), or have the budget raised in the configuration."


def find_allowance(
    db: Database,
    run_id: str,
    budgets: BudgetSettings,
    now: float,
    *,
    spend: tuple[str, float] | None = None,
) -> Allowance:
    """Of all that are set, the one with the least left.

    ``spend``: repositories, and what one person may spend there in a day.
    """
    shares = [*_shares(db, run_id, budgets, now)]
    if spend is not None:
        pattern, usd = spend
        day, person = spending.day_of(now), queries.get_run(db, run_id).author.id
        inside = spending.of_person_in(db, person, day, partial(_is_in, pattern))
        shares += _of(f"the person's daily {pattern}", inside, usd, None)
    return max(shares, key=lambda each: each.used, default=Allowance())


def _is_in(pattern: str, repository: str) -> bool:
    return matches(repository, pattern)


def check_allowance(allowance: Allowance) -> None:
    """Raise BudgetUsedUp where a run could not even begin."""
    if allowance.used >= 1:
        name = allowance.name
        raise BudgetUsedUp(f"{name[:1].upper()}{name[1:]} is used up.")


def _shares(db: Database, run_id: str, budgets: BudgetSettings, now: float) -> Iterator[Allowance]:
    run = queries.get_run(db, run_id)
    task = queries.get_task(db, run.task_id)
    day = spending.day_of(now)
    channel = task.thread.channel if task.thread else ""
    scopes: dict[str, tuple[str, Callable[[], Spent]]] = {
        "run": ("the run's", partial(spending.of_run, db, run)),
        "task": ("the task's", partial(spending.of_task, db, task)),
        "person": ("the person's daily", partial(spending.of_person, db, run.author.id, day)),
        "channel": ("the channel's daily", partial(spending.of_channel, db, channel, day)),
        "day": ("today's", partial(spending.of_day, db, day)),
    }
    for name, (words, read) in scopes.items():
        usd = getattr(budgets, f"{name}_usd")
        tokens = getattr(budgets, f"{name}_tokens")
        if usd is not None or tokens is not None:
            yield from _of(words, read(), usd, tokens)


def _of(words: str, spent: Spent, usd: float | None, tokens: int | None) -> Iterator[Allowance]:
    if usd is not None:
        yield Allowance(used=spent.usd / usd, name=f"{words} budget of ${usd:,.2f}")
    if tokens is not None:
        yield Allowance(used=spent.tokens / tokens, name=f"{words} budget of {tokens:,} tokens")
