"""How each of several attempts went, and which one it shall be; then the record of who chose."""

from __future__ import annotations

from chatbot.models import Task
from chatbot.slack.blocks.diff import totals
from chatbot.slack.blocks.elements import (
    Content,
    actions,
    button,
    confirm,
    context,
    fallback,
    section,
)
from chatbot.slack.blocks.result import MARKS
from chatbot.slack.blocks.text import (
    Block,
    clock,
    code,
    count,
    dollars,
    duration,
    escaped,
    person,
)
from chatbot.slack.view import AttemptsView, RunView

_DISCARD = confirm(
    "Take none of them?",
    "No pull request is opened. The patches stay on the task page, and a reply begins again.",
    "Take none",
    "Keep",
)
_ALONE = {
    "only": "Attempt {number} is the only one that came to a change, so I went on with it.",
    "same": "They came to the same change, so I went on with attempt {number}.",
}


def make_attempts(task: Task, told: AttemptsView) -> Content:
    blocks: list[Block] = [section(f"*{_headline(told)}*")]
    for run in told.attempts:
        blocks.append(section(_described(run, is_chosen=run.attempt == told.chosen)))
        if buttons := _buttons(task, told, run):
            blocks.append(actions(*buttons))
    if notes := _notes(told):
        blocks.append(context(*notes))
    if told.is_waiting:
        blocks.append(actions(button("None of them", "no_attempt", task.id, confirm=_DISCARD)))
    return Content(text=fallback(_headline(told)), blocks=tuple(blocks), simple=tuple(blocks))


def attempt_line(run: RunView) -> str:
    """How one went, in a line."""
    facts = [f"Attempt {run.attempt}: {_outcome(run)}"]
    if run.cost_usd:
        facts.append(dollars(run.cost_usd))
    return " · ".join(facts)


def _headline(told: AttemptsView) -> str:
    ended = count(len(told.attempts), "attempt")
    if told.is_waiting:
        return f"{ended} ended: which one shall it be?"
    return f"{ended} ended"


def _outcome(run: RunView) -> str:
    """In mrkdwn; every word may be the model's."""
    result = run.result
    if result is None:
        return "under way"
    if result.outcome == "patch":
        return totals(run.patch) if run.patch else "a change"
    if result.outcome == "failed":
        stage = f" at {code(result.stage)}" if result.stage else ""
        return f":x: failed{stage}: {escaped(result.brief, 200)}"
    return {"stopped": "stopped", "nothing": "changed nothing"}.get(result.outcome, "no change")


def _described(run: RunView, *, is_chosen: bool) -> str:
    result = run.result
    title = escaped(" ".join((result.title if result else "").split()), 150)
    head = f"*{run.attempt}*{f'  *{title}*' if title else ''}"
    lines = [f"{head} · chosen" if is_chosen else head]
    if result is not None and result.outcome == "patch":
        summary = escaped(" ".join(result.summary.split()), 240)
        lines += [summary] if summary and summary != title else []
        if result.verified.state:
            lines.append(f"{MARKS[result.verified.state]} {escaped(result.verified.headline, 200)}")
    facts = [_outcome(run)]
    if run.cost_usd:
        facts.append(dollars(run.cost_usd))
    if run.finished_at is not None and run.prepared_at is not None:
        facts.append(duration(run.finished_at - run.prepared_at))
    return "\n".join([*lines, " · ".join(facts)])


def _buttons(task: Task, told: AttemptsView, run: RunView) -> list[Block]:
    """To look at it, and to choose it, also in place of another, while nothing has followed."""
    if run.result is None or run.result.outcome != "patch" or run.patch is None:
        return []
    buttons = [button("Review", "review", run.id)]
    if told.is_open and run.attempt != told.chosen and told.why != "same":
        value = f"{task.id}:{run.attempt}"
        buttons.append(button(f"Choose {run.attempt}", f"choose_{run.attempt}", value))
    return buttons


def _notes(told: AttemptsView) -> list[str]:
    if told.is_waiting:
        held = {0: "A reply is kept", 1: "1 reply is kept"}.get(told.held)
        kept = held or f"{told.held} replies are kept"
        return [f"{kept}: the work goes on from the one you choose; a number alone chooses."]
    if told.is_discarded:
        who = person(told.by_id, told.by_name)
        return [f"None was taken: {who} · {clock(told.settled_at)}. The patches are kept."]
    if told.why in _ALONE:
        return [_ALONE[told.why].replace("{number}", str(told.chosen))]
    if not told.chosen:
        return ["None was chosen before the work began anew."]
    who = person(told.by_id, told.by_name)
    return [f"Attempt {told.chosen} was chosen by {who} · {clock(told.settled_at)}"]
