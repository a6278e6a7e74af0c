"""What the agent asks while it works, with the answers it offers; then what was answered."""

from __future__ import annotations

from chatbot.models import Task
from chatbot.slack.blocks.elements import (
    Content,
    actions,
    button,
    context,
    fallback,
    line,
    rich,
    words,
)
from chatbot.slack.blocks.text import cut, escaped, is_blank, person
from chatbot.slack.view import QuestionView

QUESTION_CHARACTERS = 2000


def make_question(task: Task, asked: QuestionView) -> Content:
    question = asked.question if not is_blank(asked.question) else "The agent has a question."
    blocks = [rich(line(words(cut(question, QUESTION_CHARACTERS), bold=True)))]
    if asked.answer:
        who = person(asked.by_id, asked.by_name)
        said = escaped(" ".join(asked.answer.split()), 600)
        blocks.append(context(f"Answered by {who}: “{said}”"))
    elif asked.is_closed:
        blocks.append(context("Closed without an answer."))
    else:
        offered = [
            button(option, f"answer_{index}", f"{task.id}:{asked.seq}:{index}")
            for index, option in enumerate(asked.options)
            if not is_blank(option)
        ]
        if offered:
            blocks.append(actions(*offered))
        how = "Or reply in this thread" if offered else "Reply in this thread"
        blocks.append(context(f"{how}. The work waits for the answer."))
    text = fallback(f"A question: {question}")
    return Content(text=text, blocks=tuple(blocks), simple=tuple(blocks))
