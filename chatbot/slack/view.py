"""What the thread has to show of a task. Made by `fold` alone; untrusted fields are cut there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chatbot.cited import Places
from chatbot.slack.patch_view import NO_PATCH, PatchView
from chatbot.verified import Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One tool call of the agent."""

    id: str
    title: str
    status: str = "in_progress"
    details: str = ""
    output: str = ""
    item: str | None = None
    """The plan's item that was in progress when it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    id: str
    title: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended; every word of it may be the model's."""

    outcome: str
    title: str
    summary: str
    claimed: str
    verified: Verified
    answer: str
    findings: tuple[dict[str, Any], ...]
    places: Places
    """What the words link to."""
    patch_sha256: str | None
    stage: str
    brief: str
    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """An address that a command of the run was kept from."""

    address: str
    command: str
    """What was going on: the set-up script, or the agent's step."""
    reason: str
    allow: str
    """The setting that would allow it; empty: nothing would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """What the run's container starts from."""

    state: str
    """`hit`, `miss`, `building` (by another task) or `none`."""
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    id: str
    number: int
    seq: int
    position: int = 0
    """How many were before it in the queue."""
    is_next: bool = False
    """It waits for one of the running ones to end."""
    has_waited: bool = False
    """The thread says, or has said, that it waits."""
    steered: tuple[str, ...] = ()
    """What people said that no message of the thread shows, by a button or an edit; newest last."""
    told: tuple[str, ...] = ()
    """How the request was read, where people have to know."""
    was_in: str = ""
    """The repository, where the task has been begun anew since, maybe in another."""
    changed_by: str = ""
    is_anew: bool = False
    """It begins the task anew."""
    branch: str | None = None
    base_commit: str | None = None
    resolved: bool = False
    prepared_at: float | None = None
    started_at: float | None = None
    """The agent's container runs since then."""
    finished_at: float | None = None
    finished_seq: int = 0
    setting_up: str = ""
    """The repository's script that runs."""
    pulling: str = ""
    """The image that has to come from a registry."""
    is_asking: bool = False
    """It waits for an answer."""
    is_queued: bool = False
    """It waits for its turn at the model's provider."""
    took_over: str = ""
    """Why another model took over, and which."""
    verifying: str = ""
    """The command that is run in a clean container."""
    waits_for: str = ""
    """The script that a person is asked about."""
    environment: EnvironmentView | None = None
    refusals: tuple[RefusalView, ...] = ()
    source_notes: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    """What is nearly spent, or spent, in words."""
    hidden: bool = False
    """Something that looked like a secret was taken out of what the run said."""
    stopping: bool = False
    stopped_for: str = ""
    """Where nobody said stop: `deleted` or `edited`, the request was; `changed`, the choice."""
    plan: tuple[PlanItem, ...] = ()
    steps: tuple[Step, ...] = ()
    earlier_steps: int = 0
    """Steps that were dropped from ``steps``."""
    note: str = ""
    tokens: int = 0
    cost_usd: float | None = None
    patch: PatchView | None = None
    result: Result | None = None
    attempt: int = 0
    """From 1, where it is one of several; 0: the only one, or a follow-up."""
    attempts: int = 0
    """How many are made."""
    earlier: tuple[RunView, ...] = ()
    """The attempts before it."""
    shown_seq: int = 0
    """Since then an attempt's result stands in the thread by itself; 0: with the others'."""

    @property
    def is_replaced(self) -> bool:
        """It made nothing, and the work has been begun anew since."""
        is_empty = self.result is not None and self.result.outcome in {"failed", "stopped"}
        return bool(self.was_in) and is_empty

    @property
    def is_live(self) -> bool:
        return self.prepared_at is not None and self.finished_at is None

    @property
    def is_waiting(self) -> bool:
        """For a free place."""
        return self.prepared_at is None and self.finished_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """A patch that waits for a person, or the record of what they decided."""

    approval_id: str
    run_id: str
    seq: int
    pull_number: int | None
    patch: PatchView
    state: str = "pending"
    by_id: str = ""
    by_name: str = ""
    settled_at: float = 0.0
    words: str = ""
    """What was asked for instead."""
    branch_only: bool = False
    draft: bool = False
    """As proposed."""
    second_person: bool = False
    """Sensitive files need somebody other than who asked."""
    is_publishing: bool = False
    is_followed: bool = False
    """Somebody has said more meanwhile: the next run begins once that is done."""
    expires_at: float = 0.0
    """0: it stands."""
    revision: int = 0
    title: str = ""
    """As a person edited it; empty: as proposed."""
    branch: str = ""
    has_body: bool = False
    """A person wrote the description."""
    edited_draft: bool | None = None
    edited_by_id: str = ""
    edited_by_name: str = ""
    why: str = ""
    """What let it through where no person did."""
    can_ask_again: bool = False

    @property
    def is_draft(self) -> bool:
        is_new = self.pull_number is None and not self.branch_only
        return is_new and (self.draft if self.edited_draft is None else self.edited_draft)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackView:
    """What was found at one look at the pull request."""

    seq: int
    number: int
    checks: tuple[dict[str, Any], ...] = ()
    remarks: tuple[dict[str, Any], ...] = ()
    conflict: bool = False
    is_capped: bool = False
    fixed_by_id: str = ""
    fixed_by_name: str = ""
    """Whoever asked that it be mended."""
    fixed_at: float = 0.0

    @property
    def can_fix(self) -> bool:
        is_remarked = any(remark.get("kind") != "approval" for remark in self.remarks)
        return bool(self.checks) or is_remarked


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """What the agent asks people while it works."""

    seq: int
    run_id: str
    question: str
    options: tuple[str, ...]
    is_closed: bool = False
    by_id: str = ""
    by_name: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsView:
    """What several attempts came to; people choose one, or nobody has to."""

    seq: int
    attempts: tuple[RunView, ...]
    chosen: int = 0
    """Its number; 0: none."""
    why: str = ""
    """What chose it where no person did."""
    by_id: str = ""
    by_name: str = ""
    settled_at: float = 0.0
    is_discarded: bool = False
    is_open: bool = True
    """Another may be chosen: nothing has followed."""
    held: int = 0
    """Replies that wait for the choice."""

    @property
    def is_waiting(self) -> bool:
        return self.is_open and not self.chosen and not self.is_discarded


