"""One event of a task's story as one line for people: the task page and the command line share it.

Payloads hold what containers, models and strangers wrote, so every word is made harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbot.harmless import LINE_CHARACTERS, counted, one_line, seconds_text
from chatbot.models import Event
from chatbot.story_fields import integer, mapping, number, sequence, string, strings

SHORT_STEP_SECONDS = 1.0
"""A step that took less is told once, by its start."""


def describe(event: Event) -> str | None:
    """The line, or None for what is not worth one."""
    tell = _LINES.get(event.kind)
    return None if tell is None else tell(event.payload) or None


Payload = dict[str, Any]


def _words(payload: Payload, name: str, limit: int = LINE_CHARACTERS) -> str:
    return one_line(string(payload, name, limit * 8), limit)


def _who(payload: Payload, name: str = "by") -> str:
    return _words(mapping(payload, name), "name", 60) or "Somebody"


def _task_created(payload: Payload) -> str:
    return f"{_who(payload, 'author')} asked: {_words(payload, 'request')}"


def _given(payload: Payload) -> str:
    items = [item for item in sequence(payload, "items")[:10] if isinstance(item, dict)]
    told = [
        f"{_words(item, 'name', 60)} ({_words(item, 'note', 100)})"
        if item.get("note")
        else _words(item, "name", 60)
        for item in items
    ]
    return f"Given along: {', '.join(told)}" if told else ""


def _stop_requested(payload: Payload) -> str:
    match string(payload, "why"):
        case "deleted":
            return f"{_who(payload)} deleted the request: stopping"
        case "edited":
            return f"{_who(payload)} edited the request: it begins anew"
        case _:
            return f"{_who(payload)} asked to stop"


def _run_queued(payload: Payload) -> str:
    ahead = integer(payload, "position")
    behind = f", behind {counted(ahead, 'other')}" if ahead > 0 else ""
    run = integer(payload, "number")
    if attempt := integer(payload, "attempt"):
        return f"Attempt {attempt} of {integer(payload, 'attempts')} queued{behind}"
    return f"Queued{behind}" if run <= 1 else f"Run {run} queued{behind}"


def _run_resolved(payload: Payload) -> str:
    place = _words(payload, "repository", 100)
    branch = _words(payload, "branch", 100)
    commit = _words(payload, "base_commit", 100)[:10]
    return f"Working on {place}{f', branch {branch},' if branch else ''} at {commit}"


def _setup_started(payload: Payload) -> str:
    path = _words(payload, "path", 100)
    if not path:
        return "Preparing an environment"
    reach = ", ".join(one_line(word, 60) for word in strings(payload, "network", 5))
    return f"Set-up started: {path}; it may reach {reach or 'nothing'}"


def _setup_requested(payload: Payload) -> str:
    changed = "has changed" if payload.get("previous_sha256") else "is new"
    return f"{_words(payload, 'path', 100)} {changed}: may it run?"


_SETUP_SETTLED = {
    "approved": "{who} approved the set-up script",
    "skipped": "{who} said to go on without the set-up script",
    "void": "Nobody decided about the set-up script before the run ended",
}


def _environment(payload: Payload) -> str:
    match payload.get("state"):
        case "hit":
            return f"The environment is {seconds_text(number(payload, 'age_seconds'))} old"
        case "miss":
            return "There is no environment yet: it is built now"
        case "building":
            return "Another task builds the environment: waiting for it"
        case _:
            return ""


def _egress(payload: Payload) -> str:
    address = f"{_words(payload, 'host', 100)}:{integer(payload, 'port')}"
    match payload.get("verdict"):
        case "refused":
            allow = _words(payload, "allow", 150)
            hint = f"; to allow it: {allow}" if allow else ""
            return f"Refused to reach {address}: {_words(payload, 'reason', 120)}{hint}"
        case "failed":
            return f"Could not reach {address}: {_words(payload, 'reason', 120)}"
        case _:
            received = integer(payload, "received")
            return f"Reached {address}, {integer(payload, 'sent')} out, {received} bytes in"


def _setup_finished(payload: Payload) -> str:
    took = seconds_text(number(payload, "seconds"))
    code = integer(payload, "exit_code")
    return f"Set-up finished in {took}" if code == 0 else f"Set-up failed with exit code {code}"


def _container_started(payload: Payload) -> str:
    if payload.get("phase") != "agent":
        return ""
    begun = "The container had stayed" if payload.get("warm") is True else "Container started"
    return f"{begun}; {_words(payload, 'agent', 40) or 'the agent'} is at work"


def _check_finished(payload: Payload) -> str:
    code = payload.get("exit_code")
    ended = "its time was up" if code is None else f"exit {code}"
    said = _words(payload, "summary", 100) or ended
    mark = "✓" if code == 0 else "✗"
    return f"{mark} In a clean container: {_words(payload, 'command', 100)}: {said}"


def _turn(payload: Payload) -> str:
    text = _words(payload, "text")
    return f"The model: {text}" if text else ""


def _plan(payload: Payload) -> str:
    items = [item for item in sequence(payload, "items") if isinstance(item, dict)]
    done = sum(item.get("status") == "complete" for item in items)
    now = next((_words(i, "title", 100) for i in items if i.get("status") == "in_progress"), "")
    line = f"Plan: {done} of {len(items)} done"
    return f"{line}; now: {now}" if now else line


def _step_started(payload: Payload) -> str:
    title = _words(payload, "title", 120) or _words(payload, "tool", 120)
    details = _words(payload, "details", 120)
    return f"{title}: {details}" if details and details not in title else title


def _step_finished(payload: Payload) -> str:
    took = number(payload, "seconds")
    failed = payload.get("status") == "error"
    if not failed and took < SHORT_STEP_SECONDS:
        return ""
    title = _words(payload, "title", 120) or "Step"
    return f"{'✗' if failed else '✓'} {title} ({seconds_text(took)})"


def _note(payload: Payload) -> str:
    return _words(payload, "text")


def _patch(payload: Payload) -> str:
    return f"Patch: {patch_totals(payload)}"


def patch_totals(payload: Payload) -> str:
    """What a patch does, in numbers."""
    files = len(sequence(payload, "files"))
    if files == 0:
        return "no change"
    added, removed = integer(payload, "added"), integer(payload, "removed")
    return f"{counted(files, 'file')}, +{added} −{removed}"


def _message_received(payload: Payload) -> str:
    return f"{_who(payload, 'author')}: {_words(payload, 'text')}"


def _message_delivered(payload: Payload) -> str:
    return f"The agent has heard {counted(len(sequence(payload, 'message_ids')), 'message')}"


def _run_finished(payload: Payload) -> str:
    title = _words(payload, "title", 120)
    match payload.get("outcome"):
        case "failed":
            return _failure("Failed", payload)
        case "stopped":
            return "Stopped"
        case "nothing":
            return "Finished; nothing was changed"
        case "findings":
            return f"Finished with {counted(len(sequence(payload, 'findings')), 'finding')}"
        case "answer":
            return "Finished with an answer"
        case _:
            return f"Finished: {title}" if title else "Finished"


_ATTEMPTS_ENDED = {
    "choose": "All attempts have ended: one is to be chosen",
    "none": "All attempts have ended; none came to a change",
}
_CHOSEN = {
    "only": "Attempt {number} is the only one with a change: it was chosen by itself",
    "same": "All came to the same change: attempt {number} was chosen by itself",
}


def _attempt_chosen(payload: Payload) -> str:
    template = _CHOSEN.get(string(payload, "why"), "{who} chose attempt {number}")
    number = str(integer(payload, "attempt"))
    return template.replace("{number}", number).replace("{who}", _who(payload))


def _failure(word: str, payload: Payload) -> str:
    stage, brief = _words(payload, "stage", 40), _words(payload, "brief")
    resolution = _words(payload, "resolution")
    line = f"{word} at {stage}: {brief}" if stage else f"{word}: {brief}"
    return f"{line} {resolution}" if resolution else line


_SETTLED = {
    "approved": "Approved by {who}",
    "discarded": "Discarded by {who}",
    "changes": "{who} asked for changes",
    "void": "The patch is no longer up for approval: new work began",
    "expired": "Nobody decided in time",
}


_ALONE = {
    "verified": "Let through by itself: verified, and nothing sensitive was touched",
    "autofix": "Let through by itself: autofix is on",
    "attempt": "No longer up for approval: another attempt was chosen",
}


def _approval_settled(payload: Payload) -> str:
    if (why := string(payload, "why")) in _ALONE:
        return _ALONE[why]
    state = string(payload, "state")
    return _SETTLED.get(state, "").replace("{who}", _who(payload))


def _published(payload: Payload) -> str:
    verb = "updated" if payload.get("created") is False else "opened"
    if not integer(payload, "number"):
        return f"Branch pushed: {_words(payload, 'branch')}"
    return f"Pull request #{integer(payload, 'number')} {verb}: {_words(payload, 'url')}"


def _feedback(payload: Payload) -> str:
    parts = []
    if checks := sequence(payload, "checks"):
        parts.append(f"{counted(len(checks), 'check')} failed")
    if remarks := sequence(payload, "remarks"):
        parts.append(counted(len(remarks), "remark"))
    if payload.get("conflict") is True:
        parts.append("a conflict with its base branch")
    return f"Pull request #{integer(payload, 'number')}: {', '.join(parts) or 'nothing new'}"


def _repository_suggested(payload: Payload) -> str:
    name = _words(payload, "repository", 100)
    return f"The model suggests {name}" if name else "The model does not know which one is meant"


_LINES: dict[str, Callable[[Payload], str]] = {
    "task_created": _task_created,
    "given": _given,
    "change_asked": lambda payload: (
        f"{_who(payload)} asked to work in {_words(payload, 'repository', 100)}"
    ),
    "task_changed": lambda payload: (
        f"Begun anew, as {_who(payload)} wished, in {_words(payload, 'repository', 100)},"
        f" {_words(payload, 'mode', 20)}, {_words(payload, 'model', 100)}"
    ),
    "repository_asked": lambda payload: (
        f"{_who(payload)} asked again: {_words(payload, 'question')}"
        if payload.get("by")
        else f"Asked: {_words(payload, 'question')}"
    ),
    "repository_suggested": _repository_suggested,
    "repository_unanswered": lambda _: "Nobody said in time which repository it is",
    "source_named": lambda payload: (
        f"{_who(payload)} named the repository: {_words(payload, 'repository', 100)}"
        if payload.get("by")
        else f"Repository named: {_words(payload, 'repository', 100)}"
    ),
    "run_queued": _run_queued,
    "run_resolved": _run_resolved,
    "run_preparing": lambda _: "Preparing the workspace",
    "run_adopted": lambda _: "Went on after a restart of Threadsmith",
    "run_requeued": lambda _: "Begun again after a restart of Threadsmith",
    "source_notes": lambda payload: " ".join(
        one_line(note) for note in strings(payload, "notes", 10)
    ),
    "setup_approval_requested": _setup_requested,
    "setup_approval_settled": lambda payload: _SETUP_SETTLED.get(
        string(payload, "state"), ""
    ).replace("{who}", _who(payload)),
    "setup_approval_revoked": lambda payload: (
        f"{_who(payload)} took back that the set-up script may run unasked"
    ),
    "muted": lambda payload: f"{_who(payload)} muted Threadsmith in the thread",
    "unmuted": lambda payload: f"{_who(payload)} let Threadsmith listen in the thread again",
    "setup_allowed": lambda payload: (
        f"{_words(payload, 'path', 100)} may run: {_who(payload)} approved it before"
    ),
    "environment": _environment,
    "image_pulling": lambda payload: f"Pulling the image {_words(payload, 'image', 150)}",
    "egress": _egress,
    "redacted": lambda _: "Something that looked like a secret was hidden",
    "setup_started": _setup_started,
    "setup_finished": _setup_finished,
    "container_started": _container_started,
    "turn": _turn,
    "plan": _plan,
    "step_started": _step_started,
    "step_finished": _step_finished,
    "note": _note,
    "question": lambda payload: f"The agent asks: {_words(payload, 'question')}",
    "question_closed": lambda payload: (
        "" if payload.get("answered") is True else "Nobody answered in time"
    ),
    "context_cleared": lambda payload: (
        f"Results of the first {counted(integer(payload, 'turns'), 'turn')} were cleared,"
        " so that the conversation fits the model"
    ),
    "context_summed": lambda payload: (
        f"The first {counted(integer(payload, 'turns'), 'turn')} were summed up,"
        " so that the conversation fits the model"
    ),
    "model_waiting": lambda payload: (
        f"Waiting for a turn at {_words(payload, 'model', 100)}: requests are kept within its rates"
    ),
    "model_fallback": lambda payload: (
        f"{_words(payload, 'brief', 200)} {_words(payload, 'to', 100)} takes over"
    ),
    "budget_warning": lambda payload: (
        f"{number(payload, 'used'):.0%} of {_words(payload, 'name', 100)} is used"
    ),
    "check_started": lambda payload: (
        f"Verifying in a clean container: {_words(payload, 'command', 120)}"
    ),
    "check_finished": _check_finished,
    "patch": _patch,
    "message_received": _message_received,
    "message_delivered": _message_delivered,
    "request_edited": lambda payload: f"{_who(payload)} edited the request",
    "message_edited": lambda payload: (
        f"{_who(payload)} {'edited' if string(payload, 'text') else 'deleted'} a message"
    ),
    "stop_requested": _stop_requested,
    "run_finished": _run_finished,
    "attempts_ended": lambda payload: _ATTEMPTS_ENDED.get(string(payload, "state"), ""),
    "attempt_chosen": _attempt_chosen,
    "attempts_discarded": lambda payload: f"{_who(payload)} took none of the attempts",
    "approval_requested": lambda payload: (
        f"{_who(payload)} asked again: the patch waits for approval"
        if payload.get("by")
        else "The patch waits for approval"
    ),
    "approval_edited": lambda payload: (
        f"{_who(payload)} edited {', '.join(sorted(mapping(payload, 'edits'))) or 'it back'}"
    ),
    "approval_settled": _approval_settled,
    "publish_step": lambda payload: (
        f"Publishing, {_words(payload, 'step', 60)}: {_words(payload, 'result', 120)}"
    ),
    "published": _published,
    "feedback": _feedback,
    "fix_asked": lambda payload: f"{_who(payload)} asked to fix it",
    "autofix_set": lambda payload: (
        f"{_who(payload)} switched autofix {'on' if payload.get('on') else 'off'}"
    ),
    "update_asked": lambda payload: (
        f"{_who(payload)} asked to bring it up to {_words(payload, 'onto', 60)}"
    ),
    "pull_ended": lambda payload: (
        f"Pull request #{integer(payload, 'number')} {_words(payload, 'state', 20)}"
    ),
    "publish_failed": lambda payload: _failure("Publishing failed", payload),
    "task_expired": lambda _: "Closed, as nobody decided in time; the patch is kept",
}
