"""The gate besides its yes and no: edits, time, asking again, opening by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from chatbot.actions import Actions, SecondPersonNeeded
from chatbot.gate_changes import EditRefused, branch_fault
from chatbot.history import queries
from chatbot.models import (
    Approval,
    Person,
    PublishRules,
    PullEdits,
    Status,
    Task,
    TransitionRefused,
)
from chatbot.publish.told import read_told
from sandbox.errors import ThreadsmithError
from sandbox.patch import FileChange
from tests.chatbot.history.lives import ADA, BOB, PULL, Clock, Life

EDITS = PullEdits(title="Round half up", body="As agreed.", branch="fix/rounding", draft=True)
DAY = 24 * 3600.0
VERIFIED = {"state": "verified", "checks": []}


async def pending(life: Life) -> Approval:
    approval = await life.approval()
    assert approval is not None
    return approval


def with_rules(actions: Actions, **rules: object) -> Actions:
    return replace(actions, rules=lambda _: PublishRules(**rules))  # type: ignore[arg-type]


# Edits


async def test_edits_are_kept_in_the_approval_and_told(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    edited = await actions.edit_approval(approval.id, EDITS, BOB, revision=0)
    assert (edited.edits, edited.revision) == (EDITS, 1)
    assert await pending(life) == edited
    told = (await life.events())[-1]
    assert (told.kind, told.payload["by"]) == ("approval_edited", {"id": "U2", "name": "Bob"})
    assert told.payload["edits"]["branch"] == "fix/rounding"
    again = await actions.edit_approval(approval.id, EDITS, BOB, revision=1)
    assert again.revision == 1
    assert (await life.kinds()).count("approval_edited") == 1


async def test_whoever_saw_an_earlier_state_has_to_look_again(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    edits = await asyncio.gather(
        actions.edit_approval(approval.id, EDITS, ADA, revision=0),
        actions.edit_approval(approval.id, PullEdits(title="Other"), BOB, revision=0),
        return_exceptions=True,
    )
    assert sorted(type(edit).__name__ for edit in edits) == ["Approval", "TransitionRefused"]
    with pytest.raises(TransitionRefused, match="edited meanwhile"):
        await actions.approve(approval.id, ADA, revision=0)
    task = await actions.approve(approval.id, ADA, revision=1)
    assert task.status == Status.PUBLISHING
    with pytest.raises(TransitionRefused, match="settled already"):
        await actions.edit_approval(approval.id, EDITS, ADA, revision=1)


@pytest.mark.parametrize(
    ("edits", "field"),
    [
        (PullEdits(title=" "), "title"),
        (PullEdits(title="x" * 201), "title"),
        (PullEdits(branch="Main"), "branch"),
        (PullEdits(branch="a b"), "branch"),
    ],
)
async def test_what_cannot_be_published_changes_nothing(
    actions: Actions, edits: PullEdits, field: str
) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    with pytest.raises(EditRefused) as refused:
        await actions.edit_approval(approval.id, edits, ADA, revision=0)
    assert refused.value.field == field
    assert await pending(life) == approval


@pytest.mark.parametrize(
    "name",
    [
        *("-x", "/x", "x/", "a//b", "a..b", "x.lock", "x.lock/y", ".x", "a/.b", "x.", "HEAD"),
        *("refs/heads/x", "a b", "a~1", "a:b", "a\\b", "x@{1}", "ä", "a\n", "", "x" * 101),
    ],
)
def test_odd_names_of_branches_are_refused(name: str) -> None:
    assert branch_fault(name)


@pytest.mark.parametrize("name", ["fix", "fix/rounding-2", "v1.2_x", "x" * 100])
def test_plain_names_of_branches_are_taken(name: str) -> None:
    assert branch_fault(name) == ""


async def test_edits_outlive_a_publishing_that_failed_and_a_request_for_changes(
    actions: Actions,
) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    await actions.edit_approval(approval.id, EDITS, ADA, revision=0)
    await actions.approve(approval.id, ADA)
    await actions.publish_failed(life.task_id, "push", ThreadsmithError())
    again = await pending(life)
    assert again.edits == EDITS
    await actions.request_changes(again.id, ADA, "smaller")
    third = await life.to_ready(b"smaller patch")
    # The description was of other work.
    assert third.edits == replace(EDITS, body=None)


async def test_what_was_published_is_told_as_it_was_edited(actions: Actions) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    await actions.edit_approval(approval.id, EDITS, ADA, revision=0)
    await actions.approve(approval.id, ADA)
    await actions.published(life.task_id, approval, PULL, created=True)
    await actions.add_message(life.task_id, ADA, "and a test")
    second = await life.to_ready(b"second patch", branch=PULL.branch)
    assert second.edits == PullEdits()
    await actions.approve(second.id, ADA)
    told = await actions.history.read(partial(read_told, task_id=life.task_id))
    assert [end["title"] for end in told.ends] == ["Round half up", "Sum the prices"]
    assert told.ends[0]["summary"] == "As agreed."


# Time


async def test_an_approval_that_expired_is_never_carried_out(
    actions: Actions, clock: Clock
) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    assert approval.expires_at == clock.now + DAY
    assert (await life.task()).deadline_at == approval.expires_at
    clock.now += DAY
    # Also before anybody has looked at the clock.
    for decide in (actions.approve, actions.discard):
        with pytest.raises(TransitionRefused, match="in time"):
            await decide(approval.id, ADA)
    clock.now += 1
    await actions.expire(life.task_id)
    task = await life.task()
    assert (task.status, task.outcome) == (Status.DONE, "expired")
    with pytest.raises(TransitionRefused, match="in time"):
        await actions.approve(approval.id, ADA)
    assert "approval_settled" in await life.kinds()


async def test_asked_again_it_waits_once_more_with_its_edits(
    actions: Actions, clock: Clock
) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    await actions.edit_approval(approval.id, EDITS, ADA, revision=0)
    clock.now += DAY + 1
    await actions.expire(life.task_id)
    presses = await asyncio.gather(
        *(actions.ask_again(approval.id, BOB) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(press, Task) for press in presses) == 1
    again = await pending(life)
    assert (again.patch_sha256, again.edits) == (approval.patch_sha256, EDITS)
    told = (await life.events())[-1]
    assert (told.kind, told.payload["by"]["name"]) == ("approval_requested", "Bob")
    assert (await actions.approve(again.id, ADA)).status == Status.PUBLISHING


async def test_only_what_expired_is_asked_again(actions: Actions, clock: Clock) -> None:
    life = await Life.begin(actions)
    approval = await life.to_ready()
    with pytest.raises(TransitionRefused):
        await actions.ask_again(approval.id, ADA)
    clock.now += DAY + 1
    await actions.expire(life.task_id)
    await actions.add_message(life.task_id, ADA, "go on")
    with pytest.raises(TransitionRefused):
        await actions.ask_again(approval.id, ADA)


async def test_how_long_people_have_is_the_repositorys_setting(
    actions: Actions, clock: Clock
) -> None:
    life = await Life.begin(with_rules(actions, approval_hours=2.0))
    assert (await life.to_ready()).expires_at == clock.now + 7200


# By itself


async def finish(life: Life, state: str, *files: FileChange) -> None:
    await life.work()
    await life.patch(b"a patch", *files)
    await life.finish(title="Sum", verification={"state": state, "checks": []})


async def test_a_verified_change_opens_by_itself_where_that_is_set(actions: Actions) -> None:
    life = await Life.begin(with_rules(actions, auto_pull_request=True))
    await finish(life, "verified")
    assert (await life.task()).status == Status.PUBLISHING
    settled = (await life.events())[-1].payload
    assert (settled["by"]["id"], settled["why"]) == ("threadsmith", "verified")


@pytest.mark.parametrize("state", ["failed", "unverified", ""])
async def test_what_was_not_verified_waits(actions: Actions, state: str) -> None:
    life = await Life.begin(with_rules(actions, auto_pull_request=True))
    await finish(life, state)
    await pending(life)


async def test_sensitive_files_wait_for_a_person(actions: Actions) -> None:
    life = await Life.begin(with_rules(actions, auto_pull_request=True))
    workflow = FileChange(path=".github/workflows/ci.yml", change="modified", sensitive=True)
    await finish(life, "verified", workflow)
    await pending(life)


async def test_what_failed_to_open_by_itself_is_not_tried_for_ever(actions: Actions) -> None:
    life = await Life.begin(with_rules(actions, auto_pull_request=True))
    await finish(life, "verified")
    await actions.publish_failed(life.task_id, "push", ThreadsmithError())
    approval = await pending(life)
    run = await actions.history.read(partial(queries.get_run, run_id=approval.run_id))
    assert (await life.task()).status == Status.READY
    assert run.number == 1


async def test_whoever_steered_is_no_second_person(actions: Actions) -> None:
    actions = with_rules(actions, second_person=True)
    life = await Life.begin(actions)
    run = await life.work()
    message = await actions.add_message(life.task_id, BOB, "and the workflow")
    assert message is not None
    await actions.record_delivered(run.id, [message.id], 1)
    await life.patch(b"diff", FileChange(path="ci.yml", change="modified", sensitive=True))
    await life.finish()
    approval = await pending(life)
    for person in (ADA, BOB):
        with pytest.raises(SecondPersonNeeded):
            await actions.approve(approval.id, person)
    task = await actions.approve(approval.id, Person("U3", "Cleo"))
    assert task.status == Status.PUBLISHING
