"""A task as one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from chatbot.actions import Actions
from chatbot.config import BudgetSettings
from chatbot.history.queries import TaskNotFound
from chatbot.recorder import StoryRecorder
from chatbot.report import task_report
from sandbox.errors import ThreadsmithError
from sandbox.recorder import Summary
from tests.chatbot.history.lives import ADA, BASE, PULL, Clock, Life


async def test_report_of_a_whole_life(actions: Actions, clock: Clock) -> None:
    start = clock.now
    life = await Life.begin(actions)
    clock.now += 1
    await life.prepare()
    clock.now += 1
    await life.tell("container_started", phase="setup")
    clock.now += 1
    await life.tell("container_started", phase="agent")
    clock.now += 1
    await life.turn(0)
    await life.turn(1)
    clock.now += 1
    sha256 = await life.patch()
    await life.finish(title="Sum the prices", summary="Prices now count.", claimed="pytest")
    approval = await life.approval()
    assert approval is not None
    await actions.approve(approval.id, ADA)
    clock.now += 1
    await actions.published(life.task_id, approval, PULL, created=True)
    report = await task_report(actions.history, life.task_id)
    assert json.loads(json.dumps(report)) == {
        "id": life.task_id,
        "status": "done",
        "outcome": "published",
        "repository": "demo/shop",
        "branch": "main",
        "base_commit": BASE,
        "mode": "change",
        "model": "replay:demo",
        "title": "Sum the prices",
        "summary": "Prices now count.",
        "answer": "",
        "attempts": [],
        "findings": [],
        "cited": {},
        "verification": None,
        "request": "fix the failing test",
        "author": {"id": "U1", "name": "Ada"},
        "created_at": start,
        "updated_at": start + 6,
        "patch": {
            "sha256": sha256,
            "files": [
                {
                    "path": "shop/basket.py",
                    "change": "modified",
                    "old_path": None,
                    "added": 2,
                    "removed": 1,
                    "binary": False,
                    "sensitive": False,
                }
            ],
            "added": 2,
            "removed": 1,
        },
        "pull_request": asdict(PULL),
        "usage": {
            "input_tokens": 200,
            "output_tokens": 20,
            "cache_read_tokens": 10,
            "cache_write_tokens": 2,
            "turns": 2,
            "cost_usd": 0.02,
        },
        "timings": {
            "accepted": 1.0,
            "container_started": 3.0,
            "first_turn": 4.0,
            "finished": 5.0,
            "published": 6.0,
        },
        "error": None,
        "events": {
            "task_created": 1, "run_queued": 1, "run_resolved": 1, "run_preparing": 1,
            "container_started": 2, "turn": 2, "patch": 1, "run_finished": 1,
            "approval_requested": 1, "approval_settled": 1, "published": 1,
        },
    }  # fmt: skip


async def test_report_of_a_new_task_is_whole(actions: Actions) -> None:
    life = await Life.begin(actions)
    report = await task_report(actions.history, life.task_id)
    assert report["status"] == "queued"
    assert (report["patch"], report["pull_request"], report["error"]) == (None, None, None)
    assert report["usage"]["cost_usd"] is None
    assert set(report["timings"].values()) == {None}


async def test_cost_is_unknown_where_one_turn_is_unknown(actions: Actions) -> None:
    life = await Life.begin(actions)
    await life.work()
    await life.turn(0)
    await life.turn(1, cost_usd=None)
    usage = (await task_report(actions.history, life.task_id))["usage"]
    assert (usage["turns"], usage["cost_usd"]) == (2, None)


async def test_a_summary_counts_as_spent_but_is_no_turn(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    await life.turn(0)
    usage = {"input_tokens": 700, "output_tokens": 30}
    told = {"turns": 1, "text": "Found.", "usage": usage, "cost_usd": 0.5, "model": "demo"}
    await actions.record_summary(run.id, until=1, text="Found it.", told=told)
    recorder = StoryRecorder(actions, life.task_id, run.id, BudgetSettings(run_usd=1.02))
    assert await recorder.summaries() == [Summary(until=1, text="Found it.")]
    assert (await recorder.allowance()).used == 0.5
    report = (await task_report(actions.history, life.task_id))["usage"]
    assert (report["turns"], report["input_tokens"], report["cost_usd"]) == (1, 800, 0.51)


async def test_answer_and_findings_are_those_of_the_newest_run(actions: Actions) -> None:
    life = await Life.begin(actions, mode="explain")
    await life.work()
    places = {"base": "https://forge/acme/api/blob/c0ffee", "paths": ["a.py"]}
    answer = "It **sums**: a.py:3, b.py:4."
    finding = {"title": "x", "file": "a.py", "line": 9}
    await life.finish("answer", answer=answer, findings=(finding,), extra={"places": places})
    report = await task_report(actions.history, life.task_id)
    assert report["answer"] == answer
    assert report["findings"] == [finding | {"url": f"{places['base']}/a.py#L9"}]
    assert report["cited"] == {"a.py:3": f"{places['base']}/a.py#L3"}
    await actions.add_message(life.task_id, ADA, "now change it")
    await life.work()
    await life.finish("nothing")
    assert (await task_report(actions.history, life.task_id))["answer"] == ""


async def test_error_stands_until_the_task_goes_on(actions: Actions) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    await actions.fail_run(run.id, "model", ThreadsmithError("No key.", resolution="Set one."))
    error = {"stage": "model", "brief": "No key.", "resolution": "Set one."}
    assert (await task_report(actions.history, life.task_id))["error"] == error
    await actions.add_message(life.task_id, ADA, "again")
    assert (await task_report(actions.history, life.task_id))["error"] is None
    await life.to_ready()
    approval = await life.approval()
    assert approval is not None
    await actions.approve(approval.id, ADA)
    await actions.publish_failed(life.task_id, "push", ThreadsmithError("Refused."))
    error = {"stage": "push", "brief": "Refused.", "resolution": ""}
    assert (await task_report(actions.history, life.task_id))["error"] == error
    again = await life.approval()
    assert again is not None
    await actions.approve(again.id, ADA)
    assert (await task_report(actions.history, life.task_id))["error"] is None


async def test_finished_is_the_newest_runs_end(actions: Actions, clock: Clock) -> None:
    life = await Life.begin(actions)
    await life.to_ready()
    await actions.add_message(life.task_id, ADA, "more")
    timings = (await task_report(actions.history, life.task_id))["timings"]
    assert timings["finished"] is None
    clock.now += 30
    await life.work()
    await life.finish("nothing")
    timings = (await task_report(actions.history, life.task_id))["timings"]
    assert (timings["accepted"], timings["finished"]) == (0.0, 30.0)


async def test_unknown_task_is_said(actions: Actions) -> None:
    with pytest.raises(TaskNotFound):
        await task_report(actions.history, "t_none")
