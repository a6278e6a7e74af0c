"""The gate's part of the story, folded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chatbot.models import Event
from chatbot.slack.view import GateView, TaskView
from chatbot.story_fields import integer, mapping, number, string


def fold_requested(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    gate = GateView(
        approval_id=string(payload, "approval_id"),
        run_id=string(payload, "run_id"),
        seq=event.seq,
        pull_number=integer(payload, "pull_number") or None,
        patch=view.patch,
        branch_only=payload.get("branch_only") is True,
        draft=payload.get("draft") is True,
        second_person=payload.get("second_person") is True,
        expires_at=number(payload, "expires_at"),
    )
    gate = _edited(gate, mapping(payload, "edits"))
    return replace(view, gates=(*close_gates(view).gates, gate))


def fold_edited(view: TaskView, payload: dict[str, Any]) -> TaskView:
    by = mapping(payload, "by")

    def edit(gate: GateView) -> GateView:
        return replace(
            _edited(gate, mapping(payload, "edits")),
            revision=integer(payload, "revision"),
            edited_by_id=string(by, "id", 100),
            edited_by_name=string(by, "name", 100),
        )

    return _with(view, payload, edit)


def fold_settled(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    by = mapping(payload, "by")
    state = string(payload, "state")

    def settle(gate: GateView) -> GateView:
        return replace(
            gate,
            state=state,
            by_id=string(by, "id", 100),
            by_name=string(by, "name", 100),
            settled_at=event.at,
            is_publishing=state == "approved",
            why=string(payload, "why", 40),
            can_ask_again=state == "expired",
        )

    return _with(view, payload, settle)


def close_gates(view: TaskView) -> TaskView:
    """Something newer began: what had expired is not asked again."""
    gates = tuple(replace(gate, can_ask_again=False) for gate in view.gates)
    return replace(view, gates=gates)


def _edited(gate: GateView, edits: dict[str, Any]) -> GateView:
    return replace(
        gate,
        title=string(edits, "title", 300),
        branch=string(edits, "branch", 200),
        has_body=isinstance(edits.get("body"), str),
        edited_draft=edits["draft"] if isinstance(edits.get("draft"), bool) else None,
    )


def _with(
    view: TaskView, payload: dict[str, Any], change: Callable[[GateView], GateView]
) -> TaskView:
    named = string(payload, "approval_id")
    gates = tuple(change(gate) if gate.approval_id == named else gate for gate in view.gates)
    return replace(view, gates=gates)
