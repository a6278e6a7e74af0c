"""`threadsmith tasks`: what the history holds, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chatbot.config import Settings
from chatbot.history import finding, queries
from chatbot.history.store import History
from chatbot.models import Task
from chatbot.report import task_report
from chatbot.story import describe


@dataclass(frozen=True, slots=True)
class Listing:
    """The same content twice."""

    data: Any
    text: str


async def list_tasks(settings: Settings, *, limit: int, search: str = "") -> Listing:
    """The newest tasks, a line each; with ``search`` those that speak of all of its words."""
    history = await History.open(settings.database_path)
    try:
        tasks = await history.read(partial(finding.find_tasks, words=search.split(), limit=limit))
    finally:
        await history.close()
    lines = [_line(task) for task in tasks]
    none = "No task speaks of that." if search else "There are no tasks yet."
    return Listing([_brief(task) for task in tasks], "\n".join(lines) or none)


async def show_task(settings: Settings, task_id: str) -> Listing:
    """One task with its story; raises TaskNotFound."""
    history = await History.open(settings.database_path)
    try:
        report = await task_report(history, task_id)
        events = await history.read(partial(queries.task_events, task_id=task_id))
        task = await history.read(partial(queries.get_task, task_id=task_id))
    finally:
        await history.close()
    told = [(event, describe(event)) for event in events]
    lines = [
        _line(task),
        f"asked by {task.author.name}: {task.request}",
        *([f"base: {task.branch or '-'} at {task.base_commit}"] if task.base_commit else []),
        *([f"pull request: {task.pull_request.url}"] if task.pull_request else []),
        *([task.summary] if task.summary else []),
        "",
        *(f"{event.at - task.created_at:8.1f}s  {words}" for event, words in told if words),
    ]
    return Listing(report, "\n".join(lines))


def _brief(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "status": task.status,
        "outcome": task.outcome,
        "repository": task.source.repository,
        "mode": task.mode,
        "title": task.title,
        "author": task.author.name,
        "created_at": task.created_at,
        "pull_request": task.pull_request.url if task.pull_request else None,
    }


def _line(task: Task) -> str:
    at = datetime.fromtimestamp(task.created_at, UTC).strftime("%Y-%m-%d %H:%M")
    return f"{task.id}  {at}  {task.status:<10}  {task.source.repository:<24}  {task.title}"
