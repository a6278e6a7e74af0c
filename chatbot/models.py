"""What the program speaks of: tasks, runs, events, approvals; and which status may follow which."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from sandbox.errors import ThreadsmithError
from sandbox.spec import Mode

Origin = Literal["slack", "cli", "api", "issue"]


class Status(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    """Waits for a free place."""
    PREPARING = "preparing"
    """Source, set-up, container."""
    RUNNING = "running"
    """The agent works."""
    WAITING = "waiting"
    """A person was asked something."""
    READY = "ready"
    """A patch or an answer is shown; a person decides."""
    PUBLISHING = "publishing"
    """The branch and the pull request are being made."""
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    # Ready without having run: what an earlier run made still waits for a person.
    Status.QUEUED: frozenset({Status.PREPARING, Status.READY, Status.FAILED, Status.STOPPED}),
    Status.PREPARING: frozenset(
        {
            *(Status.QUEUED, Status.WAITING, Status.RUNNING),
            *(Status.READY, Status.FAILED, Status.STOPPED),
        },
    ),
    # Queued again: the next of several attempts.
    Status.RUNNING: frozenset(
        {
            *(Status.QUEUED, Status.WAITING, Status.READY),
            *(Status.DONE, Status.FAILED, Status.STOPPED),
        },
    ),
    Status.WAITING: frozenset(
        {Status.QUEUED, Status.RUNNING, Status.READY, Status.FAILED, Status.STOPPED},
    ),
    Status.READY: frozenset({Status.QUEUED, Status.PUBLISHING, Status.DONE, Status.STOPPED}),
    Status.PUBLISHING: frozenset({Status.READY, Status.DONE, Status.FAILED}),
    # A follow-up takes an ended task up again; a patch that nobody decided about is asked again.
    Status.DONE: frozenset({Status.QUEUED, Status.READY}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.STOPPED: frozenset({Status.QUEUED}),
}

FINAL = frozenset({Status.DONE, Status.FAILED, Status.STOPPED})
ALIVE = frozenset({Status.QUEUED, Status.PREPARING, Status.RUNNING, Status.WAITING})
"""A run of the task is under way or about to be."""

DEADLINE_SECONDS: dict[Status, float] = {
    Status.QUEUED: 24 * 3600,
    Status.PREPARING: 3600,
    Status.RUNNING: 6 * 3600,
    Status.WAITING: 24 * 3600,
    Status.READY: 14 * 24 * 3600,
    Status.PUBLISHING: 900,
}
"""Outer bounds, past which a task ends whatever went wrong; the run's own limits are tighter."""


class TransitionRefused(ThreadsmithError):
    """The task is not in a state that allows this."""

    code = "conflict"


def check_transition(old: Status, new: Status) -> None:
    """Raise TransitionRefused unless the table allows it."""
    if new not in TRANSITIONS[old]:
        raise TransitionRefused(f"A task that is {old} cannot become {new}.")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever acts: a Slack user, an API caller or the command line."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a task works on: a git repository or an uploaded zip."""

    kind: Literal["git", "zip"]
    repository: str
    """What people call it: `owner/name`, a URL's tail, or the zip's file name."""
    url: str = ""
    """Where git reads it; without credentials."""
    ref: str | None = None
    """What the person named: branch, tag or commit."""
    path: str = ""
    """The stored zip."""
    forge: bool = False
    """True where the configured forge holds it, so that a pull request can be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A Slack conversation."""

    team: str
    channel: str
    thread_ts: str
    message_ts: str
    """The message that asked; it carries the reactions."""


MAX_ATTEMPTS = 10
"""At one request, whatever the configuration allows."""

STEERED = "steered"
"""How the key of a follow-up begins that came by a button, so that no message shows it."""

