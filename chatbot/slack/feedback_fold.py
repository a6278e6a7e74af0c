"""What was told of the pull request, folded for the thread."""

from __future__ import annotations

from dataclasses import replace

from chatbot.models import Event
from chatbot.slack.view import EndedView, FeedbackView, TaskView
from chatbot.story_fields import integer, mapping, sequence, string


def fold_feedback(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    told = FeedbackView(
        seq=event.seq,
        number=integer(payload, "number"),
        checks=tuple(each for each in sequence(payload, "checks") if isinstance(each, dict)),
        remarks=tuple(each for each in sequence(payload, "remarks") if isinstance(each, dict)),
        conflict=payload.get("conflict") is True,
        is_capped=payload.get("capped") is True,
    )
    return replace(view, feedback=(*view.feedback, told))


def fold_fix(view: TaskView, event: Event) -> TaskView:
    seq, by = integer(event.payload, "seq"), mapping(event.payload, "by")

    def taken_up(told: FeedbackView) -> FeedbackView:
        return replace(
            told,
            fixed_by_id=string(by, "id", 100),
            fixed_by_name=string(by, "name", 100),
            fixed_at=event.at,
        )

    feedback = tuple(taken_up(told) if told.seq == seq else told for told in view.feedback)
    return replace(view, feedback=feedback)


def fold_ended(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    ended = EndedView(
        seq=event.seq,
        number=integer(payload, "number"),
        state=string(payload, "state", 20),
        by=string(payload, "by", 100),
        url=string(payload, "url", 2000),
        branch_removed=payload.get("branch_removed") is True,
    )
    return replace(view, ended=(*view.ended, ended))
