"""The first answer: what was understood, before anything is done."""

from __future__ import annotations

from chatbot.models import Task, shown_model
from chatbot.slack.blocks.elements import Content, actions, button, context, fallback, section
from chatbot.slack.blocks.progress import environment_words, queue_words
from chatbot.slack.blocks.text import code, escaped
from chatbot.slack.view import RunView

_VERBS = {"change": "Working on", "explain": "Explaining", "review": "Reviewing"}


def make_accepted(task: Task, run: RunView) -> Content:
    """Repository, branch, base commit, environment, mode, model; and the queue while it waits."""
    if run.was_in:
        who = f" by {run.changed_by}" if run.changed_by else ""
        said = f"{code(run.was_in, 150)}: changed{who}, and begun anew below."
        return Content(text=fallback(f"{run.was_in}: changed."), blocks=(context(said),))
    facts = [code(task.source.repository or "no repository")]
    if run.branch:
        facts.append(f"branch {code(run.branch)}")
    if run.base_commit:
        facts.append(f"at {code(run.base_commit[:7])}")
    if environment := environment_words(run):
        facts.append(environment)
    head = f"{_VERBS.get(task.mode, 'Working on')} {facts[0]}"
    if run.attempts > 1:
        facts.append(f"{run.attempts} attempts, one after another")
    details = [*facts[1:], f"mode {code(task.mode)}", f"model {code(shown_model(task.model))}"]
    text = f"{head}\n{' · '.join(details)}"
    if waiting := queue_words(run):
        text += f"\n{waiting}"
    words = fallback(f"{_VERBS.get(task.mode, 'Working on')} {task.source.repository}")
    told = [escaped(note, 400) for note in run.told]
    blocks = [section(text), *([context(*told)] if told else [])]
    if task.source.kind == "git" and task.pull_request is None:
        blocks.append(actions(button("Change", "change_task", task.id)))
    return Content(text=words, blocks=tuple(blocks))
