"""Slack says no, or not now: rate limits, broken servers, unknown blocks, closed channels."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from chatbot.history import queries
from chatbot.models import PullEdits
from chatbot.slack import pace
from tests.chatbot.slack.faulty import Fault
from tests.chatbot.slack.stage import Stage, until


def has_plan(call: dict[str, Any]) -> bool:
    return '"plan"' in str(call.get("blocks")).replace("'", '"')


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "reactions.add"])
@pytest.mark.parametrize("fault", ["429", "500", "dropped", "lost_answer", "token_expired"])
async def test_everything_arrives_once_in_spite_of(stage: Stage, method: str, fault: Fault) -> None:
    stage.door.plan(method, fault, times=2)
    ts = await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    name = f"{task.id}.diff"
    assert stage.shown() == ["accepted", "progress", "result", name, "gate"]
    assert "Worked for" in stage.words("progress")
    assert stage.reactions(ts) == ["white_check_mark"]


async def test_no_message_is_edited_twice_right_after_another(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await until(lambda: "gate" in stage.shown())
    for number in range(6):
        approval = await stage.history.read(lambda db: queries.pending_approval(db, task.id))
        assert approval is not None
        edits = PullEdits(title=f"Title {number}")
        await stage.actions.edit_approval(
            approval.id, edits, task.author, revision=approval.revision
        )
        # The first shows at once; they come together where they come quickly.
        await until(lambda: stage.door.count("chat.update") > 0)
    await stage.press("gate", "discard")
    await stage.told(task)
    assert "Discarded by" in stage.words("gate")
    edited: dict[str, list[float]] = {}
    for (method, sent), at in zip(stage.door.calls, stage.door.times, strict=True):
        if method == "chat.update":
            edited.setdefault(sent["ts"], []).append(at)
    gaps = [b - a for times in edited.values() for a, b in itertools.pairwise(times)]
    assert gaps
    assert min(gaps) >= pace.UPDATE_SECONDS


async def test_a_limited_channel_does_not_hold_up_another(stage: Stage) -> None:
    stage.door.plan(
        "chat.postMessage", "429", times=1000, only=lambda sent: sent["channel"] == "C1"
    )
    await stage.ask()
    first = await stage.task()
    await stage.play_change(first)
    await stage.say("<@UBOT> fix it in demo/other", channel="C2")
    second = next(task for task in await stage.tasks() if task.id != first.id)
    await stage.play_change(second)
    await stage.told(second)
    assert {message["channel"] for message in stage.messages()} == {"C2"}
    stage.door.planned.clear()
    await stage.told(first)
    assert len(stage.messages()) == 10


async def test_while_slack_asks_to_wait_it_is_not_called(stage: Stage) -> None:
    stage.door.plan("chat.postMessage", "429")
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    for number in range(20):
        step = {"step": str(number), "tool": "shell", "title": f"Step {number}"}
        await stage.actions.record_event(run.id, "step_started", step)
    await until(lambda: "progress" in stage.shown())
    # The refused call, then each message once.
    assert stage.door.count("chat.postMessage") == 3


async def test_a_slack_without_plan_blocks_gets_simpler_ones(stage: Stage) -> None:
    for method in ("chat.postMessage", "chat.update"):
        stage.door.plan(method, "invalid_blocks", times=1000, only=has_plan)
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.work(run)
    await until(lambda: "progress" in stage.shown())
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    blocks = stage.one("progress")["blocks"]
    assert "plan" not in [block["type"] for block in blocks]
    assert "*Worked for" in stage.words("progress")
    assert "● Find the fault" in stage.words("progress")


async def test_a_slack_that_takes_no_blocks_gets_words(stage: Stage) -> None:
    stage.door.plan(
        "chat.postMessage", "invalid_blocks", times=1000, only=lambda sent: bool(sent.get("blocks"))
    )
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.finish(run, kind="failed", stage="agent", brief="It fell over.")
    await stage.told(task)
    assert stage.one("result")["text"] == "Failed: It fell over."
    assert not stage.one("result").get("blocks")


@pytest.mark.parametrize("error", ["is_archived"])
async def test_a_closed_channel_ends_the_telling_and_nothing_else(
    stage: Stage, error: Fault
) -> None:
    stage.door.plan(
        "chat.postMessage", error, times=1000, only=lambda sent: sent["channel"] == "C1"
    )
    await stage.ask()
    first = await stage.task()
    await stage.play_change(first)
    await until(lambda: stage.door.count("chat.postMessage"))
    assert stage.messages() == []
    await stage.say("<@UBOT> fix it in demo/other", channel="C2")
    second = next(task for task in await stage.tasks() if task.id != first.id)
    await stage.play_change(second)
    await stage.told(second)
    assert len([one for one in stage.messages() if one["channel"] == "C2"]) == 5
    assert len(stage.messages()) == 5


async def test_a_message_that_somebody_deleted_stays_deleted(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    stage.delete("progress")
    await stage.work(run)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.shown() == ["accepted", "result"]
