"""Buttons: pressed by those who may, once, and told to those who may not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.models import Person, PullEdits, Status
from tests.chatbot.slack.stage import DIFF, Stage, staged, until

pytestmark = pytest.mark.slack_modes(both=True)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, approvers=("UBOB",)) as stage:
        yield stage


async def at_the_gate(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)


@pytest.mark.parametrize("action", ["open_pr", "discard", "request_changes"])
async def test_others_are_told_who_decides_and_nothing_changes(guarded: Stage, action: str) -> None:
    await at_the_gate(guarded)
    await guarded.press("gate", action, "UADA")
    (told,) = await until(guarded.ephemerals)
    assert told["user"] == "UADA"
    assert told["text"] == "Only Bob can decide about pull requests in demo/shop."
    assert (await guarded.task()).status == Status.READY
    assert "Open a pull request" in guarded.words("gate")
    assert guarded.views() == []


async def test_an_approver_opens(guarded: Stage) -> None:
    await at_the_gate(guarded)
    await guarded.press("gate", "open_pr", "UBOB")
    assert (await guarded.task()).status == Status.PUBLISHING
    approval = await guarded.newest_approval(await guarded.task())
    assert approval.settled_by == Person("UBOB", "Bob")


async def test_two_presses_settle_once(stage: Stage) -> None:
    await at_the_gate(stage)
    await asyncio.gather(
        stage.press("gate", "open_pr", "UADA"), stage.press("gate", "discard", "UBOB")
    )
    (told,) = await until(stage.ephemerals)
    assert told["text"].startswith("This was settled already")
    task = await stage.task()
    assert (await stage.kinds(task)).count("approval_settled") == 1


async def test_of_many_presses_by_several_people_one_settles_and_each_other_is_told(
    stage: Stage,
) -> None:
    await at_the_gate(stage)
    gate = dict(stage.one("gate"))
    await stage.press("gate", "request_changes")
    await stage.press("gate", "edit_pr")
    changes, edit = await until(lambda: stage.views()[1:] and stage.views())
    given = {"title": "Another", "body": "", "branch": "other/name"}
    pressed = [
        stage.press_stale(gate, action, user)
        for action in ("open_pr", "discard", "open_pr")
        for user in ("UADA", "UBOB")
    ]
    answers = await asyncio.gather(
        *pressed, stage.submit(changes, "not yet"), stage.fill(edit, given, draft=False)
    )
    task = await stage.task()
    await stage.told(task)
    kinds = await stage.kinds(task)
    assert kinds.count("approval_settled") == 1
    forms = answers[len(pressed) :]
    refused = sum(bool(form) for form in forms)
    is_changed = "message_received" in kinds
    # Whoever was too late, or had seen another title, is told so; nothing else was done.
    assert len(stage.ephemerals()) == len(pressed) - (not is_changed)
    assert refused == len(forms) - is_changed - ("approval_edited" in kinds)
    assert "actions" not in [block["type"] for block in stage.one("gate")["blocks"]]


async def test_a_gate_that_a_reply_voided_cannot_be_passed(stage: Stage) -> None:
    await at_the_gate(stage)
    stale = dict(stage.one("gate"))
    task = await stage.task()
    await stage.actions.add_message(task.id, task.author, "not yet")
    await stage.press_stale(stale, "open_pr")
    (told,) = await until(stage.ephemerals)
    assert told["text"] == "A newer request has taken this patch's place."
    assert (await stage.task()).status == Status.QUEUED


async def test_discard_ends_the_task_and_leaves_a_record(stage: Stage) -> None:
    await at_the_gate(stage)
    await stage.press("gate", "discard")
    await until(lambda: "Discarded by <@UADA>" in stage.words("gate"))
    assert (await stage.task()).status == Status.DONE


async def test_requested_changes_start_a_run_and_stand_in_the_record(stage: Stage) -> None:
    await at_the_gate(stage)
    await stage.press("gate", "request_changes")
    (view,) = await until(stage.views)
    answer = await stage.submit(view, "round half <!channel> up")
    assert not answer
    task = await stage.task()
    assert task.status == Status.QUEUED
    assert (await stage.newest_run(task)).request == "round half <!channel> up"
    await until(lambda: "Changes requested by <@UADA>" in stage.words("gate"))
    assert "“round half &lt;!channel&gt; up”" in stage.words("gate")
    await stage.play_change(task, DIFF + b"+y\n")
    await stage.told(task)
    assert stage.shown().count("gate") == 2


async def test_a_form_that_comes_too_late_keeps_the_words(stage: Stage) -> None:
    await at_the_gate(stage)
    await stage.press("gate", "request_changes")
    (view,) = await until(stage.views)
    await stage.press("gate", "discard")
    answer = await stage.submit(view, "too late")
    assert answer["response_action"] == "errors"
    assert answer["errors"]["changes"].startswith("This was settled already")


async def test_the_form_does_not_open_once_it_is_settled(stage: Stage) -> None:
    await at_the_gate(stage)
    stale = dict(stage.one("gate"))
    await stage.press("gate", "discard")
    await stage.press_stale(stale, "request_changes")
    (told,) = await until(stage.ephemerals)
    assert told["text"] == "This was settled already (discarded by Ada)."
    assert stage.views() == []


async def test_a_pull_request_is_edited_before_it_opens(stage: Stage) -> None:
    await at_the_gate(stage)
    await stage.press("gate", "edit_pr", "UBOB")
    (view,) = await until(stage.views)
    fields = {block["block_id"]: block["element"] for block in view["blocks"]}
    assert fields["title"]["initial_value"] == "Fix rounding"
    assert fields["body"]["initial_value"] == "Rounds."
    stale = dict(stage.one("gate"))
    given = {"title": "Round half up", "body": "Rounds.", "branch": "main"}
    answer = await stage.fill(view, given, draft=True)
    assert answer["errors"] == {"branch": "That is the branch the work goes to: name another."}
    assert not await stage.fill(view, given | {"branch": "fix/rounding"}, draft=True)
    await until(lambda: "Open a draft pull request" in stage.words("gate"))
    assert "Edited by <@UADA>: title “Round half up”, branch `fix/rounding`, as a draft" in (
        stage.words("gate")
    )
    # Somebody whose screen is behind does not open what they have not seen.
    await stage.press_stale(stale, "open_pr")
    (told,) = await until(stage.ephemerals)
    assert told["text"].startswith("It was edited meanwhile")
    await stage.press("gate", "open_pr")
    approval = await stage.newest_approval(await stage.task())
    assert approval.edits == PullEdits(title="Round half up", branch="fix/rounding", draft=True)


async def test_nobody_else_edits(guarded: Stage) -> None:
    await at_the_gate(guarded)
    await guarded.press("gate", "edit_pr", "UADA")
    (told,) = await until(guarded.ephemerals)
    assert told["text"].startswith("Only Bob can decide")
    assert guarded.views() == []


async def test_what_expired_is_asked_again_from_its_record(stage: Stage) -> None:
    await at_the_gate(stage)
    task = await stage.task()
    late = replace(stage.actions, clock=lambda: time.time() + 25 * 3600)
    await late.expire(task.id)
    await until(lambda: "Nobody decided in time" in stage.words("gate"))
    await stage.press("gate", "ask_again", "UBOB")
    await stage.told(await stage.task())
    first, second = [m for m in stage.messages() if "gate" in str(m.get("metadata"))]
    assert "ask_again" not in str(first["blocks"])
    assert "open_pr" in str(second["blocks"])


async def test_anybody_may_stop_a_run(guarded: Stage) -> None:
    await guarded.ask()
    task = await guarded.task()
    run = await guarded.begin_run(task)
    await until(lambda: "progress" in guarded.shown())
    stale = dict(guarded.one("progress"))
    await guarded.press("progress", "stop", "UADA")
    assert "stop_requested" in await guarded.kinds(task)
    await until(lambda: "Stopping…" in guarded.words("progress"))
    assert "steer" not in str(guarded.one("progress"))
    await guarded.finish(run, kind="stopped")
    await guarded.told(task)
    await guarded.press_stale(stale, "stop")
    (told,) = await until(guarded.ephemerals)
    assert told["text"] == "Nothing is running any more."