PullState = Literal["open", "merged", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What was published: a pull request, or a branch alone."""

    number: int
    """0: a branch without a pull request."""
    url: str
    """Empty where the remote has no pages."""
    branch: str
    head_commit: str
    head_repository: str = ""
    """The fork its branch is in; empty: the repository itself."""
    state: PullState = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The forge's issue that a task came from."""

    repository: str
    number: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What was asked in one thread, through the API or at the command line."""

    id: str
    created_at: float
    updated_at: float
    status: Status
    deadline_at: float | None
    origin: Origin
    mode: Mode
    model: str
    request: str
    author: Person
    source: Source
    share_token: str
    thread: Thread | None = None
    image: str | None = None
    """Named for this task; else the repository's or the configuration's."""
    agent: str = ""
    """Named for this task, in the same way."""
    branch: str | None = None
    base_commit: str | None = None
    title: str = ""
    summary: str = ""
    outcome: str | None = None
    """Of the newest run: an OutcomeKind; or `discarded`, `published`, `expired`, and `attempts`
    while several wait for a choice."""
    patch_sha256: str | None = None
    """The newest patch, partial ones included."""
    published_sha256: str | None = None
    """The newest patch that went into the pull request."""
    pull_request: PullRequest | None = None
    issue: Issue | None = None
    draft: bool | None = None
    """Whether its pull request is to be a draft; None: as the repository has it."""
    attempts: int = 1
    """How often the request is tried, each time from the same commit."""
    last_seq: int = 0

    @property
    def open_patch_sha256(self) -> str | None:
        """The patch that is not published yet."""
        return None if self.patch_sha256 == self.published_sha256 else self.patch_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt of a task in one container: the request, or one follow-up."""

    id: str
    task_id: str
    number: int
    request: str
    author: Person
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    base_commit: str | None = None
    branch: str | None = None
    start_patch_sha256: str | None = None
    """The task's work so far that this run began with."""
    update_onto: str | None = None
    """The branch whose newest commit the work is to be brought onto, instead of going on."""
    continues: str | None = None
    """The pull request's head, which the run's commit follows besides its base."""
    patch_sha256: str | None = None
    outcome: str | None = None
    spec: dict[str, Any] | None = None
    """Written before the engine starts; RunSpec without its patch."""
    handle: dict[str, Any] | None = None
    """The engine's reference, written right after."""
    owner: str | None = None
    """The process that drives it, see `chatbot.ownership`."""
    attempt: int | None = None
    """From 1, where the request is tried several times; None: the only one, or a follow-up."""
    is_aside: bool = False
    """An attempt that the task does not go on from, or not yet: its turns are not the task's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a task's story. ``id`` grows over all tasks, ``seq`` within one."""

    id: int
    task_id: str
    seq: int
    at: float
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something a person said after the start; ``run_id`` is the run that took it up."""

    id: int
    task_id: str
    kind: Literal["message", "stop", "update", "change"]
    """``update``: bring the work onto its base branch as it is now; ``change``: begin anew with
    another choice, as JSON."""
    author: Person
    text: str
    at: float
    key: str | None = None
    """Where it came from, for deduplication: `channel:ts`."""
    run_id: str | None = None
    delivered_at: float | None = None


ApprovalState = Literal["pending", "approved", "discarded", "changes", "void", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullEdits:
    """What a person wants otherwise than proposed; None: as proposed."""

    title: str | None = None
    body: str | None = None
    """In place of the summary; what was verified and who asked stays below it."""
    branch: str | None = None
    draft: bool | None = None


AS_PROPOSED = PullEdits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's decision about one exact patch."""

    id: str
    task_id: str
    run_id: str
    patch_sha256: str
    state: ApprovalState
    created_at: float
    settled_at: float | None = None
    settled_by: Person | None = None
    expires_at: float | None = None
    """From then on it cannot be given any more."""
    edits: PullEdits = AS_PROPOSED
    revision: int = 0
    """How often it was edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRules:
    """How a repository's pull requests are made: the configuration's word, never its own."""

    publish: Literal["pull_request", "branch"] | None = None
    """None: a pull request where there is a forge, else nothing."""
    base: str = ""
    branch_name: str = "threadsmith/{words}-{id}"
    draft: bool = False
    auto_pull_request: bool = False
    approval_hours: float = 24.0
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    delete_branch: bool = False
    second_person: bool = False
    feedback: bool = True
    autofix: bool = False
    fix_rounds: int = 3
    issues_channel: str = ""
    issues_label: str = "threadsmith"


SetupState = Literal["pending", "approved", "skipped", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupApproval:
    """A person's decision about the exact scripts of one repository."""

    id: str
    task_id: str
    run_id: str
    repository: str
    """Whose scripts they are, see `chatbot.scripts.trust_domain`."""
    sha256: str
    """Of the scripts."""
    state: SetupState
    created_at: float
    settled_at: float | None = None
    settled_by: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a task works on and how, chosen anew after it was begun."""

    source: Source
    mode: Mode
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A request that was understood, on its way to becoming a task."""

    origin: Origin
    mode: Mode
    model: str
    request: str
    author: Person
    source: Source
    thread: Thread | None = None
    image: str | None = None
    agent: str = ""
    issue: Issue | None = None
    draft: bool | None = None
    attempts: int = 1
    chosen_by: str | None = None
    """The rule that chose the repository, see `chatbot.request.resolving`."""
    notes: tuple[str, ...] = ()
    """What the person has to know of how the words were read."""
    key: str | None = None
    """Deduplicates requests: the same key gives the same task."""


def shown_model(model: str) -> str:
    """For people: a recording's folder on the host is nobody's business."""
    provider, _, name = model.partition(":")
    return f"{provider}:{name.rpartition('/')[2]}" if provider == "replay" else model


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def make_id(prefix: str, *, now: float | None = None) -> str:
    """A sortable id: `t_` or `r_` or `a_`, nine characters of milliseconds, six of chance."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    digits = []
    for _ in range(9):
        milliseconds, rest = divmod(milliseconds, 32)
        digits.append(_ALPHABET[rest])
    stamp = "".join(reversed(digits))
    return f"{prefix}_{stamp}{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"
