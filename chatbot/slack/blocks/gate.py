"""The gate before a pull request: who may pass, one decision, then the record of it."""

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
from chatbot.slack.blocks.text import (
    Block,
    clock,
    code,
    count,
    escaped,
    link,
    moment,
    person,
)
from chatbot.slack.view import GateView, PublishView

MAX_SENSITIVE = 10

_RECORDS = {
    "approved": "Approved by {who} · {at}",
    "discarded": "Discarded by {who} · {at}. The patch is kept.",
    "changes": "Changes requested by {who} · {at}",
    "expired": "Nobody decided in time, so nothing was opened. The patch is kept.",
    "void": "A newer request took this patch's place.",
}
_ALONE = {
    "verified": "Opened by itself: the change was verified and touches nothing sensitive · {at}",
    "autofix": "Updated by itself, as autofix is on · {at}",
    "attempt": "Another attempt was chosen · {at}",
}


def make_gate(task: Task, gate: GateView) -> Content:
    """The question with its buttons, or, once settled, the record of who and when."""
    if gate.state != "pending":
        return _record(gate)
    lines = [_question(task, gate), *_sensitive(gate)]
    value = f"{gate.approval_id}:{gate.revision}"
    buttons = actions(
        button(_label(gate), "open_pr", value, style="primary"),
        button("Edit", "edit_pr", value),
        button("Request changes", "request_changes", value),
        button("Discard", "discard", value, confirm=_DISCARD),
    )
    notes = [note for note in (_edits(gate), _until(gate)) if note]
    blocks = (section("\n".join(lines)), *([context(*notes)] if notes else []), buttons)
    return Content(text=fallback(_plain_question(task, gate)), blocks=blocks, simple=blocks)


def _label(gate: GateView) -> str:
    if gate.branch_only:
        return "Push branch"
    if gate.pull_number is not None:
        return "Update PR"
    return "Open PR as draft" if gate.is_draft else "Open PR"


def _edits(gate: GateView) -> str:
    """What a person wants otherwise than proposed."""
    told = [
        f"title “{escaped(gate.title, 300)}”" if gate.title else "",
        f"branch {code(gate.branch)}" if gate.branch else "",
        "another description" if gate.has_body else "",
    ]
    if gate.edited_draft is not None and gate.edited_draft != gate.draft:
        told.append("as a draft" if gate.edited_draft else "no draft")
    named = ", ".join(part for part in told if part)
    by = person(gate.edited_by_id, gate.edited_by_name) if gate.edited_by_id else ""
    return f"Edited{f' by {by}' if by else ''}: {named}" if named else ""


def _until(gate: GateView) -> str:
    return f"Expires {moment(gate.expires_at)}" if gate.expires_at > 0 else ""


_DISCARD = confirm(
    "Discard this patch?",
    "No pull request is opened. The patch stays on the task page.",
    "Discard",
    "Keep",
)


def _plain_question(task: Task, gate: GateView) -> str:
    where = task.source.repository
    what = totals(gate.patch)
    if gate.branch_only:
        return f"Push a branch to {where} with {what}?"
    if gate.pull_number is None:
        return f"Open a {'draft ' if gate.is_draft else ''}pull request in {where} with {what}?"
    return f"Update pull request #{gate.pull_number} in {where} with {what}?"


def _question(task: Task, gate: GateView) -> str:
    return f"*{escaped(_plain_question(task, gate), 500)}*"


def _sensitive(gate: GateView) -> list[str]:
    """Files whose change deserves a second look, by name, before anybody says yes."""
    files = gate.patch.sensitive
    if not files:
        return []
    named = ", ".join(code(file.path) for file in files[:MAX_SENSITIVE])
    more = len(files) - MAX_SENSITIVE
    rest = f" and {count(more, 'more file')}" if more > 0 else ""
    lines = [f":warning: It changes sensitive files: {named}{rest}"]
    if gate.second_person:
        lines.append("Somebody who did not ask for it has to approve.")
    return lines


def _record(gate: GateView) -> Content:
    template = _ALONE.get(gate.why) or _RECORDS.get(gate.state, "Settled · {at}")
    who = person(gate.by_id, gate.by_name)
    said = template.format(who=who, at=clock(gate.settled_at))
    if gate.is_publishing:
        said += " · opening the pull request…"
        if gate.is_followed:
            said += " What was said since begins the next run, right after."
    quoted = f"“{escaped(gate.words, 900)}”" if gate.words else ""
    blocks: tuple[Block, ...] = (context(said, quoted),)
    if gate.can_ask_again:
        blocks = (*blocks, actions(button("Ask again", "ask_again", gate.approval_id)))
    plain = template.format(who=gate.by_name, at="").replace(" · ", " ").strip()
    return Content(text=fallback(plain), blocks=blocks, simple=blocks)


def make_published(task: Task, published: PublishView) -> Content:
    verb = "Opened" if published.created else "Updated"
    name = f"{task.source.repository}#{published.number}"
    if not published.number:
        verb, name = "Pushed", f"{task.source.repository}: {published.branch}"
    blocks: tuple[Block, ...] = (section(f"{verb} {link(published.url, name)}"),)
    if published.notes:
        blocks = (*blocks, context(*(escaped(note, 300) for note in published.notes)))
    return Content(text=fallback(f"{verb} {name}"), blocks=blocks, simple=blocks)


def make_publish_failed(task: Task, failed: PublishView) -> Content:
    stage = f" at {code(failed.stage)}" if failed.stage else ""
    brief = escaped(failed.brief, 1200) or "The pull request could not be opened."
    lines = [f":x: *No pull request was opened*{stage}: {brief}"]
    if failed.resolution:
        lines.append(f"*Next:* {escaped(failed.resolution, 1200)}")
    blocks: tuple[Block, ...] = (section("\n".join(lines)),)
    if failed.can_update:
        blocks = (*blocks, actions(button("Update", "update_work", task.id, style="primary")))
    text = fallback(f"No pull request was opened: {failed.brief}")
    return Content(text=text, blocks=blocks, simple=blocks)
