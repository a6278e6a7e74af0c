"""The app's home: what works, what waits, what came of it, and what the person settled on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.history.defaults import Defaults
from chatbot.history.home import Mended
from chatbot.models import SetupApproval, Status
from chatbot.slack.blocks.elements import (
    actions,
    button,
    confirm,
    context,
    plain_text,
    section,
)
from chatbot.slack.blocks.listing import Row, row_block
from chatbot.slack.blocks.text import Block, code, dollars, moment

UNSETTLED = Defaults()
SHOWN = 10
"""Of each list; a home holds no more than a hundred blocks."""
SHOWN_REPOSITORIES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """Lists hold one more than is shown, where there are more."""

    at_work: Sequence[Row] = ()
    waiting: Sequence[Row] = ()
    others: Sequence[Row] = ()
    """Asked for by others, and waiting for this person."""
    ended: Sequence[Row] = ()
    offset: int = 0
    defaults: Defaults = UNSETTLED
    model: str = ""
    """Where nobody names one."""
    repositories: Sequence[str] = ()
    repositories_offset: int = 0
    setups: Sequence[SetupApproval] = ()
    mended: Sequence[Mended] = ()
    spent_today: float = 0.0


def make_home(view: HomeView, workspace_url: str) -> Block:
    blocks: list[Block] = [
        actions(
            button("New task", "home_new", "new", style="primary"),
            button("My defaults", "home_defaults", "defaults"),
        ),
        *_tasks("Waiting for you", view.waiting, workspace_url, "Nothing waits for you."),
        *_tasks("Others wait for you", view.others, workspace_url, "", is_own=False),
        *_tasks("At work", view.at_work, workspace_url, "Nothing of yours is at work."),
        *_ended(view, workspace_url),
        *_defaults(view),
        *_allowed(view),
    ]
    return {"type": "home", "blocks": blocks}


def _tasks(
    title: str, rows: Sequence[Row], workspace_url: str, none: str, *, is_own: bool = True
) -> list[Block]:
    if not rows:
        return [_header(title), context(none)] if none else []
    shown = [_task(row, workspace_url, is_own=is_own) for row in rows[:SHOWN]]
    more = [context("There are more: `/code list open` shows them.")] if len(rows) > SHOWN else []
    return [_header(title), *shown, *more]


def _task(row: Row, workspace_url: str, *, is_own: bool) -> Block:
    block = row_block(row, workspace_url, is_own=is_own)
    if is_own and row.task.status in {Status.QUEUED, Status.PREPARING, Status.RUNNING}:
        asked = confirm("Stop it?", "What was made so far is kept.", "Stop", "Let it work")
        block["accessory"] = button("Stop", "home_stop", row.task.id, confirm=asked)
    return block


def _ended(view: HomeView, workspace_url: str) -> list[Block]:
    if not view.ended and not view.offset:
        return [_header("Last results"), context("Nothing yet: mention me, or start here.")]
    rows = [row_block(row, workspace_url, is_own=True) for row in view.ended[:SHOWN]]
    pages = []
    if view.offset:
        pages.append(button("Newer", "home_newer", str(max(0, view.offset - SHOWN))))
    if len(view.ended) > SHOWN:
        pages.append(button("Older", "home_older", str(view.offset + SHOWN)))
    spent = [context(f"Spent today: {dollars(view.spent_today)}")] if view.spent_today else []
    return [_header("Last results"), *rows, *([actions(*pages)] if pages else []), *spent]


def _defaults(view: HomeView) -> list[Block]:
    own = view.defaults
    facts = [
        f"*Repository*: {code(own.repository) if own.repository else 'none of your own'}",
        f"*Model*: {code(own.model or view.model)}",
    ]
    blocks = [_header("Your defaults"), section("\n".join(facts))]
    return [*blocks, *_repositories(view)]


def _repositories(view: HomeView) -> list[Block]:
    if not view.repositories and not view.repositories_offset:
        return []
    names = [code(name, 80) for name in view.repositories[:SHOWN_REPOSITORIES]]
    offset, pages = view.repositories_offset, []
    if offset:
        before = str(max(0, offset - SHOWN_REPOSITORIES))
        pages.append(button("Previous", "home_repositories_previous", before))
    if len(view.repositories) > SHOWN_REPOSITORIES:
        after = str(offset + SHOWN_REPOSITORIES)
        pages.append(button("Next", "home_repositories_next", after))
    shown = section(" ".join(names)) if names else context("There are no more.")
    return [_header("Repositories you may use"), shown, *([actions(*pages)] if pages else [])]


def _allowed(view: HomeView) -> list[Block]:
    rows = []
    for setup in view.setups[:SHOWN]:
        at = f" · {moment(setup.settled_at)}" if setup.settled_at else ""
        row = section(f"Set-up script of {code(setup.repository)}{at}\n`{setup.sha256[:12]}`")
        asked = confirm("Take it back?", "The next run asks again.", "Take back", "Keep")
        row["accessory"] = button("Take back", "home_unallow", setup.id, confirm=asked)
        rows.append(row)
    for pull in view.mended[:SHOWN]:
        row = section(f"Mend #{pull.number} of {code(pull.repository)} unasked when checks fail")
        row["accessory"] = button("Take back", "home_unmend", pull.task_id)
        rows.append(row)
    return [_header("What you allowed always"), *rows] if rows else []


def _header(title: str) -> Block:
    return {"type": "header", "text": plain_text(title, 150)}
