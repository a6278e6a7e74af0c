"""Approvals of set-up scripts: asked once, settled once, remembered for that repository alone."""

from __future__ import annotations

from typing import Any

import pytest

from chatbot.actions import Actions
from chatbot.history import queries, setup_approvals
from chatbot.history.store import History
from chatbot.models import NewTask, Person, Source, Status, Task, TransitionRefused
from chatbot.scripts import Scripts, trust_domain
from sandbox.recorder import Outcome

ADA, BOB = Person("U1", "Ada"), Person("U2", "Bob")
SCRIPTS = Scripts(files=(("setup.sh", "true\n"),))
CHANGED = Scripts(files=(("setup.sh", "false\n"), ("upkeep.sh", "true\n")))


async def preparing(actions: Actions, *, url: str = "https://x/a/b.git", zip: str = "") -> Any:
    """A run whose source is here."""
    source = Source(kind="git", repository="a/b", url=url)
    if zip:
        source = Source(kind="zip", repository=zip, path="/x.zip")
    new = NewTask(
        origin="slack", mode="change", model="m:x", request="Do it.", author=ADA, source=source
    )
    task, _ = await actions.create_task(new)
    run = await actions.history.read(lambda db: queries.newest_run(db, task.id))
    await actions.claim_run(run.id, "me")
    return run


async def ask(actions: Actions, run: Any, scripts: Scripts = SCRIPTS) -> str:
    task = await get_task(actions, run)
    return await actions.ask_setup(
        run.id,
        repository=trust_domain(task),
        sha256=scripts.sha256,
        content=scripts.to_json(),
        shown={"path": scripts.path, "lines": scripts.lines, "network": [], "secrets": []},
    )


async def get_task(actions: Actions, run: Any) -> Task:
    return await actions.history.read(lambda db: queries.get_task(db, run.task_id))


async def pending(actions: Actions, run: Any) -> Any:
    return await actions.history.read(lambda db: setup_approvals.pending_of(db, run.task_id))


async def kinds(actions: Actions, run: Any) -> list[str]:
    events = await actions.history.read(lambda db: queries.task_events(db, run.task_id))
    return [event.kind for event in events]


async def test_a_new_script_makes_the_task_wait(actions: Actions) -> None:
    run = await preparing(actions)
    assert await ask(actions, run) == "pending"
    assert (await get_task(actions, run)).status == Status.WAITING
    waiting = await actions.history.read(lambda db: queries.get_run(db, run.id))
    assert (waiting.started_at, waiting.owner, waiting.finished_at) == (None, None, None)
    approval = await pending(actions, run)
    content = await actions.history.read(
        lambda db: setup_approvals.get_scripts(db, approval.sha256)
    )
    assert Scripts.from_json(content) == SCRIPTS


async def test_an_approval_holds_for_that_text_in_that_repository(actions: Actions) -> None:
    run = await preparing(actions)
    await ask(actions, run)
    approval = await pending(actions, run)
    task = await actions.settle_setup(approval.id, "approved", BOB)
    assert task.status == Status.QUEUED
    await actions.claim_run(run.id, "me")
    assert await ask(actions, run) == "approved"
    assert await ask(actions, await preparing(actions)) == "approved"
    other = await preparing(actions)
    assert await ask(actions, other, CHANGED) == "pending"
    events = await actions.history.read(lambda db: queries.task_events(db, other.task_id))
    assert events[-1].payload["previous_sha256"] == SCRIPTS.sha256
    elsewhere = await preparing(actions, url="https://x/c/d.git")
    assert await ask(actions, elsewhere) == "pending"


async def test_an_archive_is_trusted_by_its_own_task_alone(actions: Actions) -> None:
    run = await preparing(actions, zip="project.zip")
    await ask(actions, run)
    await actions.settle_setup((await pending(actions, run)).id, "approved", ADA)
    assert await ask(actions, await preparing(actions, zip="project.zip")) == "pending"


async def test_a_skip_holds_for_that_task_alone(actions: Actions) -> None:
    run, other = await preparing(actions), await preparing(actions)
    await ask(actions, run)
    await ask(actions, other)
    await actions.settle_setup((await pending(actions, run)).id, "skipped", ADA)
    await actions.claim_run(run.id, "me")
    assert await ask(actions, run) == "skipped"
    assert (await get_task(actions, other)).status == Status.WAITING


async def test_an_approval_lets_everybody_go_who_waits_for_the_same(actions: Actions) -> None:
    runs = [await preparing(actions) for _ in range(3)]
    for run in runs:
        await ask(actions, run)
    other = await preparing(actions, url="https://x/c/d.git")
    await ask(actions, other)
    await actions.settle_setup((await pending(actions, runs[1])).id, "approved", BOB)
    assert {(await get_task(actions, run)).status for run in runs} == {Status.QUEUED}
    assert (await get_task(actions, other)).status == Status.WAITING


async def test_it_is_settled_once(actions: Actions) -> None:
    run = await preparing(actions)
    await ask(actions, run)
    approval = await pending(actions, run)
    await actions.settle_setup(approval.id, "skipped", ADA)
    for state in ("approved", "skipped"):
        with pytest.raises(TransitionRefused, match="settled already \\(skipped by Ada\\)"):
            await actions.settle_setup(approval.id, state, BOB)  # type: ignore[arg-type]


async def test_asking_twice_asks_once(actions: Actions) -> None:
    run = await preparing(actions)
    assert [await ask(actions, run) for _ in range(3)] == ["pending"] * 3
    assert (await kinds(actions, run)).count("setup_approval_requested") == 1


async def test_a_stop_voids_the_question(actions: Actions) -> None:
    run = await preparing(actions)
    await ask(actions, run)
    approval = await pending(actions, run)
    assert await actions.stop_task(run.task_id, ADA)
    assert (await get_task(actions, run)).status == Status.STOPPED
    with pytest.raises(TransitionRefused, match="Nobody waits"):
        await actions.settle_setup(approval.id, "approved", BOB)


async def test_a_deadline_voids_the_question(history: History) -> None:
    now = 1_000_000.0
    actions = Actions(history=history, clock=lambda: now)
    run = await preparing(actions)
    await ask(actions, run)
    now += 25 * 3600
    await actions.expire(run.task_id)
    assert (await get_task(actions, run)).status == Status.FAILED
    assert await pending(actions, run) is None


async def test_a_run_that_ended_meanwhile_asks_nobody(actions: Actions) -> None:
    run = await preparing(actions)
    await actions.finish_run(run.id, Outcome(kind="stopped"))
    assert await ask(actions, run) == "pending"
    assert await pending(actions, run) is None


def test_several_scripts_are_read_each_under_its_path() -> None:
    assert SCRIPTS.text() == "true\n"
    assert CHANGED.text() == "##### setup.sh\nfalse\n\n##### upkeep.sh\ntrue\n"
    assert (CHANGED.path, CHANGED.maintenance, CHANGED.lines) == ("setup.sh", "upkeep.sh", 2)
    assert Scripts.from_json(CHANGED.to_json()) == CHANGED
