"""The question for the repository and its answer, folded for the thread."""

from __future__ import annotations

from dataclasses import replace

from chatbot.models import Event
from chatbot.slack.view import PickView, TaskView
from chatbot.story_fields import mapping, string, strings


def fold_asked(view: TaskView, event: Event) -> TaskView:
    pick = PickView(
        seq=event.seq,
        question=string(event.payload, "question", 1000),
        likely=strings(event.payload, "likely", 5),
    )
    return replace(view, pick=pick)


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
