"""Which of the files that an answer names are in its commit, so that people get links to them."""

from __future__ import annotations

from dataclasses import replace

from chatbot.cited import find_paths, page_of
from chatbot.models import Task
from sandbox.errors import SourceError
from sandbox.recorder import Outcome
from sandbox.sources.files import count_lines
from sandbox.spec import Tree


async def with_places(task: Task, tree: Tree, outcome: Outcome) -> Outcome:
    """The outcome with what its words link to; only where the source is on the forge."""
    if not task.source.forge or outcome.kind not in {"answer", "findings"}:
        return outcome
    told = [outcome.answer, outcome.summary]
    for finding in outcome.findings:
        told += [str(finding.get(name) or "") for name in ("detail", "suggestion")]
        told.append(f"{finding.get('file')}:1")
    try:
        lines = await count_lines(tree, find_paths(told))
    except SourceError:
        return outcome  # the words stand without links, too
    base = page_of(task.source.url, tree.commit)
    places = {"base": base, "paths": list(lines), "lines": list(lines.values())}
    return replace(outcome, extra={**outcome.extra, "places": places})
