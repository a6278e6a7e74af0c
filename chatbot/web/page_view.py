"""A task and its story -> what its page shows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from chatbot.cited import Places, read_places
from chatbot.harmless import counted, one_line, seconds_text, visible
from chatbot.models import FINAL, Event, Run, Task, shown_model
from chatbot.report import (
    find_ending,
    find_error,
    find_patch_event,
    make_attempts,
    make_timings,
    make_usage,
)
from chatbot.story import describe, patch_totals
from chatbot.story_fields import integer, sequence, string
from chatbot.verified import Verified, read_verified

MAX_LINES = 400
"""Of the timeline; a story may have many thousand events."""
MAX_FINDINGS = 100
PLAN_MARKS = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}

_TONES = {
    "failed": "bad",
    "publish_failed": "bad",
    "published": "good",
    "approval_requested": "ask",
    "approval_settled": "ask",
    "message_received": "said",
    "task_created": "said",
    "stop_requested": "said",
    "turn": "model",
    "note": "model",
}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline."""

    at: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    severity: str
    place: str
    url: str
    title: str
    detail: Markup
    suggestion: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    number: int
    attempt: int | None
    request: str
    author: str
    state: str
    took: str
    title: str
    summary: Markup
    claimed: str
    answer: Markup
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one of several went."""

    number: int
    is_chosen: bool
    title: str
    state: str
    """What it came to, or why to nothing."""
    verified: Verified
    cost: str
    took: str
    has_patch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Everything the page says, except the diff."""

    title: str
    status: str
    is_final: bool
    seq: int
    facts: tuple[Fact, ...]
    timings: tuple[Fact, ...]
    summary: Markup
    claimed: str
    verified: Verified
    error: dict[str, Any] | None
    plan: tuple[tuple[str, str, str], ...]
    """Of the newest run: mark, status, title."""
    attempts: tuple[Attempt, ...]
    """Where the request was tried several times."""
    runs: tuple[RunView, ...]
    lines: tuple[Line, ...]
    lines_left_out: int
    pull_url: str
    pull_label: str
    patch_sha256: str
    patch_totals: str
    sensitive: frozenset[str]


def make_page(
    task: Task,
    runs: Sequence[Run],
    events: Sequence[Event],
    markdown: Callable[[str], Markup],
) -> TaskPage:
    ended = {e.payload.get("run_id"): e.payload for e in events if e.kind == "run_finished"}
    newest = find_ending(events)
    told = [(event, text) for event in events if (text := describe(event))]
    patch = find_patch_event(task, events)
    pull = task.pull_request
    error = find_error(events)
    # What is said in red above need not be said again.
    summary = "" if error and error["brief"] == task.summary else task.summary
    return TaskPage(
        title=one_line(task.title) or "Task",
        status=task.status.value,
        is_final=task.status in FINAL,
        seq=events[-1].seq if events else 0,
        facts=_facts(task, events),
        timings=_timings(task, events),
        summary=markdown(summary),
        claimed=_prose(newest, "claimed"),
        verified=read_verified(newest),
        error=error,
        plan=_plan(runs, events),
        attempts=tuple(_attempt(told) for told in make_attempts(events)),
        runs=tuple(_run(run, ended.get(run.id), markdown) for run in reversed(runs)),
        lines=tuple(_line(task, event, text) for event, text in told[-MAX_LINES:]),
        lines_left_out=max(0, len(told) - MAX_LINES),
        # Only what a browser may be sent to; the address is the forge's word.
        pull_url=pull.url if pull and pull.url.startswith(("https://", "http://")) else "",
        pull_label=f"Pull request #{pull.number}" if pull else "",
        patch_sha256=task.patch_sha256 or "",
        patch_totals=patch_totals(patch.payload) if patch else "",
        sensitive=_sensitive(patch),
    )


def at_text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _facts(task: Task, events: Sequence[Event]) -> tuple[Fact, ...]:
    usage = make_usage(events)
    facts = [
        Fact("Repository", task.source.repository or "not named", is_code=True),
        Fact("Branch", task.branch or "", is_code=True),
        Fact("Base commit", (task.base_commit or "")[:12], is_code=True),
        Fact("Mode", task.mode),
        Fact("Model", shown_model(task.model), is_code=True),
        Fact("Asked by", task.author.name),
        Fact("Asked at", at_text(task.created_at)),
    ]
    if usage["turns"]:
        cached = usage["cache_read_tokens"]
        kept = f" ({cached:,} from the cache)" if cached else ""
        tokens = f"{usage['input_tokens']:,} in{kept}, {usage['output_tokens']:,} out"
        facts.append(Fact("Turns", f"{usage['turns']}"))
        facts.append(Fact("Tokens", tokens))
    if usage["cost_usd"] is not None:
        facts.append(Fact("Cost", f"${usage['cost_usd']:.2f}"))
    return tuple(
        Fact(fact.name, one_line(fact.value), fact.is_code) for fact in facts if fact.value
    )


