"""Tasks as rows: what it is, where it stands, where it is spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.models import FINAL, Status, Task, Thread
from chatbot.slack.blocks.elements import Content, context, fallback, section
from chatbot.slack.blocks.text import (
    Block,
    code,
    count,
    dollars,
    escaped,
    link,
    moment,
    person,
)

_SIGNS = {
    Status.QUEUED: ":hourglass_flowing_sand:",
    Status.PREPARING: ":gear:",
    Status.RUNNING: ":gear:",
    Status.WAITING: ":raised_hand:",
    Status.READY: ":raised_hand:",
    Status.PUBLISHING: ":outbox_tray:",
    Status.DONE: ":white_check_mark:",
    Status.FAILED: ":x:",
    Status.STOPPED: ":octagonal_sign:",
}
_STATES = {
    Status.RUNNING: "working",
    Status.WAITING: "waits for an answer",
    Status.READY: "waits for a decision",
    Status.PUBLISHING: "opening the pull request",
}
_ANSWERS = {"answer": "answered", "findings": "reviewed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task, and what it has cost so far; None: that is not known."""

    task: Task
    cost_usd: float | None = None


def thread_url(workspace_url: str, thread: Thread | None) -> str:
    """The address that Slack gives to a message; empty where the workspace has none."""
    if thread is None or not workspace_url:
        return ""
    place = f"{thread.channel}/p{thread.thread_ts.replace('.', '')}"
    return f"{workspace_url.rstrip('/')}/archives/{place}"


def row_block(row: Row, workspace_url: str, *, is_own: bool = False) -> Block:
    """``is_own``: whoever looks asked for it, and need not be told so."""
    task = row.task
    title = task.title or task.request
    sign, state = _standing(task)
    url = thread_url(workspace_url, task.thread)
    head = link(url, _short(title)) if url else escaped(_short(title), 200)
    facts = [
        state,
        code(task.source.repository or "no repository", 80),
        *([] if is_own else [person(task.author.id, task.author.name)]),
        moment(task.created_at),
        code(task.id),
    ]
    if row.cost_usd:
        facts.insert(2, dollars(row.cost_usd))
    if task.pull_request is not None:
        facts.insert(1, link(task.pull_request.url, f"#{task.pull_request.number}"))
    return section(f"{sign} {head}\n{' · '.join(facts)}")


def _standing(task: Task) -> tuple[str, str]:
    """A sign and a word; an answer waits for nobody, and a question for the repository does."""
    if not task.source.repository and task.status in FINAL and task.deadline_at is not None:
        return _SIGNS[Status.WAITING], "waits for its repository"
    if task.status == Status.READY and task.outcome == "attempts":
        return _SIGNS[task.status], "waits for a choice"
    if task.status == Status.READY and task.open_patch_sha256 is None:
        return _SIGNS[Status.DONE], _ANSWERS.get(task.outcome or "", "ready")
    return _SIGNS[task.status], _STATES.get(task.status, task.status.value)


def make_listing(rows: Sequence[Row], workspace_url: str, *, title: str, more: bool) -> Content:
    """``rows``: a page of them."""
    if not rows:
        return Content(text=f"{title}: none", blocks=(section(f"{title}: none."),))
    blocks = [section(f"*{title}*"), *(row_block(row, workspace_url) for row in rows)]
    if more:
        blocks.append(context("There are more: `/code search` finds them by words."))
    words = fallback(f"{title}: {count(len(rows), 'task')}")
    return Content(text=words, blocks=tuple(blocks))


def _short(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= 120 else f"{line[:119]}…"
