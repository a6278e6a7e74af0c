"""Several attempts at one request: made one after another, and one of them chosen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chatbot.actions import Actions
from chatbot.attempts import newest_attempts
from chatbot.budgets import BudgetUsedUp, check_allowance, find_allowance
from chatbot.config import BudgetSettings, Settings
from chatbot.history import conversation, queries, summaries
from chatbot.intake import Intake
from chatbot.models import Choice, Event, PublishRules, Run, Source, Status, TransitionRefused
from chatbot.report import make_report
from sandbox.errors import RefNotFound
from tests.chatbot.history.lives import ADA, BASE, BOB, PATCH, Life

OTHER = PATCH.replace(b"prices", b"values")
THIRD = PATCH.replace(b"prices", b"amounts")


async def runs(life: Life) -> list[Run]:
    return await life.actions.history.read(partial(queries.task_runs, task_id=life.task_id))


async def told(life: Life, kind: str) -> list[Event]:
    return [event for event in await life.events() if event.kind == kind]


async def tried(life: Life, data: bytes = PATCH, **outcome: Any) -> None:
    """One attempt from its begin to its end."""
    await life.work()
    await life.turn(0)
    await life.patch(data)
    await life.finish(**{"title": f"Way of {data[-40:-33]!r}", **outcome})


async def fails(life: Life, *, turns: int = 1) -> None:
    await life.work()
    for number in range(turns):
        await life.turn(number)
    await life.finish("failed", stage="agent", brief="It gave up.", resolution="Ask otherwise.")


async def test_each_attempt_begins_from_the_base_with_a_conversation_of_its_own(
    actions: Actions,
) -> None:
    life = await Life.begin(actions, attempts=3)
    first = await life.work()
    assert first.attempt == 1
    await life.turn(0)
    await life.turn(1)
    await actions.record_summary(first.id, until=1, text="so far", told={})
    await life.patch(PATCH)
    await life.finish(title="One way", summary="Like this.")
    task = await life.task()
    assert (task.status, task.patch_sha256, task.base_commit) == (Status.QUEUED, None, BASE)
    second = await life.prepare()
    assert (second.attempt, second.request, second.start_patch_sha256) == (2, first.request, None)
    read = actions.history.read
    assert await read(partial(conversation.turns, task_id=life.task_id)) == []
    assert await read(partial(summaries.of_task, task_id=life.task_id)) == []
    await life.tell("container_started", phase="agent")
    await life.turn(0)  # the same number as in the first one's
    assert await read(partial(conversation.count, task_id=life.task_id)) == 1
    every = await read(partial(conversation.every, task_id=life.task_id))
    assert [(turn["attempt"], turn["number"]) for turn in every] == [(1, 0), (1, 1), (2, 0)]


async def test_people_choose_one_and_the_task_goes_on_from_it(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    for data in (PATCH, OTHER, THIRD):
        await tried(life, data, title=f"Way {len(await runs(life))}", summary="So.")
    task = await life.task()
    assert (task.status, task.outcome, task.patch_sha256) == (Status.READY, "attempts", None)
    assert await life.approval() is None
    assert task.title == "fix the failing test"
    await actions.choose_attempt(life.task_id, 2, BOB)
    task, made = await life.task(), newest_attempts(await runs(life))
    assert (task.title, task.summary, task.outcome) == ("Way 2", "So.", "patch")
    assert [run.is_aside for run in made] == [True, False, True]
    approval = await life.approval()
    assert approval is not None
    assert (approval.run_id, approval.patch_sha256) == (made[1].id, made[1].patch_sha256)
    (event,) = await told(life, "attempt_chosen")
    assert event.payload["by"] == {"id": BOB.id, "name": BOB.name}

    await actions.add_message(life.task_id, ADA, "now the docs")
    following = await life.prepare()
    assert (following.attempt, following.request) == (None, "now the docs")
    assert following.start_patch_sha256 == made[1].patch_sha256
    turns = await actions.history.read(partial(conversation.count, task_id=life.task_id))
    assert turns == 1
    with pytest.raises(TransitionRefused, match="under way"):
        await actions.choose_attempt(life.task_id, 1, BOB)
    await life.finish("nothing")
    with pytest.raises(TransitionRefused, match="gone on"):
        await actions.choose_attempt(life.task_id, 1, BOB)


async def test_another_one_may_be_chosen_until_one_is_published(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    await tried(life, OTHER)
    await actions.choose_attempt(life.task_id, 1, ADA)
    with pytest.raises(TransitionRefused, match="chosen already"):
        await actions.choose_attempt(life.task_id, 1, BOB)
    first = await life.approval()
    await actions.choose_attempt(life.task_id, 2, BOB)
    second = await life.approval()
    assert first is not None
    assert second is not None
    settled = await actions.history.read(partial(queries.get_approval, approval_id=first.id))
    assert settled.state == "void"
    with pytest.raises(TransitionRefused):
        await actions.approve(first.id, ADA)
    await actions.approve(second.id, ADA)
    with pytest.raises(TransitionRefused, match="pull request"):
        await actions.choose_attempt(life.task_id, 1, ADA)


@pytest.mark.parametrize(("number", "why"), [(3, "no such"), (1, "came to no change")])
async def test_what_is_no_change_cannot_be_chosen(actions: Actions, number: int, why: str) -> None:
    life = await Life.begin(actions, attempts=2)
    await fails(life)
    await tried(life)
    with pytest.raises(TransitionRefused, match=why):
        await actions.choose_attempt(life.task_id, number, ADA)


async def test_a_failing_attempt_does_not_fail_the_task(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await tried(life, PATCH, title="Good")
    await fails(life)
    await fails(life)
    task = await life.task()
    # The only one with a change is nothing to choose from; its patch still waits for a yes.
    assert (task.status, task.outcome, task.title) == (Status.READY, "patch", "Good")
    approval = await life.approval()
    assert approval is not None
    assert approval.run_id == (await runs(life))[0].id
    report = make_report(task, await life.events())
    assert report["error"] is None
    assert [(a["outcome"], a["is_chosen"]) for a in report["attempts"]] == [
        ("patch", True),
        ("failed", False),
        ("failed", False),
    ]


async def test_the_same_change_twice_is_nothing_to_choose_from(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life)
    await tried(life)
    assert await life.approval() is not None
    (event,) = await told(life, "attempt_chosen")
    assert (event.payload["why"], event.payload["attempt"]) == ("same", 1)


async def test_all_failing_fails_the_task_with_the_reasons(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await fails(life)
    await fails(life)
    task = await life.task()
    assert task.status == Status.FAILED
    reasons = "None of the 2 attempts came to a change. 1: It gave up. 2: It gave up."
    assert task.summary == reasons
    error = make_report(task, await life.events())["error"]
    assert error == {"stage": "agent", "brief": reasons, "resolution": "Ask otherwise."}
    # A follow-up goes on from the last one's conversation.
    await actions.add_message(life.task_id, ADA, "try the other file")
    turns = await actions.history.read(partial(conversation.count, task_id=life.task_id))
    assert (turns, (await life.run()).attempt) == (1, None)


async def test_where_the_model_never_spoke_no_further_attempt_is_made(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await fails(life, turns=0)
    assert (await life.task()).status == Status.FAILED
    assert len(await runs(life)) == 1


async def test_stop_ends_all_and_keeps_what_is_whole(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await tried(life, PATCH)
    second = await life.work()
    await life.patch(OTHER)
    await actions.add_message(life.task_id, ADA, "quickly")
    assert await actions.stop_task(life.task_id, ADA)
    await life.finish("stopped")
    assert len(await runs(life)) == 2
    approval = await life.approval()
    assert approval is not None
    assert approval.run_id != second.id
    assert (await life.task()).status == Status.READY


async def test_stop_without_a_change_keeps_the_work_of_the_one_that_ran(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await fails(life)
    await life.work()
    sha256 = await life.patch(OTHER)
    await actions.stop_task(life.task_id, ADA)
    await life.finish("stopped")
    task = await life.task()
    assert (task.status, task.patch_sha256, len(await runs(life))) == (Status.STOPPED, sha256, 2)


async def test_stop_that_comes_too_late_for_its_attempt_ends_the_others(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await life.work()
    await life.turn(0)
    await actions.stop_task(life.task_id, ADA)
    await life.patch()
    await life.finish()  # it was done before it heard
    assert len(await runs(life)) == 1
    assert (await life.task()).status == Status.READY


async def test_stop_between_two_attempts_keeps_the_first(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life)
    await actions.stop_task(life.task_id, ADA)
    assert (await life.task()).status == Status.READY
    assert await life.approval() is not None


async def test_what_is_said_meanwhile_steers_this_attempt_and_those_after_it(
    actions: Actions,
) -> None:
    life = await Life.begin(actions, attempts=3)
    first = await life.work()
    await life.turn(0)
    heard = await actions.add_message(life.task_id, BOB, "on Windows, too")
    assert heard is not None
    await actions.record_delivered(first.id, [heard.id], 1)
    await actions.add_message(life.task_id, ADA, "and say why")  # too late for the first
    await life.patch(PATCH)
    await life.finish()
    second = await life.work()
    assert second.request == "fix the failing test\n\non Windows, too\n\nand say why"
    await life.turn(0)
    await life.patch(OTHER)
    await life.finish()
    third = await life.run()
    assert third.request == second.request


async def test_a_reply_before_the_choice_waits_for_it(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    await tried(life, OTHER)
    await actions.add_message(life.task_id, ADA, "and rename it")
    assert (await life.task()).status == Status.READY
    await actions.choose_attempt(life.task_id, 1, ADA)
    run = await life.prepare()
    assert (run.request, run.attempt) == ("and rename it", None)
    assert run.start_patch_sha256 == (await runs(life))[0].patch_sha256
    assert await life.approval() is None


async def test_a_number_alone_chooses_and_anything_else_waits(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    intake = Intake(Settings(), actions.history, actions)
    await intake.reply(await life.task(), "2", author=ADA, key="k0")  # steers: none is to choose
    await tried(life, PATCH)
    await tried(life, OTHER)
    assert (await life.task()).outcome == "attempts"
    with pytest.raises(TransitionRefused, match="no such"):
        await intake.reply(await life.task(), "7", author=ADA, key="k1")
    key = "slack:T1:C1:200.000002"
    await intake.reply(await life.task(), "the second one", author=ADA, key=key)
    (event,) = await told(life, "attempt_chosen")
    assert (event.payload["attempt"], event.payload["key"]) == (2, key)
    assert await life.approval() is not None


async def test_budgets_hold_over_all_attempts_together(actions: Actions) -> None:
    """What the first one took is taken from what the second may take."""
    life = await Life.begin(actions, attempts=3)
    budgets = BudgetSettings(task_usd=0.02, person_usd=0.02, run_usd=1.0)
    await tried(life, PATCH)
    second = await life.prepare()
    await life.turn(0)
    left = await actions.history.read(
        lambda db: find_allowance(db, second.id, budgets, actions.clock())
    )
    assert left.used == pytest.approx(1.0)
    with pytest.raises(BudgetUsedUp):
        check_allowance(left)


async def test_a_budget_that_is_used_up_makes_no_further_attempt(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=3)
    await tried(life, PATCH)
    second = await life.prepare()
    await actions.fail_run(second.id, "budget", BudgetUsedUp())
    assert len(await runs(life)) == 2
    assert await life.approval() is not None


async def test_none_of_them_is_wanted_and_a_reply_begins_again_from_the_request(
    actions: Actions,
) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    await tried(life, OTHER)
    await actions.discard_attempts(life.task_id, BOB)
    task = await life.task()
    assert (task.status, task.outcome) == (Status.DONE, "discarded")
    with pytest.raises(TransitionRefused):
        await actions.discard_attempts(life.task_id, BOB)
    await actions.add_message(life.task_id, ADA, "use a lock")
    run = await life.prepare()
    assert run.request == "fix the failing test\n\nuse a lock"
    assert (run.attempt, run.start_patch_sha256) == (None, None)
    turns = await actions.history.read(partial(conversation.count, task_id=life.task_id))
    assert turns == 0


async def test_one_may_be_chosen_after_all_were_refused(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    await tried(life, OTHER)
    await actions.discard_attempts(life.task_id, BOB)
    task = await actions.choose_attempt(life.task_id, 2, ADA)
    assert (task.status, task.outcome) == (Status.READY, "patch")
    assert await life.approval() is not None


async def test_no_pull_request_is_opened_before_a_person_chose(actions: Actions) -> None:
    alone = replace(actions, rules=lambda _: PublishRules(auto_pull_request=True))
    life = await Life.begin(alone, attempts=2)
    await fails(life)
    await tried(life, verification={"state": "verified"})
    assert (await life.task()).status == Status.READY
    assert await life.approval() is not None


async def test_a_process_that_dies_between_two_attempts_loses_none(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    second = await life.prepare()
    await actions.requeue_run(second.id)
    assert [run.attempt for run in await runs(life)] == [1, 2]
    await tried(life, OTHER)
    assert (await life.task()).outcome == "attempts"
    assert len(await runs(life)) == 2


async def test_attempts_that_never_began_are_made_when_it_is_asked_again(
    actions: Actions,
) -> None:
    life = await Life.begin(actions, attempts=2)
    await actions.fail_run((await life.run()).id, "source", RefNotFound("`next` is no branch."))
    assert (await life.task()).status == Status.FAILED
    await actions.add_message(life.task_id, ADA, "try again")
    run = await life.run()
    assert (run.attempt, run.request) == (1, "fix the failing test\n\ntry again")
    await tried(life, PATCH)
    await tried(life, OTHER)
    assert (await life.task()).outcome == "attempts"


async def test_another_choice_begins_all_attempts_anew(actions: Actions) -> None:
    life = await Life.begin(actions, attempts=2)
    await tried(life, PATCH)
    await life.work()
    source = Source(kind="git", repository="demo/api", url="https://forge/demo/api.git", forge=True)
    choice = Choice(source=source, mode="change", model="replay:demo")
    await actions.change_task(life.task_id, choice, ADA)
    await life.finish("stopped")
    assert [run.attempt for run in await runs(life)] == [1, 2, 1]
    await tried(life, OTHER)
    await tried(life, THIRD)
    made = newest_attempts(await runs(life))
    assert [run.number for run in made] == [3, 4]
    assert (await life.task()).outcome == "attempts"
    read_only = replace(choice, mode="explain")
    await actions.change_task(life.task_id, read_only, ADA)
    assert (await life.run()).attempt is None


async def test_the_deadline_ends_all_attempts(actions: Actions, clock: Any) -> None:
    life = await Life.begin(actions, attempts=3)
    await life.work()
    await life.turn(0)
    clock.now += 7 * 3600
    await actions.expire(life.task_id)
    assert (await life.task()).status == Status.FAILED
    assert len(await runs(life)) == 1
