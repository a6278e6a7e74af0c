"""Between rows and what the program speaks of; the only place that knows the columns' forms."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from chatbot.models import (
    Approval,
    Event,
    Issue,
    Message,
    Person,
    PullEdits,
    PullRequest,
    Run,
    SetupApproval,
    Source,
    Status,
    Task,
    Thread,
)


def task_row(task: Task) -> dict[str, Any]:
    thread = task.thread
    return {
        "id": task.id,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "status": task.status.value,
        "deadline_at": task.deadline_at,
        "origin": task.origin,
        "mode": task.mode,
        "model": task.model,
        "request": task.request,
        "author_id": task.author.id,
        "author_name": task.author.name,
        "source": json.dumps(asdict(task.source)),
        "share_token": task.share_token,
        "team": thread.team if thread else None,
        "channel": thread.channel if thread else None,
        "thread_ts": thread.thread_ts if thread else None,
        "message_ts": thread.message_ts if thread else None,
        "image": task.image,
        "agent": task.agent,
        "branch": task.branch,
        "base_commit": task.base_commit,
        "title": task.title,
        "summary": task.summary,
        "outcome": task.outcome,
        "patch_sha256": task.patch_sha256,
        "published_sha256": task.published_sha256,
        "pull_request": json.dumps(asdict(task.pull_request)) if task.pull_request else None,
        "issue": json.dumps(asdict(task.issue)) if task.issue else None,
        "draft": None if task.draft is None else int(task.draft),
        "attempts": task.attempts,
        "last_seq": task.last_seq,
    }


def task_from(row: sqlite3.Row) -> Task:
    pull_request = row["pull_request"]
    return Task(
        id=row["id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=Status(row["status"]),
        deadline_at=row["deadline_at"],
        origin=row["origin"],
        mode=row["mode"],
        model=row["model"],
        request=row["request"],
        author=Person(row["author_id"], row["author_name"]),
        source=Source(**json.loads(row["source"])),
        share_token=row["share_token"],
        thread=Thread(
            team=row["team"],
            channel=row["channel"],
            thread_ts=row["thread_ts"],
            message_ts=row["message_ts"],
        )
        if row["channel"]
        else None,
        image=row["image"],
        agent=row["agent"],
        branch=row["branch"],
        base_commit=row["base_commit"],
        title=row["title"],
        summary=row["summary"],
        outcome=row["outcome"],
        patch_sha256=row["patch_sha256"],
        published_sha256=row["published_sha256"],
        pull_request=PullRequest(**json.loads(pull_request)) if pull_request else None,
        issue=Issue(**json.loads(row["issue"])) if row["issue"] else None,
        draft=None if row["draft"] is None else bool(row["draft"]),
        attempts=row["attempts"],
        last_seq=row["last_seq"],
    )


def run_row(run: Run) -> dict[str, Any]:
    row = asdict(run)
    author = row.pop("author")
    row["author_id"], row["author_name"] = author["id"], author["name"]
    for name in ("spec", "handle"):
        row[name] = None if row[name] is None else json.dumps(row[name])
    return row


def run_from(row: sqlite3.Row) -> Run:
    values = dict(zip(row.keys(), row, strict=True))
    values["author"] = Person(values.pop("author_id"), values.pop("author_name"))
    for name in ("spec", "handle"):
        values[name] = None if values[name] is None else json.loads(values[name])
    values["is_aside"] = bool(values["is_aside"])
    return Run(**values)


def event_from(row: sqlite3.Row) -> Event:
    return Event(
        id=row["id"],
        task_id=row["task_id"],
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        payload=json.loads(row["payload"]),
    )


def message_from(row: sqlite3.Row) -> Message:
    values = dict(zip(row.keys(), row, strict=True))
    values["author"] = Person(values.pop("author_id"), values.pop("author_name"))
    return Message(**values)


def approval_row(approval: Approval) -> dict[str, Any]:
    row = asdict(approval) | {"edits": json.dumps(asdict(approval.edits))}
    by = row.pop("settled_by") or {"id": None, "name": None}
    return row | {"settled_by_id": by["id"], "settled_by_name": by["name"]}


def approval_from(row: sqlite3.Row) -> Approval:
    values = dict(zip(row.keys(), row, strict=True))
    by_id, by_name = values.pop("settled_by_id"), values.pop("settled_by_name")
    values["edits"] = PullEdits(**json.loads(values["edits"] or "{}"))
    return Approval(**values, settled_by=Person(by_id, by_name) if by_id else None)


def setup_approval_from(row: sqlite3.Row) -> SetupApproval:
    values = dict(zip(row.keys(), row, strict=True))
    by_id, by_name = values.pop("settled_by_id"), values.pop("settled_by_name")
    return SetupApproval(**values, settled_by=Person(by_id, by_name) if by_id else None)
