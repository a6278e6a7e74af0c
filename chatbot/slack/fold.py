"""The story of a task, folded into what the thread has to show; whatever the payloads hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatbot.cited import read_places
from chatbot.models import STEERED, Event
from chatbot.slack.attempt_fold import (
    REACTIONS,
    begin_attempt,
    fold_attempts_ended,
    fold_chosen,
    fold_discarded,
    hold_reply,
    set_open,
)
from chatbot.slack.feedback_fold import fold_ended, fold_feedback, fold_fix
from chatbot.slack.gate_fold import close_gates, fold_edited, fold_requested, fold_settled
from chatbot.slack.patch_view import PatchView
from chatbot.slack.pick_fold import (
    fold_asked,
    fold_change_asked,
    fold_changed,
    fold_named,
    fold_suggested,
    fold_unanswered,
)
from chatbot.slack.question_fold import close_questions, fold_answer, fold_closed, fold_question
from chatbot.slack.run_fold import fold_run
from chatbot.slack.view import (
    PublishView,
    ReplyView,
    Result,
    RunView,
    SetupGateView,
    TaskView,
)
from chatbot.story_fields import integer, mapping, sequence, string, strings
from chatbot.verified import read_verified

MAX_STEERED = 3
_UNSEEN = (f"{STEERED}:", "edit:", "delete:")
"""Keys of what was said to a run by a button, or by changing a message: no new one shows it."""


def fold(view: TaskView, event: Event) -> TaskView:
    """One more event of the story."""
    view = replace(view, seq=event.seq, at=event.at)
    payload = event.payload
    match event.kind:
        case "task_created":
            return replace(view, told=strings(payload, "notes", 10))
        case "repository_asked":
            return fold_asked(view, event)
        case "repository_suggested":
            return fold_suggested(view, event)
        case "repository_unanswered":
            return fold_unanswered(view)
        case "change_asked":
            return fold_change_asked(view, event)
        case "task_changed":
            return fold_changed(view, event)
        case "source_named":
            return fold_named(view, event)
        case "run_queued":
            return _run_queued(view, event)
        case "message_received":
            return _message_received(fold_answer(view, payload), payload)
        case "message_delivered":
            return _message_delivered(view, payload)
        case "stop_requested":
            return _stop_requested(view, payload)
        case "run_finished":
            return _run_finished(close_questions(view), event)
        case "attempts_ended":
            return fold_attempts_ended(view, event)
        case "attempt_chosen":
            return _done_at_once(fold_chosen(view, event), payload)
        case "attempts_discarded":
            return fold_discarded(view, event)
        case "setup_approval_requested":
            return _setup_requested(view, event)
        case "setup_approval_settled":
            return _setup_settled(view, event)
        case "approval_requested":
            return fold_requested(view, event)
        case "approval_edited":
            return fold_edited(view, payload)
        case "approval_settled":
            # Before it is published the newest patch may still be another attempt's.
            is_approved = string(payload, "state") == "approved"
            return fold_settled(set_open(view, is_open=False) if is_approved else view, event)
        case "question":
            return fold_question(view, event)
        case "question_closed":
            return fold_closed(view, event)
        case "feedback":
            return fold_feedback(view, event)
        case "fix_asked":
            return fold_fix(view, event)
        case "pull_ended":
            return fold_ended(view, event)
        case "autofix_set":
            return _done_at_once(view, payload)
        case "publish_step" if payload.get("step") == "note":
            # A step that is repeated says it again.
            said = dict.fromkeys([*view.notes, string(payload, "result", 300)])
            return replace(view, notes=tuple(said)[-5:])
        case "published" | "publish_failed":
            return _publishing_ended(view, event)
        case _:
            run_id = string(payload, "run_id")
            runs = tuple(fold_run(run, event) if run.id == run_id else run for run in view.runs)
            if event.kind == "patch":
                return replace(view, runs=runs, patch=PatchView.from_payload(payload))
            return replace(view, runs=runs)


def _run_queued(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    run = RunView(
        id=string(payload, "run_id"),
        number=integer(payload, "number"),
        seq=event.seq,
        position=integer(payload, "position"),
        told=() if view.begun or (view.pick and not view.runs) else view.told,
        steered=view.steered,
        is_anew=view.is_changed,
    )
    run = begin_attempt(view, run, event)
    view = set_open(view, is_open=False)
    # Everything said and not yet heard goes into the next run.
    replies = tuple(
        replace(reply, run_id=run.id) if reply.run_id is None else reply for reply in view.replies
    )
    return replace(
        close_gates(view), runs=(*view.runs, run), replies=replies, steered=(), is_changed=False
    )


def _message_received(view: TaskView, payload: dict[str, Any]) -> TaskView:
    if view.gates and view.gates[-1].is_publishing:
        newest = replace(view.gates[-1], is_followed=True)
        view = replace(view, gates=(*view.gates[:-1], newest))
    view = hold_reply(view)
    ts = slack_ts(string(payload, "key"))
    if ts is not None:
        reply = ReplyView(ts=ts, message_id=integer(payload, "message_id"))
        return replace(view, replies=(*view.replies, reply))
    if view.gates and view.gates[-1].state == "changes" and not view.gates[-1].words:
        gate = replace(view.gates[-1], words=string(payload, "text", 1000))
        return replace(view, gates=(*view.gates[:-1], gate))
    if string(payload, "key").startswith(_UNSEEN) and view.runs:
        return _steered(view, payload)
    return view


def _steered(view: TaskView, payload: dict[str, Any]) -> TaskView:
    newest = view.runs[-1]
    if newest.result is not None:
        # It begins the next run, which is queued right after.
        return replace(view, steered=(_quoted(payload),))
    steered = (*newest.steered, _quoted(payload))[-MAX_STEERED:]
    return replace(view, runs=(*view.runs[:-1], replace(newest, steered=steered)))


def _quoted(payload: dict[str, Any]) -> str:
    name = string(mapping(payload, "author"), "name", 100)
    return f"{name}: {string(payload, 'text', 300)}"


def _message_delivered(view: TaskView, payload: dict[str, Any]) -> TaskView:
    heard = set(sequence(payload, "message_ids"))
    run_id = string(payload, "run_id")
    replies = tuple(
        replace(reply, run_id=run_id) if reply.message_id in heard else reply
        for reply in view.replies
    )
    return replace(view, replies=replies)


def _stop_requested(view: TaskView, payload: dict[str, Any]) -> TaskView:
    run_id, why = string(payload, "run_id"), string(payload, "why", 100)
    runs = tuple(
        replace(run, stopping=True, stopped_for=run.stopped_for or why) if run.id == run_id else run
        for run in view.runs
    )
    ts = slack_ts(string(payload, "key"))
    if ts is None:
        return replace(view, runs=runs)
    # A stop is heard at once; its number is none, as it is never given to the model.
    stop = ReplyView(ts=ts, message_id=0, run_id=run_id)
    return replace(view, runs=runs, replies=(*view.replies, stop))


def _run_finished(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    run_id = string(payload, "run_id")
    outcome = string(payload, "outcome")
    findings = tuple(item for item in sequence(payload, "findings") if isinstance(item, dict))
    result = Result(
        outcome=outcome,
        title=string(payload, "title", 300),
        summary=string(payload, "summary", 8000),
        claimed=string(payload, "claimed", 4000),
        verified=read_verified(payload),
        answer=string(payload, "answer", 100_000),
        findings=findings[:100],
        places=read_places(payload),
        patch_sha256=string(payload, "patch_sha256") or None,
        stage=string(payload, "stage", 100),
        brief=string(payload, "brief", 1500),
        resolution=string(payload, "resolution", 1500),
    )
    runs = tuple(
        replace(run, result=result, finished_at=event.at, finished_seq=event.seq)
        if run.id == run_id
        else run
        for run in view.runs
    )
    reaction = REACTIONS.get(outcome, "white_check_mark")
    if view.pick is not None and not view.pick.repository:
        # Nothing failed: the question stands.
        return replace(view, runs=runs)
    replies = tuple(_answered(reply, run_id, reaction) for reply in view.replies)
    beginnings = [run for run in view.begun if run.is_anew] or list(view.begun[:1])
    # Of several attempts no single one's end is the request's.
    is_attempt = any(run.id == run_id and run.attempt for run in runs)
    first = bool(beginnings) and beginnings[-1].id == run_id and not is_attempt
    return replace(view, runs=runs, replies=replies, reaction=reaction if first else view.reaction)


def _answered(reply: ReplyView, run_id: str, reaction: str) -> ReplyView:
    if reply.run_id != run_id:
        return reply
    # Whoever said stop got what they asked for.
    return replace(reply, reaction=reaction if reply.message_id else "white_check_mark")


def _done_at_once(view: TaskView, payload: dict[str, Any]) -> TaskView:
    """A message that was no work: it is never given to the model."""
    ts = slack_ts(string(payload, "key"))
    if ts is None:
        return view
    reply = ReplyView(ts=ts, message_id=0, run_id="", reaction="white_check_mark")
    return replace(view, replies=(*view.replies, reply))


def _setup_requested(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    gate = SetupGateView(
        approval_id=string(payload, "approval_id"),
        run_id=string(payload, "run_id"),
        seq=event.seq,
        path=string(payload, "path", 300),
        sha256=string(payload, "sha256"),
        previous_sha256=string(payload, "previous_sha256"),
        lines=integer(payload, "lines"),
        network=strings(payload, "network", 20),
        secrets=strings(payload, "secrets", 20),
    )
    runs = tuple(
        replace(run, waits_for=gate.path) if run.id == gate.run_id else run for run in view.runs
    )
    return replace(view, runs=runs, setup_gates=(*view.setup_gates, gate))


def _setup_settled(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    by = mapping(payload, "by")

    def settle(gate: SetupGateView) -> SetupGateView:
        if gate.approval_id != string(payload, "approval_id"):
            return gate
        return replace(
            gate,
            state=string(payload, "state"),
            by_id=string(by, "id", 100),
            by_name=string(by, "name", 100),
            settled_at=event.at,
        )

    run_id = string(payload, "run_id")
    runs = tuple(replace(run, waits_for="") if run.id == run_id else run for run in view.runs)
    gates = tuple(settle(gate) for gate in view.setup_gates)
    return replace(view, runs=runs, setup_gates=gates)


def _publishing_ended(view: TaskView, event: Event) -> TaskView:
    payload = event.payload
    ended = PublishView(
        seq=event.seq,
        is_failure=event.kind == "publish_failed",
        branch=string(payload, "branch", 300),
        can_update=payload.get("code") == "base_moved",
        notes=view.notes,
        number=integer(payload, "number"),
        url=string(payload, "url", 2000),
        created=payload.get("created") is not False,
        stage=string(payload, "stage", 100),
        brief=string(payload, "brief", 1500),
        resolution=string(payload, "resolution", 1500),
    )
    gates = tuple(replace(gate, is_publishing=False) for gate in view.gates)
    return replace(view, gates=gates, publishings=(*view.publishings, ended), notes=())


def slack_ts(key: str) -> str | None:
    """The message a key of ours names: `slack:<team>:<channel>:<ts>`."""
    parts = key.split(":")
    return parts[3] if len(parts) == 4 and parts[0] == "slack" and "." in parts[3] else None
