"""The one living message of a run: its plan and steps, where it stands, and a way to stop it."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.models import Task, shown_model
from chatbot.slack.blocks.cards import make_cards
from chatbot.slack.blocks.elements import (
    MESSAGE_LIMIT,
    Content,
    button,
    context,
    fallback,
    footer,
    section,
)
from chatbot.slack.blocks.text import Block, code, duration, escaped, size
from chatbot.slack.view import RunView

MAX_CARDS = 45
"""Slack takes 50 in a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a living message depends on besides its run."""

    now: float
    page_url: str


def make_progress(task: Task, run: RunView, moment: Moment) -> Content:
    title = make_title(run, moment.now)
    stop = () if run.result is not None else (button("Stop", "stop", task.id),)
    around = (
        *_notes(run),
        context(_facts(task, run, moment.now)),
        *footer(moment.page_url, *stop),
    )
    plan = _plan(title, run, MESSAGE_LIMIT - size(around))
    return Content(
        text=fallback(f"{title} {task.source.repository}"),
        blocks=(plan, *around) if plan else (section(f"*{title}*"), *around),
        simple=(section(_checklist(title, run)), *around),
    )


def make_title(run: RunView, now: float) -> str:
    """The run's state, then its end, in a few words."""
    if run.result is None:
        if run.stopping:
            return "Stopping…"
        if run.started_at is not None:
            return "Working…"
        return "Setting up…" if run.setting_up else "Preparing…"
    if run.result.outcome == "stopped":
        return "Stopped"
    if run.result.outcome == "failed":
        return "Failed"
    return f"Worked for {_elapsed(run, now)}"


def _elapsed(run: RunView, now: float) -> str:
    end = run.finished_at if run.finished_at is not None else now
    return duration(end - (run.prepared_at or end))


def _plan(title: str, run: RunView, budget: int) -> Block | None:
    """As many cards as fit; the earliest are told as a number."""
    limit = MAX_CARDS
    while True:
        cards = make_cards(run, limit)
        if not cards:
            return None
        plan: Block = {"type": "plan", "title": title, "tasks": cards}
        if size((plan,)) <= budget or limit <= 3:
            return plan
        limit -= 3


def _notes(run: RunView) -> tuple[Block, ...]:
    if not run.note or run.result is not None:
        return ()
    return (context(f"_{escaped(run.note, 400)}_"),)


def _facts(task: Task, run: RunView, now: float) -> str:
    facts = [code(task.source.repository)]
    if run.branch:
        facts.append(code(run.branch))
    facts.append(code(shown_model(task.model)))
    facts.append(_elapsed(run, now))
    if run.tokens:
        facts.append(f"{_short(run.tokens)} tokens")
    if run.cost_usd is not None:
        facts.append(f"${run.cost_usd:.2f}")
    return " · ".join(facts)


def _short(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.0f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


_MARKS = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}


def _checklist(title: str, run: RunView) -> str:
    """The plan as lines, for a Slack that does not take plan blocks."""
    lines = [f"*{title}*"]
    for card in make_cards(run, 25):
        lines.append(f"{_MARKS[card['status']]} {escaped(card['title'], 100)}")
    return "\n".join(lines)
