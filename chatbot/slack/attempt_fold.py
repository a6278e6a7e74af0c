"""The attempts' part of the story, folded: what ended, and which one people chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chatbot.models import Event
from chatbot.slack.patch_view import NO_PATCH
from chatbot.slack.view import AttemptsView, RunView, TaskView
from chatbot.story_fields import integer, mapping, string

REACTIONS = {"stopped": "octagonal_sign", "failed": "x"}


def begin_attempt(view: TaskView, run: RunView, event: Event) -> RunView:
    """The run as one of several, with those before it."""
    attempt = integer(event.payload, "attempt")
    if attempt < 1:
        return run
    before = view.runs[-1] if view.runs and attempt > 1 else None
    earlier = () if before is None else (*before.earlier, replace(before, earlier=()))
    of = max(attempt, integer(event.payload, "attempts"))
    return replace(run, attempt=attempt, attempts=of, earlier=earlier)


def fold_attempts_ended(view: TaskView, event: Event) -> TaskView:
    run_id, state = string(event.payload, "run_id"), string(event.payload, "state")
    last = next((run for run in view.runs if run.id == run_id), None)
    if last is None or last.result is None:
        return view
    reaction = "white_check_mark"
    if state == "none":
        reaction = REACTIONS.get(last.result.outcome, reaction)
        view = _show(view, run_id, event.seq)
    else:
        attempts = (*last.earlier, replace(last, earlier=()))
        told = AttemptsView(seq=event.seq, attempts=attempts)
        view = replace(view, choices=(*view.choices, told))
    return replace(view, reaction=reaction)


def fold_chosen(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    run_id, by = string(payload, "run_id"), mapping(payload, "by")
    chosen = next((run for run in view.runs if run.id == run_id), None)
    view = _newest(
        _show(view, run_id, event.seq),
        lambda told: replace(
            told,
            chosen=integer(payload, "attempt"),
            why=string(payload, "why", 40),
            by_id=string(by, "id", 100),
            by_name=string(by, "name", 100),
            settled_at=event.at,
            is_discarded=False,
        ),
    )
    patch = NO_PATCH if chosen is None or chosen.patch is None else chosen.patch
    return replace(view, patch=patch)


def fold_discarded(view: TaskView, event: Event) -> TaskView:
    by = mapping(event.payload, "by")
    return _newest(
        view,
        lambda told: replace(
            told,
            is_discarded=True,
            by_id=string(by, "id", 100),
            by_name=string(by, "name", 100),
            settled_at=event.at,
        ),
    )


def set_open(view: TaskView, *, is_open: bool) -> TaskView:
    """Whether another one may still be chosen."""
    return _newest(view, lambda told: replace(told, is_open=is_open))


def hold_reply(view: TaskView) -> TaskView:
    """What is said before one is chosen waits for that."""
    return _newest(view, lambda told: replace(told, held=told.held + told.is_waiting))


def _newest(view: TaskView, change: Callable[[AttemptsView], AttemptsView]) -> TaskView:
    if not view.choices:
        return view
    return replace(view, choices=(*view.choices[:-1], change(view.choices[-1])))


def _show(view: TaskView, run_id: str, seq: int) -> TaskView:
    """From now on the run's result stands in the thread; once."""
    runs = tuple(
        replace(run, shown_seq=run.shown_seq or seq) if run.id == run_id else run
        for run in view.runs
    )
    return replace(view, runs=runs)
