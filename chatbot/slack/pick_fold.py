"""The question for the repository and its answer, folded for the thread."""

from __future__ import annotations

from dataclasses import replace

from chatbot.models import Event
from chatbot.slack.blocks.text import person
from chatbot.slack.view import PickView, TaskView
from chatbot.story_fields import mapping, number, string, strings


def fold_asked(view: TaskView, event: Event) -> TaskView:
    pick = PickView(
        # Asked again, it stands where it stood.
        seq=event.seq if view.pick is None else view.pick.seq,
        task_id=event.task_id,
        expires_at=number(event.payload, "expires_at"),
        question=string(event.payload, "question", 1000),
        likely=strings(event.payload, "likely", 5),
        suggested="" if view.pick is None else view.pick.suggested,
    )
    return replace(view, pick=pick)


def fold_suggested(view: TaskView, event: Event) -> TaskView:
    if view.pick is None:
        return view
    return replace(
        view, pick=replace(view.pick, suggested=string(event.payload, "repository", 300))
    )


def fold_unanswered(view: TaskView) -> TaskView:
    if view.pick is None:
        return view
    return replace(view, pick=replace(view.pick, is_expired=True))


def fold_change_asked(view: TaskView, event: Event) -> TaskView:
    """The run that is under way ends for it."""
    run_id = string(event.payload, "run_id", 100)
    runs = tuple(
        replace(run, stopped_for="changed") if run.id == run_id and run.finished_at is None else run
        for run in view.runs
    )
    return replace(view, runs=runs)


def fold_changed(view: TaskView, event: Event) -> TaskView:
    """What was shown of the earlier runs stays, under the name it was done for."""
    before, by = string(event.payload, "before", 300), mapping(event.payload, "by")
    who = person(string(by, "id", 100), string(by, "name", 100))
    runs = tuple(
        run if run.was_in else replace(run, was_in=before or "-", changed_by=who)
        for run in view.runs
    )
    return replace(view, runs=runs, is_changed=True, reaction="eyes")


def fold_named(view: TaskView, event: Event) -> TaskView:
    """The failed begin is forgotten: the thread tells what comes of it now."""
    if view.pick is None:
        return view
    by = mapping(event.payload, "by")
    pick = replace(
        view.pick,
        repository=string(event.payload, "repository", 300),
        by_id=string(by, "id", 100),
        by_name=string(by, "name", 100),
    )
    return replace(view, pick=pick, reaction="eyes")
