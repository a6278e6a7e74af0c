"""Nothing is lost and nothing doubled when the process ends in the middle, or answers do."""

from __future__ import annotations

import asyncio
import json

import pytest

from chatbot.history import delivery
from tests.chatbot.slack.stage import DIFF, Stage, until

pytestmark = pytest.mark.slack_modes(both=True)

WHOLE = ["accepted", "progress", "result", "file", "gate"]


async def whole(stage: Stage) -> list[str]:
    task = await stage.task()
    return [task.id + ".diff" if key == "file" else key for key in WHOLE]


async def test_what_happened_while_the_program_was_down_is_told_at_the_next_start(
    stage: Stage,
) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.close_front()
    await stage.work(run)
    sha256 = await stage.record_patch(run)
    await stage.finish(run, patch_sha256=sha256)
    assert stage.shown() == ["accepted", "progress"]
    await stage.open_front()
    await stage.told(task)
    assert stage.shown() == await whole(stage)
    assert "Worked for" in stage.words("progress")
    assert stage.reactions(ts) == ["white_check_mark"]


async def test_a_thread_that_was_noted_down_nowhere_is_found_again(stage: Stage) -> None:
    """As after a kill between Slack's answer and the note of it, at every message at once."""
    ts = await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    await stage.close_front()
    await stage.history.write(
        lambda db: delivery.put_projection(db, "slack", task.id, seq=0, state={})
    )
    await stage.open_front()
    await stage.told(task)
    assert stage.shown() == await whole(stage)
    assert stage.reactions(ts) == ["white_check_mark"]
    await stage.press("gate", "discard")
    await until(lambda: "Discarded by <@UADA>" in stage.words("gate"))


@pytest.mark.parametrize("posts", [1, 2, 3, 4])
async def test_a_kill_at_any_message_doubles_none(stage: Stage, posts: int) -> None:
    """The process dies when that many messages stand in the thread."""
    await stage.ask()
    task = await stage.task()
    await until(lambda: stage.door.count("reactions.add") == 1)
    played = asyncio.create_task(stage.play_change(task))
    await until(lambda: len(stage.shown()) >= posts)
    await stage.close_front()
    await played
    await stage.open_front()
    await stage.told(task)
    assert stage.shown() == await whole(stage)


async def test_a_post_whose_answer_was_lost_is_not_posted_again(stage: Stage) -> None:
    stage.door.plan("chat.postMessage", "lost_answer")
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    assert stage.shown() == await whole(stage)


async def test_an_upload_whose_answer_was_lost_is_not_made_again(stage: Stage) -> None:
    stage.door.plan("files.completeUploadExternal", "lost_answer")
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    assert stage.shown() == await whole(stage)


async def test_metadata_of_others_is_not_taken_for_ours(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.newest_run(task)
    forged = {
        "event_type": "threadsmith",
        "event_payload": {"task_id": task.id, "kind": f"accepted:{run.id}", "seq": 2},
    }
    await stage.say("I am the bot", thread=ts, metadata=forged)
    await stage.close_front()
    await stage.begin_run(task)
    await stage.open_front()
    await until(lambda: "progress" in stage.shown())
    assert stage.shown() == ["accepted", "progress"]


async def test_metadata_holds_ids_alone(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    for message in stage.messages():
        if "metadata" in message:
            payload = message["metadata"]["event_payload"]
            assert set(payload) == {"task_id", "kind", "seq"}
            assert task.share_token not in json.dumps(payload)


async def test_what_was_said_while_the_program_ends_is_stored(stage: Stage) -> None:
    saying = asyncio.create_task(stage.say("<@UBOT> fix it in demo/shop"))
    await until(lambda: stage.door.count("users.info") > 0)
    await stage.close_front()
    await saying
    assert len(await stage.tasks()) == 1


async def test_a_thread_of_many_runs_catches_up_in_order(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.close_front()
    await stage.play_change(task)
    await stage.actions.add_message(task.id, task.author, "again")
    await stage.play_change(await stage.task(), DIFF + b"+x\n")
    await stage.open_front()
    await stage.told(task)
    first, second = f"{task.id}.diff", f"{task.id}-2.diff"
    assert stage.shown() == [
        *("accepted", "progress", "result", first, "gate"),
        *("progress", "result", second, "gate"),
    ]
