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
    plain_text,
    section,
)
from chatbot.slack.blocks.text import Block, clock, code, count, escaped, link, person
from chatbot.slack.view import GateView, PublishView

MAX_SENSITIVE = 10
CHANGES_VIEW = "changes"
CHANGES_BLOCK = "changes"
CHANGES_INPUT = "words"

_RECORDS = {
    "approved": "Approved by {who} · {at}",
    "discarded": "Discarded by {who} · {at}. The patch is kept.",
    "changes": "Changes requested by {who} · {at}",
    "expired": "Nobody decided in time, so nothing was opened. The patch is kept.",
    "void": "A newer request took this patch's place.",
}


def make_gate(task: Task, gate: GateView) -> Content:
    """The question with its buttons, or, once settled, the record of who and when."""
    if gate.state != "pending":
        return _record(gate)
    question = _question(task, gate)
    lines = [question, *_sensitive(gate)]
    if gate.branch_only:
        label = "Push branch"
    else:
        label = "Open PR" if gate.pull_number is None else "Update PR"
    buttons = actions(
        button(label, "open_pr", gate.approval_id, style="primary"),
        button("Request changes", "request_changes", gate.approval_id),
        button("Discard", "discard", gate.approval_id, confirm=_DISCARD),
    )
    blocks = (section("\n".join(lines)), buttons)
    return Content(text=fallback(_plain_question(task, gate)), blocks=blocks, simple=blocks)


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
        return f"Open a {'draft ' if gate.draft else ''}pull request in {where} with {what}?"
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
    template = _RECORDS.get(gate.state, "Settled · {at}")
    who = person(gate.by_id, gate.by_name)
    said = template.format(who=who, at=clock(gate.settled_at))
    if gate.is_publishing:
        said += " · opening the pull request…"
    quoted = f"“{escaped(gate.words, 900)}”" if gate.words else ""
    blocks = (context(said, quoted),)
    plain = template.format(who=gate.by_name, at="").replace(" · ", " ").strip()
    return Content(text=fallback(plain), blocks=blocks, simple=blocks)


def make_published(task: Task, published: PublishView) -> Content:
    verb = "Opened" if published.created else "Updated"
    name = f"{task.source.repository}#{published.number}"
    if not published.number:
        verb, name = "Pushed", f"{task.source.repository}: {published.branch}"
    blocks = (section(f"{verb} {link(published.url, name)}"),)
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


def make_changes_modal(approval_id: str) -> Block:
    """Where a person says what to do differently."""
    return {
        "type": "modal",
        "callback_id": CHANGES_VIEW,
        "private_metadata": approval_id,
        "title": plain_text("Request changes", 24),
        "submit": plain_text("Send", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": CHANGES_BLOCK,
                "label": plain_text("What should be different?", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": CHANGES_INPUT,
                    "multiline": True,
                    "max_length": 3000,
                },
            }
        ],
    }
