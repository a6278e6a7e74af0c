"""Plan and steps as task cards: what is under way in full, what is behind it in short."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.slack.blocks.elements import line, rich, words
from chatbot.slack.blocks.text import Block, count, is_blank, one_line
from chatbot.slack.view import PlanItem, RunView, Step

TITLE_LIMIT = 150
"""Slack takes 256."""
DETAIL_LIMIT = 160
OUTPUT_LIMIT = 200
_STATUSES = frozenset({"pending", "in_progress", "complete", "error"})


def make_cards(run: RunView, limit: int) -> list[Block]:
    """At most ``limit`` cards: the plan's items, and after the present one its steps.

    Steps of other items are told as a number on their item, the rest as one card that leads.
    """
    items = run.plan[: max(1, limit * 2 // 3)]
    shown = _present_steps(run)[-max(1, limit - len(items) - 2) :]
    cards = [_step_card(step, run) for step in shown]
    earlier = _count_elsewhere(run, shown)
    leading = [_card(count(earlier, "earlier step"), "complete")] if earlier else []
    told_in_full = {id(step) for step in shown}
    present = max(
        (index for index, item in enumerate(items) if item.status != "pending"), default=-1
    )
    # Without an item that was begun the steps stand first.
    told = cards if present < 0 else []
    for index, item in enumerate(items):
        hidden = [
            step for step in run.steps if step.item == item.id and id(step) not in told_in_full
        ]
        told.append(_item_card(item, hidden, run))
        if index == present:
            told += cards
    more = len(run.plan) - len(items)
    trailing = [_card(count(more, "later item"), "pending")] if more else []
    # Ids are the container's words; numbers are never the same twice.
    return [
        {**card, "task_id": str(index)} for index, card in enumerate([*leading, *told, *trailing])
    ]


def _present_steps(run: RunView) -> tuple[Step, ...]:
    if not run.plan:
        return run.steps
    if run.result is not None:
        return ()
    item = next((item.id for item in run.plan if item.status == "in_progress"), None)
    return tuple(step for step in run.steps if step.item == item)


def _count_elsewhere(run: RunView, shown: Sequence[Step]) -> int:
    """Steps that neither stand as a card nor are counted on an item's card."""
    items = {item.id for item in run.plan}
    orphans = sum(step.item not in items for step in run.steps)
    return run.earlier_steps + orphans - sum(step.item not in items for step in shown)


def _item_card(item: PlanItem, steps: Sequence[Step], run: RunView) -> Block:
    card = _card(item.title, _settled(item.status, run))
    if steps:
        card["details"] = rich(line(words(_told(steps, run))))
    return card


def _told(steps: Sequence[Step], run: RunView) -> str:
    # What a stop has cut off did not fail.
    is_stopped = run.result is not None and run.result.outcome == "stopped"
    failed = 0 if is_stopped else sum(step.status == "error" for step in steps)
    if not failed:
        return count(len(steps), "step")
    return f"{count(len(steps), 'step')}, {failed if len(steps) > 1 else 'it'} failed"


def _step_card(step: Step, run: RunView) -> Block:
    card = _card(step.title, _settled(step.status, run))
    if not is_blank(step.details) and one_line(step.details, DETAIL_LIMIT) not in step.title:
        card["details"] = rich(line(words(one_line(step.details, DETAIL_LIMIT))))
    if not is_blank(step.output):
        card["output"] = rich(line(words(one_line(step.output, OUTPUT_LIMIT))))
    return card


def _settled(status: str, run: RunView) -> str:
    """Nothing is under way any more once the run has ended."""
    if status not in _STATUSES:
        return "pending"
    if run.result is None or status != "in_progress":
        return status
    return "error" if run.result.outcome in {"failed", "stopped"} else "complete"


def _card(title: str, status: str) -> Block:
    shown = one_line(title, TITLE_LIMIT)
    return {
        "type": "task_card",
        "task_id": "",
        "title": "…" if is_blank(shown) else shown,
        "status": status,
    }
