"""Any row of actions, in any order, late and twice: what must always hold, holds."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.attempts import can_be_chosen, is_none_chosen, is_undecided, newest_attempts
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import (
    DEADLINE_SECONDS,
    FINAL,
    TRANSITIONS,
    Approval,
    Event,
    PullEdits,
    PullRequest,
    Run,
    Status,
    Task,
    TransitionRefused,
)
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Outcome
from tests.chatbot.history.lives import ADA, BASE, BOB, EMPTY_SUMMARY, Clock, make_new, make_summary

T = TypeVar("T")

keys = st.one_of(st.none(), st.sampled_from(["k1", "k2", "k3"]))
people = st.sampled_from([ADA, BOB])
data = st.sampled_from([b"", b"patch one", b"patch two", b"patch three"])


class Tasks(RuleBasedStateMachine):
    """Three tasks, one tried several times; driven by anybody, with no regard for their state."""

    tasks: Bundle[str] = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.history = self.wait(History.open(Path(self.place.name) / "threadsmith.db"))
        self.actions = Actions(history=self.history, clock=self.clock)
        self.ids: list[str] = []

    def teardown(self) -> None:
        self.wait(self.history.close())
        self.loop.close()
        self.place.cleanup()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, object]) -> None:
        """Do it, or hear that the state does not allow it; anything else is a fault."""
        self.clock.now += 1
        try:
            self.wait(work)
        except TransitionRefused:
            pass

    def runs(self, task_id: str) -> list[Run]:
        return self.wait(self.history.read(partial(queries.task_runs, task_id=task_id)))

    def pick(self, task_id: str, back: int) -> Run:
        """A run of the task: the newest, or an earlier one that still speaks."""
        runs = self.runs(task_id)
        return runs[max(0, len(runs) - 1 - back)]

    @initialize(target=tasks)
    def begin(self) -> Any:
        for key, attempts in (("one", 1), ("two", 1), ("three", 3)):
            new = make_new(key=key, attempts=attempts)
            task, _ = self.wait(self.actions.create_task(new))
            self.ids.append(task.id)
        return multiple(*self.ids)

    @rule(task=tasks, by=people, key=keys)
    def say(self, task: str, by: Any, key: str | None) -> None:
        self.attempt(self.actions.add_message(task, by, "more", key=key and f"{task}{key}"))

    @rule(task=tasks, by=people, key=keys)
    def stop(self, task: str, by: Any, key: str | None) -> None:
        self.attempt(self.actions.stop_task(task, by, key=key and f"stop{task}{key}"))

    @rule(task=tasks, back=st.integers(0, 1))
    def resolve(self, task: str, back: int) -> None:
        run = self.pick(task, back)
        self.attempt(self.actions.resolve_run(run.id, branch="main", base_commit=BASE, detail={}))

    @rule(task=tasks, back=st.integers(0, 1), starts=st.booleans())
    def claim(self, task: str, back: int, starts: bool) -> None:
        run = self.pick(task, back)
        self.attempt(self.actions.claim_run(run.id, "o_1"))
        if starts:
            self.attempt(self.actions.record_event(run.id, "container_started", {"phase": "agent"}))

    @rule(task=tasks, back=st.integers(0, 1))
    def requeue(self, task: str, back: int) -> None:
        self.attempt(self.actions.requeue_run(self.pick(task, back).id))

    @rule(task=tasks, back=st.integers(0, 1))
    def start(self, task: str, back: int) -> None:
        run = self.pick(task, back)
        self.attempt(self.actions.record_event(run.id, "container_started", {"phase": "agent"}))

    @rule(task=tasks, back=st.integers(0, 1), data=data, final=st.booleans())
    def patch(self, task: str, back: int, data: bytes, final: bool) -> None:
        summary = make_summary(data) if data else EMPTY_SUMMARY
        run = self.pick(task, back)
        self.attempt(self.actions.record_patch(run.id, data, summary, final=final))

    @rule(task=tasks, data=data.filter(bool), how_far=st.integers(1, 5))
    def go_well(self, task: str, data: bytes, how_far: int) -> None:
        """The newest run, as it should go: chance alone seldom comes as far as a decision."""
        run = self.pick(task, 0)
        started = self.actions.record_event(run.id, "container_started", {"phase": "agent"})
        patched = self.actions.record_patch(run.id, data, make_summary(data), final=True)
        finished = self.actions.finish_run(run.id, Outcome(kind="patch"))
        steps = [self.actions.claim_run(run.id, "o_1"), started, patched, finished]
        for step in steps[:how_far]:
            self.attempt(step)
        for step in steps[how_far:]:
            step.close()
        pending = self.wait(self.history.read(partial(queries.pending_approval, task_id=task)))
        if how_far == 5 and pending:
            self.attempt(self.actions.approve(pending.id, ADA))

    @rule(task=tasks)
    def hear(self, task: str) -> None:
        run = self.pick(task, 0)
        waiting = self.wait(self.history.read(partial(queries.run_messages, run_id=run.id)))
        ids = [message.id for message in waiting if message.kind == "message"]
        self.attempt(self.actions.record_delivered(run.id, ids, 1))

    @rule(
        task=tasks,
        back=st.integers(0, 1),
        kind=st.sampled_from(["patch", "patch", "answer", "findings", "nothing", "stopped"]),
    )
    def finish(self, task: str, back: int, kind: Any) -> None:
        self.attempt(self.actions.finish_run(self.pick(task, back).id, Outcome(kind=kind)))

    @rule(task=tasks, back=st.integers(0, 1))
    def fail(self, task: str, back: int) -> None:
        self.attempt(self.actions.fail_run(self.pick(task, back).id, "run", ThreadsmithError()))

    @rule(
        task=tasks,
        how=st.sampled_from(
            ["approve", "approve", "approve", "discard", "changes", "edit", "again"]
        ),
        newest=st.booleans(),
        key=keys,
    )
    def decide(self, task: str, how: str, newest: bool, key: str | None) -> None:
        found = self.wait(self.history.read(partial(_approvals, task_id=task)))
        if not found:
            return
        approval_id = found[-1 if newest else 0].id
        match how:
            case "approve":
                self.attempt(self.actions.approve(approval_id, ADA))
            case "discard":
                self.attempt(self.actions.discard(approval_id, ADA))
            case "edit":
                edits = PullEdits(title=key, draft=newest)
                self.attempt(self.actions.edit_approval(approval_id, edits, ADA, revision=0))
            case "again":
                self.attempt(self.actions.ask_again(approval_id, ADA))
            case _:
                message_key = key and f"{task}{key}"
                self.attempt(
                    self.actions.request_changes(approval_id, BOB, "other", key=message_key)
                )

    @rule(task=tasks, number=st.integers(1, 3), by=people)
    def choose(self, task: str, number: int, by: Any) -> None:
        self.attempt(self.actions.choose_attempt(task, number, by))

    @rule(task=tasks, by=people)
    def choose_none(self, task: str, by: Any) -> None:
        self.attempt(self.actions.discard_attempts(task, by))

    @rule(task=tasks, back=st.integers(0, 1))
    def reply(self, task: str, back: int) -> None:
        """The model speaks: an attempt that fails after that is followed by the next."""
        run = self.pick(task, back)
        self.attempt(self.actions.record_event(run.id, "turn", {"usage": {}}))

    @rule(task=tasks, works=st.booleans(), number=st.integers(1, 2))
    def publish(self, task: str, works: bool, number: int) -> None:
        approval = self.wait(self.history.read(partial(queries.approved, task_id=task)))
        if approval is None:
            return
        pull = PullRequest(number=number, url="u", branch="b", head_commit=BASE)
        if works:
            self.attempt(self.actions.published(task, approval, pull, created=True))
        else:
            self.attempt(self.actions.publish_failed(task, "push", ThreadsmithError()))

    @rule(task=tasks)
    def overdue(self, task: str) -> None:
        status = self.wait(self.history.read(partial(queries.get_task, task_id=task))).status
        self.clock.now += DEADLINE_SECONDS.get(status, 0)
        self.attempt(self.actions.expire(task))

    @rule(words=st.sampled_from(["one", "two"]))
    def ask_again(self, words: str) -> None:
        _, created = self.wait(self.actions.create_task(make_new(key=words)))
        assert not created

    @invariant()
    def everything_holds(self) -> None:
        for task_id in self.ids:
            self.wait(self.history.read(partial(_check, task_id=task_id)))


def _approvals(db: Database, task_id: str) -> list[Approval]:
    ids = db.execute("SELECT id FROM approvals WHERE task_id = ? ORDER BY id", [task_id]).fetchall()
    return [queries.get_approval(db, row[0]) for row in ids]


def _check(db: Database, task_id: str) -> None:
    task = queries.get_task(db, task_id)
    runs = queries.task_runs(db, task_id)
    events = queries.task_events(db, task_id)
    assert [event.seq for event in events] == list(range(1, task.last_seq + 1))
    _check_statuses(task, events)
    unfinished = [run for run in runs if run.finished_at is None]
    assert len(unfinished) <= 1
    assert unfinished in ([], [runs[-1]])
    # A run is open exactly while its task is alive.
    alive = task.status in {Status.QUEUED, Status.PREPARING, Status.RUNNING, Status.WAITING}
    assert bool(unfinished) == alive
    assert [run.number for run in runs] == list(range(1, len(runs) + 1))
    pending = [a for a in _approvals(db, task_id) if a.state == "pending"]
    assert len(pending) <= 1
    if pending:
        assert task.status == Status.READY
        assert task.source.forge
    assert (task.deadline_at is None) == (task.status in FINAL)
    told = [e.payload["approval_id"] for e in events if e.kind == "approval_settled"]
    assert len(told) == len(set(told))
    _check_attempts(task, runs, events)
    # What was said before a stop waits for the next word, as it does for a choice.
    held = is_none_chosen(runs) or runs[-1].outcome == "stopped"
    if task.status in {Status.READY, Status.DONE, Status.FAILED} and not held:
        # Nothing that a person said is left lying when the task comes to rest.
        assert queries.pending_messages(db, task_id) == []


def _check_attempts(task: Task, runs: list[Run], events: list[Event]) -> None:
    made = newest_attempts(runs)
    assert [run.attempt for run in made] == list(range(1, len(made) + 1))
    assert len(made) <= task.attempts
    # Each begins from the base alone.
    assert all(run.start_patch_sha256 is None for run in made)
    assert sum(not run.is_aside for run in made) <= 1
    assert not any(run.is_aside for run in runs if run.attempt is None)
    if is_undecided(task, runs):
        assert len({run.patch_sha256 for run in made if can_be_chosen(run)}) > 1
        assert task.patch_sha256 is None
    chosen = [event.payload for event in events if event.kind == "attempt_chosen"]
    if chosen and not any(run.number > made[-1].number for run in runs):
        (run,) = [run for run in made if not run.is_aside]
        assert (run.id, run.patch_sha256) == (chosen[-1]["run_id"], task.patch_sha256)


def _check_statuses(task: Task, events: list[Event]) -> None:
    told = [Status(e.payload["status"]) for e in events if "status" in e.payload]
    assert told[0] == Status.QUEUED
    for old, new in itertools.pairwise(told):
        # The same status twice: an event that tells where the task is, not that it moved.
        assert new in TRANSITIONS[old] | {old}, (old, new)
    assert told[-1] == task.status


TestTasks = Tasks.TestCase
TestTasks.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
