"""A task as one JSON object: the HTTP API answers it and the command line prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlite_utils import Database

from chatbot.cited import Places, find_places, read_places
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Event, Task
from chatbot.story_fields import integer, mapping, number, sequence, string

Json = dict[str, Any]

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


@dataclass(frozen=True, slots=True)
class _Told:
    task: Task
    events: Sequence[Event]
    counts: dict[str, int]


async def task_report(history: History, task_id: str) -> Json:
    """Everything a program may want to know of a task; raises TaskNotFound."""

    def look(db: Database) -> _Told:
        return _Told(
            queries.get_task(db, task_id),
            queries.task_events(db, task_id),
            queries.event_counts(db, task_id),
        )

    told = await history.read(look)
    return make_report(told.task, told.events) | {"events": told.counts}


def make_report(task: Task, events: Sequence[Event]) -> Json:
    """The report without the number of events."""
    ended = find_ending(events)
    places = read_places(ended)
    return {
        "id": task.id,
        "status": task.status.value,
        "outcome": task.outcome,
        "repository": task.source.repository,
        "branch": task.branch,
        "base_commit": task.base_commit,
        "mode": task.mode,
        "model": task.model,
        "title": task.title,
        "summary": task.summary,
        "answer": string(ended, "answer", 200_000),
        "attempts": make_attempts(events),
        "findings": [_finding(item, places) for item in sequence(ended, "findings")],
        "cited": _cited(ended, places),
        "verification": mapping(ended, "verification") or None,
        "request": task.request,
        "author": asdict(task.author),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "patch": _patch(task, events),
        "pull_request": asdict(task.pull_request) if task.pull_request else None,
        "usage": make_usage(events),
        "timings": make_timings(task, events),
        "error": find_error(events),
    }


def _finding(item: Any, places: Places) -> Any:
    if not isinstance(item, dict):
        return item
    url = places.url(string(item, "file", 400), integer(item, "line"))
    return item | ({"url": url} if url else {})


def _cited(ended: Json, places: Places) -> dict[str, str]:
    """The places that the answer names, each with its page on the forge."""
    found = find_places(string(ended, "answer", 200_000))
    urls = {shown: places.url(path, line, end) for shown, path, line, end in found}
    return {shown: url for shown, url in urls.items() if url}


def find_ending(events: Sequence[Event]) -> Json:
    """What was told of the end that counts: the newest run's, or the chosen attempt's."""
    endings = {e.payload.get("run_id"): e.payload for e in events if e.kind == "run_finished"}
    for event in reversed(events):
        match event.kind:
            case "run_finished" | "attempt_chosen":
                return endings.get(event.payload.get("run_id"), {})
            case "attempts_ended" if event.payload.get("state") == "choose":
                return {}
    return {}


def make_attempts(events: Sequence[Event]) -> list[Json]:
    """How each of several attempts at the request went; empty where there is only one."""
    found: dict[str, Json] = {}
    chosen = None
    for event in events:
        payload, run_id = event.payload, string(event.payload, "run_id")
        match event.kind:
            case "run_queued" if attempt := integer(payload, "attempt"):
                found = {} if attempt == 1 else found
                found[run_id] = {"attempt": attempt, "run_id": run_id, "patch": {}, "spent": []}
            case "attempt_chosen":
                chosen = run_id
            case "patch" if run_id in found:
                found[run_id]["patch"] = payload
            case "run_finished" if run_id in found:
                found[run_id]["ended"] = payload
            case "turn" | "context_summed" if run_id in found:
                found[run_id]["spent"].append(event)
    return [_attempt(told, is_chosen=run_id == chosen) for run_id, told in found.items()]


def _attempt(told: Json, *, is_chosen: bool) -> Json:
    ended, patch = told.get("ended", {}), told["patch"]
    error = {name: string(ended, name, 2000) for name in ("stage", "brief", "resolution")}
    return {
        "attempt": told["attempt"],
        "run_id": told["run_id"],
        "is_chosen": is_chosen,
        "outcome": string(ended, "outcome") or None,
        "title": string(ended, "title", 400),
        "summary": string(ended, "summary", 20_000),
        "sha256": string(patch, "sha256") or None,
        "files": len(sequence(patch, "files")),
        "added": integer(patch, "added"),
        "removed": integer(patch, "removed"),
        "verification": mapping(ended, "verification") or None,
        "cost_usd": make_usage(told["spent"])["cost_usd"],
        "seconds": round(number(ended, "seconds"), 3) if ended else None,
        "error": error if ended.get("outcome") == "failed" else None,
    }


def find_patch_event(task: Task, events: Sequence[Event]) -> Event | None:
    """Where the story tells of the newest patch."""
    if task.patch_sha256 is None:
        return None
    return next(
        (
            event
            for event in reversed(events)
            if event.kind == "patch" and event.payload.get("sha256") == task.patch_sha256
        ),
        None,
    )


def _patch(task: Task, events: Sequence[Event]) -> Json | None:
    event = find_patch_event(task, events)
    if event is None:
        return None
    return {name: event.payload.get(name) for name in ("sha256", "files", "added", "removed")}


def make_usage(events: Sequence[Event]) -> Json:
    """What the turns used; the cost is None where it is unknown for any of them."""
    turns = sum(event.kind == "turn" for event in events)
    # A summary takes tokens, too; one that was made without the model has no usage.
    asked = [event.payload for event in events if event.kind in {"turn", "context_summed"}]
    asked = [payload for payload in asked if "usage" in payload]
    costs = [payload.get("cost_usd") for payload in asked]
    known = [cost for cost in costs if isinstance(cost, int | float)]
    usage: Json = {
        name: sum(integer(mapping(payload, "usage"), name) for payload in asked) for name in TOKENS
    }
    complete = bool(asked) and len(known) == len(asked)
    return usage | {"turns": turns, "cost_usd": round(sum(known), 6) if complete else None}


def make_timings(task: Task, events: Sequence[Event]) -> dict[str, float | None]:
    """Seconds from the request: the first of each, but the newest run's end."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for event in events:
        kind = event.kind
        if kind == "container_started" and event.payload.get("phase") != "agent":
            continue
        if kind == "run_queued":
            last.pop("run_finished", None)
        first.setdefault(kind, event.at)
        last[kind] = event.at
    marks = {
        "accepted": first.get("run_resolved"),
        "container_started": first.get("container_started"),
        "first_turn": first.get("turn"),
        "finished": last.get("run_finished"),
        "published": last.get("published"),
    }
    return {
        name: None if at is None else round(at - task.created_at, 3) for name, at in marks.items()
    }


_SETTLING = frozenset({"run_queued", "published", "run_finished", "attempt_chosen"})


def find_error(events: Sequence[Event]) -> Json | None:
    """What went wrong last, unless the task has gone on since."""
    for event in reversed(events):
        payload = event.payload
        if event.kind == "publish_failed" or (
            event.kind == "run_finished" and payload.get("outcome") == "failed"
        ):
            return {name: string(payload, name, 2000) for name in ("stage", "brief", "resolution")}
        if event.kind == "attempts_ended" and string(payload, "brief"):
            return {name: string(payload, name, 2000) for name in ("stage", "brief", "resolution")}
        if (
            event.kind in _SETTLING
            or (event.kind == "attempts_ended" and payload.get("state") != "none")
            or (
                event.kind == "approval_settled"
                and payload.get("state") in {"approved", "discarded"}
            )
        ):
            return None
    return None