def _timings(task: Task, events: Sequence[Event]) -> tuple[Fact, ...]:
    return tuple(
        Fact(name.replace("_", " "), seconds_text(seconds))
        for name, seconds in make_timings(task, events).items()
        if seconds is not None
    )


def _plan(runs: Sequence[Run], events: Sequence[Event]) -> tuple[tuple[str, str, str], ...]:
    newest = runs[-1].id if runs else ""
    for event in reversed(events):
        if event.kind == "plan" and event.payload.get("run_id") == newest:
            return tuple(
                (
                    PLAN_MARKS.get(string(item, "status"), "○"),
                    string(item, "status"),
                    one_line(string(item, "title", 400)),
                )
                for item in sequence(event.payload, "items")
                if isinstance(item, dict)
            )
    return ()


def _run(run: Run, ended: dict[str, Any] | None, markdown: Callable[[str], Markup]) -> RunView:
    ended = ended or {}
    took = (run.finished_at or 0) - (run.started_at or 0)
    findings = [item for item in sequence(ended, "findings") if isinstance(item, dict)]
    places = read_places(ended)
    return RunView(
        number=run.number,
        attempt=run.attempt,
        request=visible(run.request),
        author=one_line(run.author.name),
        state=run.outcome or ("working" if run.started_at else "queued"),
        took=seconds_text(took) if run.finished_at and run.started_at else "",
        title=one_line(string(ended, "title", 400)),
        summary=markdown(string(ended, "summary", 20_000)),
        claimed=_prose(ended, "claimed"),
        answer=markdown(places.link(string(ended, "answer", 200_000))),
        findings=tuple(_finding(item, places, markdown) for item in findings[:MAX_FINDINGS]),
    )


def _finding(item: dict[str, Any], places: Places, markdown: Callable[[str], Markup]) -> Finding:
    line, path = integer(item, "line"), string(item, "file", 400)
    place = one_line(path)
    severity = string(item, "severity")
    return Finding(
        severity=severity if severity in {"high", "medium", "low"} else "low",
        place=f"{place}:{line}" if line else place,
        url=places.url(path, line),
        title=one_line(string(item, "title", 400)),
        detail=markdown(places.link(string(item, "detail", 8000))),
        suggestion=markdown(places.link(string(item, "suggestion", 8000))),
    )


def _attempt(told: dict[str, Any]) -> Attempt:
    error, seconds, cost = told["error"], told["seconds"], told["cost_usd"]
    state = told["outcome"] or "under way"
    if error is not None:
        state = f"failed at {error['stage']}: {error['brief']}"
    elif told["files"]:
        state = f"{counted(told['files'], 'file')}, +{told['added']} −{told['removed']}"
    return Attempt(
        number=told["attempt"],
        is_chosen=told["is_chosen"],
        title=one_line(told["title"]),
        state=one_line(state),
        verified=read_verified(told),
        cost="" if cost is None else f"${cost:.2f}",
        took="" if seconds is None else seconds_text(seconds),
        has_patch=told["sha256"] is not None,
    )


def _line(task: Task, event: Event, text: str) -> Line:
    tone = _TONES.get(event.kind, "")
    if event.kind == "run_finished":
        tone = "bad" if event.payload.get("outcome") == "failed" else "good"
    if event.kind == "step_finished" and event.payload.get("status") == "error":
        tone = "bad"
    return Line(f"{max(0.0, event.at - task.created_at):.1f} s", text, tone)


def _prose(payload: dict[str, Any], name: str) -> str:
    return visible(string(payload, name, 8000)).strip()


def _sensitive(patch: Event | None) -> frozenset[str]:
    if patch is None:
        return frozenset()
    files = [item for item in sequence(patch.payload, "files") if isinstance(item, dict)]
    return frozenset(string(f, "path", 4000) for f in files if f.get("sensitive") is True)
