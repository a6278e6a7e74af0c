"""Which agent does a run's work: the one that did the task's runs before, else as it was asked."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.models import Run, Task
from chatbot.repository_rules import Rules
from chatbot.story_fields import string
from sandbox.spec import OWN_AGENT, Exchange

MAX_EARLIER: Final = 5
_CHARACTERS: Final = 4000


def find_agent(db: Database, task: Task, run: Run, rules: Rules) -> str:
    """A task keeps its agent, whatever the configuration says by now: it has its conversation."""
    for earlier in queries.task_runs(db, task.id):
        if earlier.number < run.number and earlier.spec is not None:
            return str(earlier.spec.get("agent", OWN_AGENT))
    return task.agent or rules.agent


def find_earlier(db: Database, task: Task, run: Run) -> tuple[Exchange, ...]:
    """What was asked and what came of it, for an agent that begins each run anew."""
    finished = {
        string(event.payload, "run_id", 100): event.payload
        for event in queries.task_events(db, task.id)
        if event.kind == "run_finished"
    }
    found = []
    for earlier in queries.task_runs(db, task.id):
        if earlier.is_aside or run.attempt is not None:
            continue  # another attempt's conversation
        if earlier.number < run.number and (ended := finished.get(earlier.id)) is not None:
            told = (string(ended, name, _CHARACTERS) for name in ("summary", "answer", "brief"))
            summary = next(filter(None, told), "")
            found.append(Exchange(request=earlier.request[:_CHARACTERS], summary=summary))
    return tuple(found[-MAX_EARLIER:])
