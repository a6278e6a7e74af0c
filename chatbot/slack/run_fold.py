"""One run's part of the story, folded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatbot.models import Event
from chatbot.slack.patch_view import PatchView
from chatbot.slack.view import EnvironmentView, PlanItem, RefusalView, RunView, Step
from chatbot.story_fields import integer, mapping, number, sequence, string, strings

MAX_REFUSALS = 20
MAX_STEPS = 400
"""Steps kept in the view; the thread shows far fewer, the task page all."""


def fold_run(run: RunView, event: Event) -> RunView:
    payload = event.payload
    match event.kind:
        case "run_resolved":
            return replace(
                run,
                resolved=True,
                branch=string(payload, "branch") or None,
                base_commit=string(payload, "base_commit"),
            )
        case "run_preparing":
            return replace(run, prepared_at=event.at)
        case "run_requeued":
            return replace(run, prepared_at=None, started_at=None)
        case "setup_started":
            return replace(run, setting_up=string(payload, "path", 300) or "the tree")
        case "image_pulling":
            return replace(run, pulling=string(payload, "image", 200))
        case "setup_finished":
            return replace(run, setting_up="")
        case "environment":
            return replace(run, environment=_environment(payload))
        case "egress" if string(payload, "verdict") == "refused":
            return _refused(run, payload)
        case "question":
            return replace(run, is_asking=True)
        case "question_closed":
            return replace(run, is_asking=False)
        case "model_waiting":
            return replace(run, is_queued=True)
        case "model_fallback":
            told = f"{string(payload, 'brief', 200)} {string(payload, 'to', 100)} takes over."
            return replace(run, took_over=told.strip())
        case "budget_warning":
            used = f"{number(payload, 'used'):.0%} of {string(payload, 'name', 100)} is used."
            return replace(run, budgets=(*run.budgets, used)[-5:])
        case "redacted":
            return replace(run, hidden=True)
        case "source_notes":
            return replace(run, source_notes=strings(payload, "notes", 10))
        case "container_started" if string(payload, "phase") == "agent":
            return replace(run, started_at=event.at, setting_up="", pulling="")
        case "check_started":
            return replace(run, verifying=string(payload, "command", 300) or "the change")
        case "plan":
            return replace(run, plan=_plan(payload))
        case "step_started":
            return _step_started(run, payload)
        case "step_finished":
            return _step_finished(run, payload)
        case "note":
            return replace(run, note=string(payload, "text", 500))
        case "patch":
            return replace(run, patch=PatchView.from_payload(payload))
        case _:
            return _spent(run, payload)


def _environment(payload: dict[str, Any]) -> EnvironmentView:
    return EnvironmentView(
        state=string(payload, "state", 20), age_seconds=number(payload, "age_seconds")
    )


def _refused(run: RunView, payload: dict[str, Any]) -> RunView:
    """Once for each address, however often it was tried."""
    refusal = RefusalView(
        address=f"{string(payload, 'host', 200)}:{integer(payload, 'port')}",
        command=run.setting_up or _current_step(run),
        reason=string(payload, "reason", 300),
        allow=string(payload, "allow", 500),
    )
    known = {earlier.address for earlier in run.refusals}
    if refusal.address in known or len(known) >= MAX_REFUSALS:
        return run
    return replace(run, refusals=(*run.refusals, refusal))


def _current_step(run: RunView) -> str:
    going = [step.title for step in run.steps if step.status == "in_progress"]
    return going[-1] if going else "a command"


def _spent(run: RunView, payload: dict[str, Any]) -> RunView:
    """Any event may carry what a turn of the model used."""
    usage = mapping(payload, "usage")
    if not usage:
        return run
    tokens = run.tokens + integer(usage, "input_tokens") + integer(usage, "output_tokens")
    cost = run.cost_usd
    if "cost_usd" in payload and payload["cost_usd"] is not None:
        cost = (cost or 0.0) + number(payload, "cost_usd")
    return replace(run, tokens=tokens, cost_usd=cost, is_queued=False)


def _plan(payload: dict[str, Any]) -> tuple[PlanItem, ...]:
    items = []
    for index, item in enumerate(sequence(payload, "items")[:100]):
        if isinstance(item, dict):
            title = string(item, "title", 250) or f"Step {index + 1}"
            items.append(
                PlanItem(
                    id=string(item, "id", 100) or str(index),
                    title=title,
                    status=string(item, "status") or "pending",
                )
            )
    return tuple(items)


def _step_started(run: RunView, payload: dict[str, Any]) -> RunView:
    current = next((item.id for item in run.plan if item.status == "in_progress"), None)
    step = Step(
        id=string(payload, "step", 100),
        title=string(payload, "title", 250) or string(payload, "tool", 100) or "Step",
        details=string(payload, "details", 500),
        item=current,
    )
    steps = (*run.steps, step)
    dropped = max(0, len(steps) - MAX_STEPS)
    return replace(run, steps=steps[dropped:], earlier_steps=run.earlier_steps + dropped)


def _step_finished(run: RunView, payload: dict[str, Any]) -> RunView:
    step_id = string(payload, "step", 100)
    status = "error" if string(payload, "status") == "error" else "complete"
    for index in range(len(run.steps) - 1, -1, -1):
        step = run.steps[index]
        if step.id == step_id:
            done = replace(
                step,
                status=status,
                title=string(payload, "title", 250) or step.title,
                output=_last_line(string(payload, "output", 4000)),
            )
            return replace(run, steps=(*run.steps[:index], done, *run.steps[index + 1 :]))
    return run


def _last_line(text: str) -> str:
    """The line that most likely says how it went."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
