"""A task's whole way through its thread, over the real Bolt app and a Slack-compatible server."""

from __future__ import annotations

import asyncio

import pytest

from chatbot.models import PullRequest, Status
from sandbox.errors import ThreadsmithError
from tests.chatbot.slack.stage import DIFF, Stage, until

pytestmark = pytest.mark.slack_modes(both=True)


async def test_a_request_is_seen_and_answered_before_anything_else(stage: Stage) -> None:
    ts = await stage.ask()
    await until(lambda: stage.reactions(ts) == ["eyes"])
    task = await stage.task()
    assert task.request == "fix the failing test"
    assert task.source.repository == "demo/shop"
    assert (task.author.id, task.author.name) == ("UADA", "Ada")
    assert task.thread is not None
    assert (task.thread.channel, task.thread.thread_ts, task.thread.message_ts) == ("C1", ts, ts)
    assert stage.shown() == []
    run = await stage.newest_run(task)
    await stage.actions.resolve_run(run.id, branch="main", base_commit="0123456789", detail={})
    await until(lambda: stage.shown() == ["accepted"])
    assert stage.words("accepted").startswith(
        "Working on `demo/shop`\nbranch `main` · at `0123456`"
    )
    assert stage.one("accepted")["thread_ts"] == ts


async def test_a_change_is_shown_approved_and_linked(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    name = f"{task.id}.diff"
    assert stage.shown() == ["accepted", "progress", "result", name, "gate"]
    assert stage.reactions(ts) == ["white_check_mark"]
    assert "Worked for" in stage.words("progress")
    assert "I ran the tests." in stage.words("result")
    assert stage.file_bytes(name) == DIFF
    assert "Open a pull request in demo/shop with 1 file, +2 \u22121?" in stage.words("gate")

    await stage.press("gate", "open_pr")
    assert (await stage.task()).status == Status.PUBLISHING
    await until(lambda: "Approved by <@UADA>" in stage.words("gate"))
    approval = await stage.newest_approval(task)
    url = "http://forge.example/demo/shop/pull/1"
    opened = PullRequest(number=1, url=url, branch="threadsmith/x", head_commit="abc")
    await stage.actions.published(task.id, approval, opened, created=True)
    await stage.told(task)
    assert stage.shown()[5:] == ["publish"]
    assert stage.words("publish") == f"Opened <{url}|demo/shop#1>"
    assert "actions" not in [block["type"] for block in stage.one("gate")["blocks"]]


async def test_progress_is_one_message_that_lives(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.work(run)
    await until(lambda: "1 failed" in stage.words("progress"))
    plan = stage.one("progress")["blocks"][0]
    assert plan["title"] == "Working…"
    assert [(card["title"], card["status"]) for card in plan["tasks"]] == [
        ("Find the fault", "in_progress"),
        ("Ran the tests", "error"),
        ("Mend it", "pending"),
    ]
    first_ids = {block["block_id"] for block in stage.one("progress")["blocks"]}
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.shown().count("progress") == 1
    assert first_ids.isdisjoint(block["block_id"] for block in stage.one("progress")["blocks"])


async def test_many_events_make_few_edits(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    for number in range(100):
        step = {"step": str(number), "tool": "shell", "title": f"Step {number}"}
        await stage.actions.record_event(run.id, "step_started", step)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.door.count("chat.update") < 10
    assert "Step 99" in stage.words("progress")


async def test_a_reply_reaches_the_live_run_and_gets_its_marks(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    reply = await stage.say("also add a test for an empty basket", thread=ts)
    await until(lambda: stage.reactions(reply) == ["eyes"])
    (message,) = await stage.run_messages(run)
    assert message.text == "also add a test for an empty basket"
    await stage.actions.record_delivered(run.id, [message.id], 3)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.reactions(reply) == ["white_check_mark"]


async def test_a_reply_after_the_end_starts_a_further_run_and_voids_the_gate(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    await stage.say("round half up", thread=ts)
    await until(lambda: "newer request" in stage.words("gate"))
    again = await stage.task()
    assert again.status == Status.QUEUED
    run = await stage.play_change(again, DIFF.replace(b"rounded", b"half_up"))
    assert run.number == 2
    await stage.told(task)
    name = f"{task.id}-2.diff"
    assert stage.shown()[5:] == ["progress", "result", name, "gate"]


async def test_stop_ends_the_run_and_says_so(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    said = await stage.say("stop", thread=ts)
    await until(lambda: stage.reactions(said) == ["eyes"])
    assert "stop_requested" in await stage.kinds(task)
    await stage.record_patch(run)
    await stage.finish(run, kind="stopped")
    await stage.told(task)
    assert stage.words("result").startswith("Okay, I stopped.\nKept: the work so far, 1 file")
    assert stage.reactions(said) == ["white_check_mark"]
    assert stage.reactions(ts) == ["octagonal_sign"]
    assert "Stopped" in stage.words("progress")


async def test_stop_where_nothing_runs_gets_a_short_answer(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    await stage.say("stop!", thread=ts)
    await until(lambda: stage.shown()[-1] == "Nothing is running here.")


async def test_a_request_that_cannot_be_done_fails_in_the_thread(stage: Stage) -> None:
    ts = await stage.ask("demo/shop")
    await until(lambda: stage.shown() == ["result"])
    assert stage.words("result").startswith("The request says nothing to do.\nSay what to do")
    await until(lambda: stage.reactions(ts) == ["x"])


async def test_the_bots_name_alone_is_asked_what_to_do_and_a_reply_begins_it(stage: Stage) -> None:
    ts = await stage.ask("")
    await until(lambda: stage.shown() == ["result"])
    assert stage.words("result").startswith("The request says nothing to do.\nSay what to do")
    await stage.say("fix the failing test in demo/shop", thread=ts)
    task = await stage.task()
    run = await stage.begin_run(task)
    assert run.request == "fix the failing test"
    await until(lambda: "progress" in stage.shown())


async def test_a_failed_publishing_is_told_with_a_fresh_gate(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    await stage.press("gate", "open_pr")
    error = ThreadsmithError("The branch moved.", resolution="Try again.")
    await stage.actions.publish_failed(task.id, "push", error)
    await stage.told(task)
    assert stage.shown()[5:] == ["publish", "gate"]
    assert "The branch moved." in stage.words("publish")
    gates = [message for message in stage.messages() if "gate" in str(message.get("metadata"))]
    assert "Approved by" in str(gates[0]["blocks"])
    assert "Open PR" in str(gates[1]["blocks"])


async def test_a_long_answer_comes_in_several_messages(stage: Stage) -> None:
    await stage.ask("explain how demo/shop rounds in demo/shop")
    task = await stage.task()
    run = await stage.begin_run(task)
    answer = "\n\n".join(f"Paragraph {n}. " + "word " * 100 for n in range(60))
    await stage.finish(run, kind="answer", answer=answer)
    await stage.told(task)
    assert stage.shown() == ["accepted", "progress", "result", "result", "result"]


async def test_tasks_do_not_wait_for_each_other(stage: Stage) -> None:
    await asyncio.gather(*(stage.say(f"<@UBOT> fix it in demo/shop{n}") for n in range(5)))
    tasks = await stage.tasks()
    assert len(tasks) == 5
    await asyncio.gather(*(stage.play_change(task, DIFF + task.id.encode()) for task in tasks))
    for task in tasks:
        await stage.told(task)
    assert stage.shown().count("gate") == 5
