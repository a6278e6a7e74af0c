"""A task's whole life, by the only functions that change one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from chatbot.actions import Actions
from chatbot.changes import SYSTEM, EmptyRequest
from chatbot.history import queries
from chatbot.models import (
    DEADLINE_SECONDS,
    NewTask,
    Source,
    Status,
    Thread,
    TransitionRefused,
)
from sandbox.errors import RefNotFound, ThreadsmithError
from tests.chatbot.history.lives import ADA, BASE, BOB, EMPTY_SUMMARY, PULL, Clock, Life, make_new

THREAD = Thread(team="T1", channel="C1", thread_ts="1.0", message_ts="1.0")


async def test_request_becomes_a_queued_task_with_its_first_run(
    actions: Actions, clock: Clock
) -> None:
    new = make_new(request="fix the test\nand say why", thread=THREAD, key="slack:1")
    task, created = await actions.create_task(new, owner="o_cli")
    assert created
    assert replace(task, id="", share_token="") == replace(
        task,
        id="",
        share_token="",
        created_at=clock.now,
        updated_at=clock.now,
        status=Status.QUEUED,
        deadline_at=clock.now + DEADLINE_SECONDS[Status.QUEUED],
        request="fix the test\nand say why",
        title="fix the test",
        thread=THREAD,
        last_seq=2,
    )
    assert len(task.share_token) == 32
    life = Life(actions, task.id)
    run = await life.run()
    assert (run.number, run.request, run.author, run.owner) == (1, new.request, ADA, "o_cli")
    created_event, queued = await life.events()
    assert (created_event.kind, queued.kind) == ("task_created", "run_queued")
    assert (created_event.seq, queued.seq) == (1, 2)
    assert queued.payload["run_id"] == run.id


async def test_same_key_gives_the_same_task_however_many_ask_at_once(actions: Actions) -> None:
    answers = await asyncio.gather(*(actions.create_task(make_new(key="k")) for _ in range(10)))
    assert len({task.id for task, _ in answers}) == 1
    assert sorted(created for _, created in answers) == [False] * 9 + [True]
    assert await Life(actions, answers[0][0].id).kinds() == ["task_created", "run_queued"]


@pytest.mark.parametrize("words", ["", "  \n "])
async def test_empty_words_change_nothing(actions: Actions, words: str) -> None:
    with pytest.raises(EmptyRequest):
        await actions.create_task(make_new(request=words))
    life = await Life.begin(actions)
    with pytest.raises(EmptyRequest):
        await actions.add_message(life.task_id, ADA, words)
    assert await life.kinds() == ["task_created", "run_queued"]
    assert len(await actions.history.read(queries.list_tasks)) == 1


async def test_refused_request_is_kept_with_the_reason(actions: Actions) -> None:
    new = make_new(key="k")
    task = await actions.refuse_task(new, RefNotFound("`next` does not exist."))
    assert (task.status, task.outcome, task.summary) == (
        Status.FAILED,
        "failed",
        "`next` does not exist.",
    )
    life = Life(actions, task.id)
    ended = (await life.events())[-1]
    assert ended.kind == "run_finished"
    assert ended.payload["stage"] == "request"
    assert ended.payload["resolution"] == RefNotFound.resolution


async def test_refusal_that_comes_again_does_not_touch_what_goes_on(actions: Actions) -> None:
    new = make_new(key="k")
    task = await actions.refuse_task(new, RefNotFound())
    await actions.add_message(task.id, ADA, "then on main")
    life = Life(actions, task.id)
    await life.work()
    assert await actions.refuse_task(new, RefNotFound()) == await life.task()
    assert (await life.task()).status == Status.RUNNING


async def test_whole_life_to_a_pull_request(actions: Actions, clock: Clock) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    sha256 = approval.patch_sha256
    task = await life.task()
    assert (task.status, task.branch, task.base_commit) == (Status.READY, "main", BASE)
    assert (task.outcome, task.title) == ("patch", "Sum the prices")
    assert (task.patch_sha256, task.published_sha256) == (sha256, None)
    clock.now += 60
    publishing = await actions.approve(approval.id, BOB)
    assert publishing.status == Status.PUBLISHING
    assert publishing.deadline_at == clock.now + DEADLINE_SECONDS[Status.PUBLISHING]
    await actions.record_publish_step(life.task_id, "push", {"result": "done"})
    await actions.published(life.task_id, approval, PULL, created=True)
    task = await life.task()
    assert (task.status, task.outcome, task.deadline_at) == (Status.DONE, "published", None)
    assert (task.pull_request, task.published_sha256) == (PULL, sha256)
    assert task.open_patch_sha256 is None
    assert await life.kinds() == [
        "task_created", "run_queued", "run_resolved", "run_preparing", "container_started",
        "patch", "run_finished", "approval_requested", "approval_settled", "publish_step",
        "published",
    ]  # fmt: skip
    statuses = [e.payload["status"] for e in await life.events() if "status" in e.payload]
    assert statuses == ["queued", "preparing", "running", "ready", "publishing", "done"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("patch", Status.READY),
        ("answer", Status.READY),
        ("findings", Status.READY),
        ("nothing", Status.DONE),
        ("stopped", Status.STOPPED),
        ("failed", Status.FAILED),
    ],
)
async def test_each_outcome_has_its_status(actions: Actions, kind: str, status: Status) -> None:
    life = await Life.begin(actions)
    await life.work()
    await life.finish(kind, summary="words", brief="in brief")
    task = await life.task()
    assert (task.status, task.outcome, task.summary) == (status, kind, "words")
    assert (await life.run()).finished_at is not None
    assert await life.approval() is None


async def test_end_is_told_once(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.to_ready()
    kinds = await life.kinds()
    await life.finish("failed")
    await actions.fail_run((await life.run()).id, "run", ThreadsmithError())
    assert await life.kinds() == kinds


async def test_patch_without_a_forge_asks_for_no_approval(actions: Actions) -> None:
    source = Source(kind="zip", repository="shop.zip", path="/x")
    life = await Life.begin(actions, source=source)
    await life.work()
    await life.patch()
    await life.finish()
    assert await life.approval() is None
    assert (await life.task()).status == Status.READY


# Follow-ups


async def to_status(life: Life, status: Status) -> None:
    """Bring a fresh task there."""
    match status:
        case Status.PREPARING:
            await life.prepare()
        case Status.RUNNING:
            await life.work()
        case Status.READY:
            await life.to_ready()
        case Status.PUBLISHING:
            await life.to_publishing()
        case Status.DONE:
            await life.actions.published(
                life.task_id, await life.to_publishing(), PULL, created=True
            )
        case Status.FAILED:
            await life.work()
            await life.finish("failed")
        case Status.STOPPED:
            await life.actions.stop_task(life.task_id, ADA)


REACHABLE = [status for status in Status if status != Status.WAITING]
LIVE = [Status.QUEUED, Status.PREPARING, Status.RUNNING]


@pytest.mark.parametrize("status", REACHABLE)
async def test_follow_up_is_taken_in_every_state(actions: Actions, status: Status) -> None:
    life = await Life.begin(actions)
    await to_status(life, status)
    before = await life.run()
    message = await actions.add_message(life.task_id, BOB, "and the docs", key="m1")
    assert message is not None
    assert await actions.add_message(life.task_id, BOB, "and the docs", key="m1") is None
    run = await life.run()
    assert (await life.kinds()).count("message_received") == 1
    if status in LIVE:
        assert run == before
        waiting = await actions.history.read(partial(queries.run_messages, run_id=run.id))
        assert waiting == [message]
        assert (await life.task()).status == status
    elif status == Status.PUBLISHING:
        assert run == before
        assert (await life.task()).status == status
        assert await actions.history.read(partial(queries.pending_messages, task_id=life.task_id))
    else:
        # What was stopped before it began is still to be done.
        request = "fix the failing test\n\n" if status == Status.STOPPED else ""
        assert run.request == f"{request}and the docs"
        assert (run.number, run.author) == (before.number + 1, BOB)
        assert (await life.task()).status == Status.QUEUED
        assert await life.approval() is None


async def test_a_request_that_was_deleted_does_not_come_back(actions: Actions) -> None:
    life = await Life.begin(actions)
    await actions.stop_task(life.task_id, ADA, why="deleted")
    await actions.add_message(life.task_id, ADA, "write the docs")
    assert (await life.run()).request == "write the docs"


async def test_follow_up_voids_the_approval_that_waits(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    await actions.add_message(life.task_id, BOB, "no, differently")
    with pytest.raises(TransitionRefused, match="newer request"):
        await actions.approve(approval.id, ADA)
    settled = [e.payload for e in await life.events() if e.kind == "approval_settled"]
    assert [(s["state"], s["by"]["id"]) for s in settled] == [("void", SYSTEM.id)]
    again = await life.to_ready(b"another patch")
    assert again.id != approval.id
    await actions.approve(again.id, ADA)


async def test_heard_message_is_not_heard_again(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    message = await actions.add_message(life.task_id, BOB, "and the docs")
    assert message is not None
    await actions.record_delivered(run.id, [message.id], 3)
    await actions.record_delivered(run.id, [], 4)
    assert (await life.kinds()).count("message_delivered") == 1
    await life.finish("nothing")
    assert (await life.task()).status == Status.DONE
    assert (await life.run()).id == run.id


@pytest.mark.parametrize("kind", ["patch", "nothing", "failed", "answer"])
async def test_what_was_said_too_late_starts_the_next_run(actions: Actions, kind: str) -> None:
    life = await Life.begin(actions)
    first = await life.work()
    await life.patch()
    await actions.add_message(life.task_id, ADA, "one more thing")
    await actions.add_message(life.task_id, BOB, "and another")
    await life.finish(kind)
    run = await life.run()
    assert run.number == 2
    assert (run.request, run.author) == ("one more thing\n\nand another", BOB)
    assert (await life.task()).status == Status.QUEUED
    assert await life.approval() is None
    assert (await life.prepare()).start_patch_sha256 == (await life.task()).patch_sha256
    late = await actions.history.read(partial(queries.run_messages, run_id=first.id))
    assert late == []


async def test_what_was_said_while_publishing_starts_the_next_run(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.add_message(life.task_id, BOB, "also a changelog line")
    await actions.published(life.task_id, approval, PULL, created=True)
    task, run = await life.task(), await life.run()
    assert (task.status, task.pull_request) == (Status.QUEUED, PULL)
    assert (run.number, run.request) == (2, "also a changelog line")
    # Published work is in the branch already.
    assert (await life.prepare()).start_patch_sha256 is None


async def test_message_for_a_stopped_run_waits_for_the_next_word(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.work()
    await actions.add_message(life.task_id, ADA, "also this")
    await actions.stop_task(life.task_id, ADA)
    await life.finish("stopped")
    assert (await life.task()).status == Status.STOPPED
    await actions.add_message(life.task_id, ADA, "go on")
    assert (await life.run()).request == "also this\n\ngo on"


# Stopping


@pytest.mark.parametrize("status", REACHABLE)
async def test_stop_in_every_state(actions: Actions, status: Status) -> None:
    life = await Life.begin(actions)
    await to_status(life, status)
    kinds = await life.kinds()
    assert await actions.stop_task(life.task_id, BOB, key="s") == (status in LIVE)
    new = (await life.kinds())[len(kinds) :]
    if status == Status.QUEUED:
        assert new == ["stop_requested", "run_finished"]
        assert (await life.task()).status == Status.STOPPED
        assert await actions.claim_run((await life.run()).id, "o") is None
    elif status in LIVE:
        assert new == ["stop_requested"]
        assert await actions.stop_task(life.task_id, BOB, key="s")
        assert (await life.kinds())[len(kinds) :] == new
        items = await actions.history.read(
            partial(queries.run_messages, run_id=(await life.run()).id)
        )
        assert [item.kind for item in items] == ["stop"]
        await life.finish("stopped", summary="So far.")
        assert (await life.task()).status == Status.STOPPED
    else:
        assert new == []
        assert (await life.task()).status == status


async def test_stop_keeps_the_partial_patch(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.work()
    sha256 = await life.patch()
    await actions.stop_task(life.task_id, ADA)
    await life.finish("stopped")
    task = await life.task()
    assert (task.status, task.patch_sha256) == (Status.STOPPED, sha256)
    await actions.add_message(life.task_id, ADA, "go on")
    assert (await life.prepare()).start_patch_sha256 == sha256


async def test_source_of_a_stopped_run_changes_nothing(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.run()
    await actions.stop_task(life.task_id, ADA)
    kinds = await life.kinds()
    assert await actions.resolve_run(run.id, branch="main", base_commit=BASE, detail={}) == (
        await life.run()
    )
    assert await life.kinds() == kinds


async def test_named_repository_is_kept(actions: Actions) -> None:
    nameless: NewTask = make_new(source=Source(kind="git", repository=""))
    task = await actions.refuse_task(nameless, ThreadsmithError())
    named = Source(kind="git", repository="demo/shop", ref="next")
    await actions.name_repository(task.id, named, ADA)
    life = Life(actions, task.id)
    told, queued = (await life.events())[-2:]
    assert (told.kind, told.payload["repository"], told.payload["ref"]) == (
        *("source_named", "demo/shop"),
        "next",
    )
    assert queued.payload["request"] == task.request
    assert (await life.task()).source == named
    with pytest.raises(TransitionRefused, match="Ada has named the repository already: demo/shop"):
        await actions.name_repository(task.id, named, ADA)


async def test_work_that_was_undone_is_no_patch(actions: Actions) -> None:
    """A follow-up takes back everything: nothing is left that could be published."""
    life = await Life.begin(actions)
    await life.to_ready()
    await actions.add_message(life.task_id, ADA, "take it all back")
    run = await life.work()
    await actions.record_patch(run.id, b"", EMPTY_SUMMARY, final=True)
    await life.finish("nothing")
    task = await life.task()
    assert (task.status, task.patch_sha256) == (Status.DONE, None)
    await actions.add_message(life.task_id, ADA, "now this")
    assert (await life.prepare()).start_patch_sha256 is None


async def test_empty_patch_of_a_run_that_changes_nothing_is_no_news(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_publishing()
    await actions.published(life.task_id, approval, PULL, created=True)
    await actions.add_message(life.task_id, ADA, "explain it")
    run = await life.work()
    kinds = await life.kinds()
    await actions.record_patch(run.id, b"", EMPTY_SUMMARY, final=True)
    assert await life.kinds() == kinds
    assert (await life.task()).patch_sha256 == approval.patch_sha256
