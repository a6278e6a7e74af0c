"""The agent's questions and their answers, folded for the thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatbot.models import Event
from chatbot.slack.run_fold import fold_run
from chatbot.slack.view import QuestionView, TaskView
from chatbot.story_fields import mapping, string, strings


def fold_question(view: TaskView, event: Event) -> TaskView:
    asked = QuestionView(
        seq=event.seq,
        run_id=string(event.payload, "run_id"),
        question=string(event.payload, "question", 2500),
        options=strings(event.payload, "options", 5),
    )
    runs = tuple(fold_run(run, event) if run.id == asked.run_id else run for run in view.runs)
    return replace(view, runs=runs, questions=(*view.questions, asked))


def fold_answer(view: TaskView, payload: dict[str, Any]) -> TaskView:
    """Whatever is said first while a question is open answers it."""
    if not view.questions or view.questions[-1].is_closed or view.questions[-1].answer:
        return view
    author = mapping(payload, "author")
    answered = replace(
        view.questions[-1],
        by_id=string(author, "id", 100),
        by_name=string(author, "name", 100),
        answer=string(payload, "text", 1000),
    )
    return replace(view, questions=(*view.questions[:-1], answered))


def fold_closed(view: TaskView, event: Event) -> TaskView:
    run_id = string(event.payload, "run_id")
    runs = tuple(fold_run(run, event) if run.id == run_id else run for run in view.runs)
    return close_questions(replace(view, runs=runs))


def close_questions(view: TaskView) -> TaskView:
    questions = tuple(replace(question, is_closed=True) for question in view.questions)
    return replace(view, questions=questions)
