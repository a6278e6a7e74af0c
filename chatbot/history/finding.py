"""Which tasks a person may see, and which of them speak of something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from chatbot.history import rows
from chatbot.history.queries import fetch_all
from chatbot.models import FINAL, Status, Task

MAX_WORDS = 10
OPEN = tuple(status for status in Status if status not in FINAL)
"""What is not at its end; an answer that was given waits for nobody, and is left out."""
ANSWERED = (
    "(status = 'ready' AND outcome IN ('answer', 'findings') AND NOT EXISTS (SELECT 1"
    " FROM approvals WHERE approvals.task_id = tasks.id AND approvals.state = 'pending'))"
)
"""Words were given, and no patch of an earlier run waits for a decision."""
ASKED = (
    "(deadline_at IS NOT NULL AND status IN ('failed', 'stopped')"
    " AND json_extract(source, '$.repository') = '')"
)
"""Nothing has failed yet: somebody was asked for the repository, and may still say it."""
_SPOKEN = (
    "(request LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\' OR summary LIKE ? ESCAPE '\\'"
    " OR json_extract(source, '$.repository') LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM messages"
    " WHERE messages.task_id = tasks.id AND messages.kind = 'message'"
    " AND messages.text LIKE ? ESCAPE '\\'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks, and from where: one's own tasks are seen everywhere, others' in their channel."""

    team: str
    person_id: str
    channel: str = ""


def find_tasks(
    db: Database,
    viewer: Viewer | None = None,
    *,
    words: Sequence[str] = (),
    statuses: Collection[Status] | None = None,
    limit: int = 10,
    offset: int = 0,
) -> list[Task]:
    """Newest first; each of ``words`` stands somewhere in what was asked, said or made of it.

    Without a viewer all are seen, as the operator sees them.
    """
    where, values = ["1"], list[object]()
    if viewer is not None:
        where.append("team = ? AND (author_id = ? OR channel = ?)")
        values += [viewer.team, viewer.person_id, viewer.channel]
    for word in words[:MAX_WORDS]:
        where.append(_SPOKEN)
        values += [_pattern(word)] * _SPOKEN.count("?")
    if statuses is not None:
        marks = ", ".join("?" * len(statuses))
        asked = f" OR {ASKED}" if statuses == OPEN else ""
        where.append(f"(status IN ({marks}) AND NOT {ANSWERED}{asked})")
        values += sorted(statuses)
    found = fetch_all(
        db,
        f"SELECT * FROM tasks WHERE {' AND '.join(where)}"  # noqa: S608 - only marks are put in
        " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        *(*values, limit, offset),
    )
    return [rows.task_from(row) for row in found]


def is_visible(task: Task, viewer: Viewer) -> bool:
    """Whether ``find_tasks`` would show it to them."""
    thread = task.thread
    if thread is None or thread.team != viewer.team:
        return False
    return viewer.person_id == task.author.id or viewer.channel == thread.channel


def _pattern(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
