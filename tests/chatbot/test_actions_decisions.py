"""Approvals, publishing, deadlines, restarts: what happens late, twice, or at once."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from chatbot.actions import Actions
from chatbot.changes import EmptyRequest
from chatbot.history import delivery, queries
from chatbot.models import (
    DEADLINE_SECONDS,
    FINAL,
    Approval,
    PullRequest,
    Status,
    Task,
    TransitionRefused,
)
from sandbox.errors import ThreadsmithError
from tests.chatbot.history.lives import ADA, BOB, PULL, Clock, Life, make_summary
from tests.chatbot.test_actions import LIVE, REACHABLE, to_status


async def get_approval(actions: Actions, approval_id: str) -> Approval:
    return await actions.history.read(partial(queries.get_approval, approval_id=approval_id))


# Deciding


async def test_approval_is_settled_once_however_many_click(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    clicks = await asyncio.gather(
        *(actions.approve(approval.id, ADA) for _ in range(5)),
        *(actions.discard(approval.id, BOB) for _ in range(5)),
        *(actions.request_changes(approval.id, BOB, "differently") for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(click, Task) for click in clicks) == 1
    assert all(isinstance(click, Task | TransitionRefused) for click in clicks)
    assert (await life.kinds()).count("approval_settled") == 1
    settled = await get_approval(actions, approval.id)
    assert (settled.state, settled.settled_by) == ("approved", ADA)


async def test_refusal_says_who_settled_it(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    await actions.discard(approval.id, BOB)
    task = await life.task()
    assert (task.status, task.outcome) == (Status.DONE, "discarded")
    assert task.patch_sha256 == approval.patch_sha256
    with pytest.raises(TransitionRefused, match="discarded by Bob"):
        await actions.approve(approval.id, ADA)


async def test_approval_names_one_exact_patch(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    run = await life.run()
    newer = b"a newer patch"
    await actions.record_patch(run.id, newer, make_summary(newer), final=True)
    with pytest.raises(TransitionRefused, match="newer patch"):
        await actions.approve(approval.id, ADA)
    assert (await life.task()).status == Status.READY


async def test_request_for_changes_starts_the_next_run(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    with pytest.raises(EmptyRequest):
        await actions.request_changes(approval.id, BOB, " ")
    task = await actions.request_changes(approval.id, BOB, "smaller, please", key="m")
    assert task.status == Status.QUEUED
    run = await life.run()
    assert (run.number, run.request, run.author) == (2, "smaller, please", BOB)
    assert (await get_approval(actions, approval.id)).state == "changes"
    assert (await life.kinds()).count("approval_settled") == 1


async def test_words_that_were_taken_before_settle_nothing(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.work()
    message = await actions.add_message(life.task_id, BOB, "smaller", key="m")
    assert message is not None
    await actions.record_delivered((await life.run()).id, [message.id], 1)
    await life.patch()
    await life.finish()
    approval = await life.approval()
    assert approval is not None
    task = await actions.request_changes(approval.id, BOB, "smaller", key="m")
    assert task.status == Status.READY
    assert await life.approval() == approval


# Publishing


async def test_publishing_that_failed_may_be_approved_again(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    error = ThreadsmithError("The branch is protected.", resolution="Ask its owner.")
    await actions.publish_failed(life.task_id, "push", error)
    again = await life.approval()
    assert again is not None
    assert (again.id != approval.id, again.patch_sha256) == (True, approval.patch_sha256)
    failed = next(e.payload for e in await life.events() if e.kind == "publish_failed")
    assert failed == {
        "stage": "push",
        "brief": "The branch is protected.",
        "resolution": "Ask its owner.",
        "details": "",
        "code": "internal",
        "status": "ready",
    }
    await actions.approve(again.id, ADA)
    await actions.published(life.task_id, again, PULL, created=True)
    assert (await life.task()).status == Status.DONE


async def test_publishing_that_failed_hears_what_was_said_meanwhile(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.to_publishing()
    await actions.add_message(life.task_id, ADA, "use another branch")
    await actions.publish_failed(life.task_id, "push", ThreadsmithError())
    assert (await life.task()).status == Status.QUEUED
    assert await life.approval() is None
    assert (await life.run()).request == "use another branch"


async def test_publishing_is_told_once(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.published(life.task_id, approval, PULL, created=True)
    before = await life.task()
    await actions.published(life.task_id, approval, PULL, created=True)
    await actions.publish_failed(life.task_id, "push", ThreadsmithError())
    assert await life.task() == before
    assert (await life.kinds()).count("published") == 1


async def test_pull_request_that_comes_after_its_deadline_is_kept(
    actions: Actions, clock: Clock
) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    clock.now += DEADLINE_SECONDS[Status.PUBLISHING] + 1
    await actions.expire(life.task_id)
    assert (await life.task()).status == Status.FAILED
    await actions.publish_failed(life.task_id, "push", ThreadsmithError())
    await actions.published(life.task_id, approval, PULL, created=True)
    task = await life.task()
    assert (task.status, task.pull_request) == (Status.FAILED, PULL)
    assert task.open_patch_sha256 is None


async def test_second_patch_updates_the_same_pull_request(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.published(life.task_id, approval, PULL, created=True)
    await actions.add_message(life.task_id, ADA, "and a test")
    second = await life.to_ready(b"second patch", branch=PULL.branch)
    asked = [e.payload for e in await life.events() if e.kind == "approval_requested"]
    assert [payload["pull_number"] for payload in asked] == [None, PULL.number]
    await actions.approve(second.id, ADA)
    newer = PullRequest(number=7, url=PULL.url, branch=PULL.branch, head_commit="f" * 40)
    await actions.published(life.task_id, second, newer, created=False)
    assert (await life.task()).pull_request == newer


# Deadlines


@pytest.mark.parametrize("status", [s for s in REACHABLE if s not in FINAL])
async def test_deadline_names_the_stage_and_keeps_what_was_made(
    actions: Actions, clock: Clock, status: Status
) -> None:
    life = await Life.begin(actions)
    await to_status(life, status)
    patch = (await life.task()).patch_sha256
    kinds = await life.kinds()
    # A question about a patch has a time of its own.
    seconds = 24 * 3600 if status == Status.READY else DEADLINE_SECONDS[status]
    clock.now += seconds - 1
    await actions.expire(life.task_id)
    assert await life.kinds() == kinds
    clock.now += 2
    overdue = await actions.history.read(partial(queries.overdue_tasks, now=clock.now))
    assert [task.id for task in overdue] == [life.task_id]
    await actions.expire(life.task_id)
    await actions.expire(life.task_id)
    task = await life.task()
    assert task.patch_sha256 == patch
    assert await life.approval() is None
    new = [event for event in await life.events() if event.seq > len(kinds)]
    if status in LIVE:
        assert task.status == Status.FAILED
        assert (await life.run()).finished_at is not None
        assert [event.kind for event in new] == ["run_finished"]
        assert new[-1].payload["stage"] == status.value
        assert status.value in new[-1].payload["brief"]
    elif status == Status.READY:
        assert (task.status, task.outcome) == (Status.DONE, "expired")
        assert [event.kind for event in new] == ["approval_settled", "task_expired"]
        assert new[0].payload["state"] == "expired"
    else:
        assert task.status == Status.FAILED
        assert [event.kind for event in new] == ["publish_failed"]
        assert new[0].payload["stage"] == "publishing"


async def test_run_that_was_ended_by_its_deadline_changes_nothing_any_more(
    actions: Actions, clock: Clock
) -> None:
    """It is being taken down while the next one begins."""
    life = await Life.begin(actions)
    old = await life.prepare()
    clock.now += DEADLINE_SECONDS[Status.PREPARING] + 1
    await actions.expire(life.task_id)
    await actions.add_message(life.task_id, ADA, "again")
    await life.prepare()
    before = await life.task()
    data = b"late work"
    await actions.record_event(old.id, "container_started", {"phase": "agent"})
    await actions.record_patch(old.id, data, make_summary(data), final=True)
    await actions.requeue_run(old.id)
    await life.actions.fail_run(old.id, "run", ThreadsmithError())
    after = await life.task()
    assert (after.status, after.patch_sha256) == (Status.PREPARING, before.patch_sha256)
    assert (await life.run()).finished_at is None


# Restarts and claims


async def test_run_is_claimed_once(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.run()
    claims = await asyncio.gather(*(actions.claim_run(run.id, f"o_{n}") for n in range(5)))
    assert sum(claim is not None for claim in claims) == 1
    assert (await life.kinds()).count("run_preparing") == 1


async def test_run_of_a_dead_process_begins_again(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.prepare()
    await actions.record_spec(run.id, {"image": "x"})
    await actions.record_handle(run.id, {"id": "c1"})
    await actions.requeue_run(run.id)
    fresh = await life.run()
    assert (fresh.id, fresh.number) == (run.id, 1)
    assert (fresh.owner, fresh.started_at, fresh.spec, fresh.handle) == (None, None, None, None)
    assert (await life.task()).status == Status.QUEUED
    await life.to_ready()


async def test_run_is_adopted_with_all_it_had(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    await actions.record_spec(run.id, {"image": "x"})
    await actions.record_handle(run.id, {"id": "c1"})
    adopted = await actions.adopt_run(run.id, "o_new")
    assert (adopted.owner, adopted.spec, adopted.handle) == ("o_new", {"image": "x"}, {"id": "c1"})
    assert (await life.task()).status == Status.RUNNING
    assert (await life.kinds())[-1] == "run_adopted"


async def test_finished_run_cannot_be_begun_again(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.published(life.task_id, approval, PULL, created=True)
    before = (await life.task(), await life.run())
    await actions.requeue_run(before[1].id)
    assert (await life.task(), await life.run()) == before


async def test_key_is_seen_once(actions: Actions, clock: Clock) -> None:
    answers = await asyncio.gather(*(actions.first_sight("k") for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]
    await actions.history.write(lambda db: delivery.forget_seen(db, clock.now + 1))
    assert await actions.first_sight("k")


@pytest.mark.parametrize("moment", ["queued", "prepared", "working"])
@pytest.mark.parametrize("kind", ["failed", "stopped", "nothing"])
async def test_a_follow_up_that_comes_to_nothing_leaves_the_question_as_it_was(
    actions: Actions, moment: str, kind: str
) -> None:
    life = await Life.begin(actions)
    first = await life.to_ready()
    await actions.add_message(life.task_id, ADA, "and a test")
    if moment == "prepared":
        await life.prepare()
    elif moment == "working":
        await life.work()
    await life.finish(kind)
    again = await life.approval()
    assert again is not None
    assert (again.id != first.id, again.patch_sha256) == (True, first.patch_sha256)
    assert again.run_id == first.run_id
    assert (await life.task()).status == Status.READY
    task = await actions.approve(again.id, ADA)
    assert task.status == Status.PUBLISHING


async def test_a_follow_up_that_was_stopped_half_way_asks_nothing(actions: Actions) -> None:
    """Its half-done work is kept, and is nobody's to publish yet."""
    life = await Life.begin(actions)
    await life.to_ready()
    await actions.add_message(life.task_id, ADA, "and a test")
    await life.work()
    await life.patch(b"half a patch")
    await life.finish("stopped")
    assert await life.approval() is None
    assert (await life.task()).status == Status.STOPPED
