"""The question before a repository's script runs as root, and the record of the answer."""

from __future__ import annotations

from chatbot.models import Task
from chatbot.slack.blocks.elements import (
    Content,
    actions,
    button,
    context,
    fallback,
    preformatted,
    rich,
    section,
)
from chatbot.slack.blocks.text import clock, code, count, cut, is_blank, person, visible
from chatbot.slack.view import SetupGateView

SHOWN_CHARACTERS = 6000
_RECORDS = {
    "approved": "{path} may run: approved by {who} · {at}",
    "skipped": "Going on without {path}: {who} · {at}",
    "void": "Nobody decided about {path} before the run ended.",
}


def make_setup_gate(task: Task, gate: SetupGateView, script: str) -> Content:
    """The script itself, or what changed in it, with its buttons; once settled, the record."""
    if gate.state != "pending":
        return _record(gate)
    blocks = [section(_question(task, gate))]
    if not is_blank(script):
        blocks.append(rich(preformatted(_shorten(script))))
    blocks.append(context(_reach(gate)))
    blocks.append(
        actions(
            button("Approve", "approve_setup", gate.approval_id, style="primary"),
            button("Skip", "skip_setup", gate.approval_id),
            button("Stop", "stop", task.id, style="danger"),
        )
    )
    text = f"May {gate.path} of {task.source.repository} run?"
    return Content(text=fallback(text), blocks=tuple(blocks), simple=tuple(blocks))


def _question(task: Task, gate: SetupGateView) -> str:
    what = "has changed since it was approved" if gate.previous_sha256 else "is new here"
    lines = f"{count(gate.lines, 'line')}"
    return (
        f":lock: *May {code(gate.path)} of {code(task.source.repository)} run?* "
        f"It {what} ({lines}), and would run as root in a container of its own, before the agent."
    )


_NETWORKS = {"packages": "the common package registries", "all": "the whole internet"}


def _reach(gate: SetupGateView) -> str:
    """What the approval gives away, besides a container."""
    network = ", ".join(_NETWORKS.get(word) or code(word, 60) for word in gate.network)
    secrets = ", ".join(code(name, 60) for name in gate.secrets)
    given = f", and is given {secrets}" if secrets else ""
    return (
        f"It may reach {network or 'nothing'}{given}. An approval holds for this exact text in "
        "this repository, with whatever the script calls; *Skip* goes on without it."
    )


def _shorten(script: str) -> str:
    lines = [cut(line, 300) for line in visible(script).rstrip("\n").split("\n")]
    kept: list[str] = []
    left = SHOWN_CHARACTERS
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    if rest := len(lines) - len(kept):
        kept.append(f"… {count(rest, 'more line')}: see the task page before you decide")
    return "\n".join(kept)


def _record(gate: SetupGateView) -> Content:
    template = _RECORDS.get(gate.state, "Settled: {path}")
    path, who, at = code(gate.path), person(gate.by_id, gate.by_name), clock(gate.settled_at)
    blocks = (context(template.format(path=path, who=who, at=at)),)
    plain = template.format(path=gate.path, who=gate.by_name, at="").replace(" · ", " ").strip()
    return Content(text=fallback(plain), blocks=blocks, simple=blocks)
