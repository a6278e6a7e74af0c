"""A task begun anew: with another repository, mode or model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.actions import Actions
from chatbot.history import conversation, queries
from chatbot.models import Choice, Person, Source, Status, TransitionRefused
from tests.chatbot.history.lives import Life

ADA = Person("U1", "Ada")
WEB = Source(kind="git", repository="acme/web", url="https://f.example/acme/web.git", forge=True)
ELSEWHERE = Choice(source=WEB, mode="explain", model="anthropic:claude-opus-5-5")


async def begun_anew(life: Life) -> None:
    task, run = await life.task(), await life.run()
    assert (task.status, task.source, task.mode, task.model) == (
        *(Status.QUEUED, WEB),
        "explain",
        "anthropic:claude-opus-5-5",
    )
    assert (task.patch_sha256, task.base_commit, task.branch) == (None, None, None)
    assert run.request == task.request
    assert (run.started_at, run.finished_at) == (None, None)


async def test_before_it_began(actions: Actions) -> None:
    life = await Life.begin(actions)
    await actions.change_task(life.task_id, ELSEWHERE, ADA, key="k")
    await begun_anew(life)
    await actions.change_task(life.task_id, ELSEWHERE, ADA, key="k")
    assert (await life.kinds()).count("task_changed") == 1


async def test_a_live_run_is_stopped_first(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    await actions.add_message(life.task_id, ADA, "and the README")
    await actions.change_task(life.task_id, ELSEWHERE, ADA)
    stops = await actions.history.read(lambda db: queries.run_messages(db, run.id))
    assert [message.kind for message in stops][-1] == "stop"
    assert (await life.task()).source != WEB
    await life.finish("stopped")
    task = await life.task()
    assert (await life.run()).request == f"{task.request}\n\nand the README"
    assert (task.status, task.source, task.patch_sha256) == (Status.QUEUED, WEB, None)


async def test_what_waits_for_a_person_is_void(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.to_ready()
    await actions.change_task(life.task_id, ELSEWHERE, ADA)
    await begun_anew(life)
    assert await actions.history.read(lambda db: conversation.count(db, life.task_id)) == 0
    pending = await actions.history.read(lambda db: queries.pending_approval(db, life.task_id))
    assert pending is None


async def test_not_once_there_is_a_pull_request(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.to_ready()
    approval = await actions.history.read(lambda db: queries.pending_approval(db, life.task_id))
    assert approval is not None
    await actions.approve(approval.id, ADA)
    before = await life.kinds()
    with pytest.raises(TransitionRefused, match="pull request"):
        await actions.change_task(life.task_id, replace(ELSEWHERE, mode="change"), ADA)
    assert await life.kinds() == before
