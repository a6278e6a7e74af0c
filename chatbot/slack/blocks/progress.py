"""The one living message of a run: its plan and steps, where it stands, and a way to stop it."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.models import Task, shown_model
from chatbot.slack.blocks.attempts import attempt_line
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
from chatbot.slack.blocks.text import (
    Block,
    code,
    count,
    cut,
    dollars,
    duration,
    escaped,
    size,
)
from chatbot.slack.view import EnvironmentView, RefusalView, RunView

MAX_REFUSALS = 3
MAX_CARDS = 45
"""Slack takes 50 in a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a living message depends on besides its run."""

    now: float
    page_url: str


def make_progress(task: Task, run: RunView, moment: Moment) -> Content:
    title = make_title(run, moment.now)
    stop: tuple[Block, ...] = ()
    if run.result is None and not run.stopping:
        stop = (button("Stop", "stop", task.id), button("Steer", "steer", task.id))
    around = (
        *_earlier(run),
        *_notes(run),
        *_warnings(task, run),
        context(_facts(task, run, moment.now)),
        *footer(moment.page_url, *stop),
    )
    plan = _plan(title, run, MESSAGE_LIMIT - size(around))
    return Content(
        text=fallback(f"{title} {run.was_in or task.source.repository}"),
        blocks=(plan, *around) if plan else (section(f"*{escaped(title, 300)}*"), *around),
        simple=(section(_checklist(title, run)), *around),
    )


def make_title(run: RunView, now: float) -> str:
    """The run's state, then its end, in a few words."""
    title = _title(run, now)
    return f"Attempt {run.attempt} of {run.attempts}: {title}" if run.attempt else title


def _title(run: RunView, now: float) -> str:
    if run.result is None:
        if run.stopping:
            return "Stopping…"
        if waiting := queue_words(run):
            return waiting
        if run.waits_for:
            return f"Waiting for a decision about {run.waits_for}…"
        if run.is_asking:
            return "Waiting for an answer…"
        if run.is_queued:
            return "Waiting for a turn at the model…"
        if run.verifying:
            return f"Verifying in a clean container: {cut(' '.join(run.verifying.split()), 80)}"
        if run.started_at is not None:
            return "Working…"
        if run.environment is not None and run.environment.state == "building":
            return "Waiting for the environment that another task builds…"
        if run.setting_up:
            return "Setting up…"
        return f"Pulling {run.pulling}…" if run.pulling else "Preparing…"
    if run.result.outcome == "stopped":
        return f"Stopped{_after(run, now)}"
    if run.result.outcome == "failed":
        return f"Failed{_after(run, now)}"
    return f"Worked for {_elapsed(run, now)}"


def queue_words(run: RunView) -> str:
    """How long it may take until the run begins; empty: it does not wait."""
    if not run.is_waiting:
        return ""
    if run.position:
        return f"Waiting: {count(run.position, 'task')} before this one."
    return "Waiting: it is next, as soon as a running task ends." if run.is_next else ""


def _after(run: RunView, now: float) -> str:
    return "" if run.prepared_at is None else f" after {_elapsed(run, now)}"


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


def _earlier(run: RunView) -> tuple[Block, ...]:
    """How the attempts before it went."""
    return (context(*(attempt_line(each) for each in run.earlier)),) if run.earlier else ()


def _notes(run: RunView) -> tuple[Block, ...]:
    said = [f":speech_balloon: {escaped(words, 300)}" for words in run.steered]
    if run.note and run.result is None:
        said.append(f"_{escaped(run.note, 400)}_")
    return (context(*said),) if said else ()


def _warnings(task: Task, run: RunView) -> tuple[Block, ...]:
    """What was kept from the run, and what was hidden of it."""
    lines = [f":warning: {escaped(note, 500)}" for note in run.source_notes[:5]]
    if run.took_over:
        lines.append(f":twisted_rightwards_arrows: {escaped(run.took_over, 400)}")
    lines += [f":moneybag: {escaped(budget, 200)}" for budget in run.budgets]
    lines += [_refusal(task, refusal) for refusal in run.refusals[:MAX_REFUSALS]]
    if (more := len(run.refusals) - MAX_REFUSALS) > 0:
        lines.append(f":no_entry: … and {count(more, 'more address')}")
    if run.hidden:
        lines.append(":see_no_evil: Something that looked like a secret was hidden.")
    return (context(*lines),) if lines else ()


def _refusal(task: Task, refusal: RefusalView) -> str:
    said = f":no_entry: {code(refusal.command, 80)} was refused {code(refusal.address, 100)}"
    if not refusal.allow:
        return f"{said}: {escaped(refusal.reason, 300)}"
    place = code(f'[[repositories]] match = "{task.source.repository}"', 160)
    return f"{said}. To allow it: {code(refusal.allow, 400)} under {place}"


def environment_words(run: RunView) -> str:
    """Whether what the container starts from was there already."""
    match run.environment:
        case EnvironmentView(state="hit", age_seconds=age):
            return f"environment {_age(age)} old"
        case EnvironmentView(state="miss" | "building"):
            return "new environment"
        case EnvironmentView(state="none"):
            return "no environment"
        case _:
            return ""


def _age(seconds: float) -> str:
    days = int(seconds // 86_400)
    return f"{days}d" if days else duration(seconds)


def _facts(task: Task, run: RunView, now: float) -> str:
    facts = [code(run.was_in or task.source.repository)]
    if run.branch:
        facts.append(code(run.branch))
    if not run.was_in:
        facts.append(code(shown_model(task.model)))
    if environment := environment_words(run):
        facts.append(environment)
    if run.result is None and run.prepared_at is not None:
        # At the end the title tells it.
        facts.append(_elapsed(run, now))
    if run.tokens:
        facts.append(f"{_short(run.tokens)} tokens")
    if run.cost_usd:
        facts.append(dollars(run.cost_usd))
    return " · ".join(facts)


def _short(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.0f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


_MARKS = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}


def _checklist(title: str, run: RunView) -> str:
    """The plan as lines, for a Slack that does not take plan blocks."""
    lines = [f"*{escaped(title, 300)}*"]
    for card in make_cards(run, 25):
        lines.append(f"{_MARKS[card['status']]} {escaped(card['title'], 100)}")
    return "\n".join(lines)