@dataclass(frozen=True, slots=True, kw_only=True)
class PickView:
    """The question for the repository, or what was answered."""

    seq: int
    task_id: str
    question: str
    likely: tuple[str, ...] = ()
    suggested: str = ""
    """By a model."""
    expires_at: float = 0.0
    """0: it stands."""
    is_expired: bool = False
    repository: str = ""
    by_id: str = ""
    by_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedView:
    """The pull request was merged or closed."""

    seq: int
    number: int
    state: str
    by: str
    url: str
    branch_removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupGateView:
    """Scripts that wait for a person before they run as root, or the record of the decision."""

    approval_id: str
    run_id: str
    seq: int
    path: str
    sha256: str
    previous_sha256: str = ""
    """The version that was approved before."""
    lines: int = 0
    network: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    state: str = "pending"
    by_id: str = ""
    by_name: str = ""
    settled_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishView:
    """A pull request that was opened or updated, or why it was not."""

    seq: int
    is_failure: bool = False
    branch: str = ""
    can_update: bool = False
    """The base branch has moved on: a run may bring the work up to it."""
    notes: tuple[str, ...] = ()
    """What went otherwise than asked for."""
    number: int = 0
    url: str = ""
    created: bool = True
    stage: str = ""
    brief: str = ""
    resolution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """A person's message in the thread; it carries a reaction."""

    ts: str
    message_id: int
    run_id: str | None = None
    """The run that heard it."""
    reaction: str = "eyes"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    seq: int = 0
    at: float = 0.0
    told: tuple[str, ...] = ()
    """How the request was read, where people have to know."""
    runs: tuple[RunView, ...] = ()
    setup_gates: tuple[SetupGateView, ...] = ()
    gates: tuple[GateView, ...] = ()
    publishings: tuple[PublishView, ...] = ()
    notes: tuple[str, ...] = ()
    """Of the publishing that is under way."""
    feedback: tuple[FeedbackView, ...] = ()
    ended: tuple[EndedView, ...] = ()
    questions: tuple[QuestionView, ...] = ()
    choices: tuple[AttemptsView, ...] = ()
    pick: PickView | None = None
    is_changed: bool = False
    """The next run begins the task anew."""
    replies: tuple[ReplyView, ...] = ()
    steered: tuple[str, ...] = ()
    """By the button, for the run that comes."""
    reaction: str = "eyes"
    """On the message that asked."""
    patch: PatchView = NO_PATCH

    @property
    def is_asking(self) -> bool:
        """For the repository."""
        return self.pick is not None and not self.pick.repository and not self.pick.is_expired

    @property
    def begun(self) -> tuple[RunView, ...]:
        """Where the repository had to be asked for, the first run never began."""
        return self.runs if self.pick is None else self.runs[1:]

    @property
    def is_live(self) -> bool:
        return any(run.is_live for run in self.runs)

    @property
    def is_waiting(self) -> bool:
        return bool(self.runs) and self.runs[-1].is_waiting

    def with_position(self, before: int, *, is_next: bool) -> TaskView:
        """As the queue is now."""
        newest = self.runs[-1]
        has_waited = newest.has_waited or before > 0 or is_next
        newest = replace(newest, position=before, is_next=is_next, has_waited=has_waited)
        return replace(self, runs=(*self.runs[:-1], newest))
