"""Slack's own line about what the bot does in a thread: an agent session, a status, or nothing."""

from __future__ import annotations

from typing import Literal

import structlog

from chatbot.models import Task, Thread
from chatbot.slack.delivered import Delivered
from chatbot.slack.outbound import CallRefused, Outbound
from chatbot.slack.view import TaskView

log = structlog.get_logger(__name__)

State = Literal["", "processing", "suspended", "active", "closed"]

SESSION_SECONDS = 30 * 60.0
"""Slack lets a session's state go after an hour."""
STATUS_SECONDS = 90.0
"""And a status after two minutes."""
TITLE_LIMIT = 200

_NOT_HERE = frozenset(
    {
        *("feature_disabled", "unknown_method", "missing_scope", "not_allowed_token_type"),
        *("method_deprecated", "not_allowed", "access_denied"),
    }
)
"""Refusals that hold for the whole workspace."""


def presence_of(view: TaskView) -> State:
    """What the thread waits for; empty: nothing was begun."""
    if not view.runs:
        return ""
    newest = view.runs[-1]
    if newest.finished_at is None:
        return "suspended" if newest.waits_for or newest.is_asking else "processing"
    is_choice = bool(view.choices) and view.choices[-1].is_waiting
    is_gate = any(gate.state == "pending" for gate in view.gates)
    if view.is_asking or is_choice or is_gate:
        return "suspended"
    return "closed" if view.ended and view.ended[-1].seq > newest.seq else "active"


class Presence:
    """Of one workspace: what it does not have is not asked for with every thread."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._way: Literal["session", "status", "none"] = "session"

    async def show(
        self, task: Task, thread: Thread, view: TaskView, delivered: Delivered, now: float
    ) -> float | None:
        """Seconds until it has to be said again; raises TryLater and ThreadUnreachable."""
        state = presence_of(view)
        while state and self._way != "none" and delivered.presence != "refused":
            renewal = SESSION_SECONDS if self._way == "session" else STATUS_SECONDS
            is_working = state == "processing"
            due = delivered.presence_at + renewal - now
            if delivered.presence == state and (due > 0 or not is_working):
                return due if is_working else None
            try:
                await self._tell(task, thread, view, state)
            except CallRefused as error:
                log.info("presence_refused", way=self._way, reason=str(error))
                if str(error) in _NOT_HERE:
                    self._way = "status" if self._way == "session" else "none"
                else:
                    # A place that has none, a direct message for one.
                    delivered.presence = "refused"
            else:
                delivered.presence, delivered.presence_at = state, now
        return None

    async def _tell(self, task: Task, thread: Thread, view: TaskView, state: State) -> None:
        if self._way == "session":
            await self._outbound.set_session(
                thread,
                state,
                title=" ".join((task.title or task.request).split())[:TITLE_LIMIT],
                initiator="" if len(view.runs) > 1 else task.author.id,
            )
        else:
            words = {"processing": "is working on it…", "suspended": "is waiting for you…"}
            await self._outbound.set_status(thread, words.get(state, ""))
