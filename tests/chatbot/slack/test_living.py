"""What lives beside a run: Steer, the thread's session, the place in the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatbot.models import Task
from chatbot.slack import presence
from chatbot.slack.lanes import Lanes
from sandbox.errors import ThreadsmithError
from tests.chatbot.slack.stage import Stage, staged, texts, until

pytestmark = pytest.mark.slack_modes


async def steer(stage: Stage, words: str) -> None:
    await stage.press("progress", "steer")
    view = stage.views()[-1]
    values = {"steer": {"value": {"type": "plain_text_input", "value": words}}}
    await stage.slack.submit(view, values, "UBOB")


async def test_steer_reaches_the_live_run_and_shows_in_its_message(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await steer(stage, "keep a < b & <!channel> as they are")
    (message,) = await stage.run_messages(run)
    assert message.text == "keep a < b & <!channel> as they are"
    assert message.author.name == "Bob"
    shown = "Bob: keep a &lt; b &amp; &lt;!channel&gt; as they are"
    await until(lambda: shown in stage.words("progress"))
    await stage.finish(run, kind="nothing")
    await stage.told(task)


async def test_steer_after_the_end_begins_the_next_run_which_shows_it(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.press("progress", "steer")
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    values = {"steer": {"value": {"type": "plain_text_input", "value": "and the docs"}}}
    await stage.slack.submit(stage.views()[-1], values, "UADA")
    again = await stage.begin_run(task)
    assert again.number == 2
    assert again.request == "and the docs"

    def newest() -> bool:
        shown = [m for m in stage.messages() if "progress" in str(m.get("metadata"))]
        return len(shown) == 2 and "Ada: and the docs" in str(shown[1]["blocks"])

    await until(newest)


async def test_what_failed_is_tried_again_once_by_a_button(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.finish(run, kind="failed", stage="model", brief="No key.")
    await stage.told(task)
    for _ in range(2):
        await stage.press("result", "try_again")
    again = await stage.begin_run(task)
    assert (again.number, again.request) == (2, "Please try again.")
    await until(lambda: stage.ephemerals())
    assert [said["text"] for said in stage.ephemerals()] == ["Something newer has begun since."]


async def test_a_running_task_shows_that_its_request_was_edited(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.slack.edit(ts, "<@UBOT> fix it in demo/shop, and add a test")
    await until(lambda: "and add a test" in stage.words("progress"))


async def test_empty_words_keep_the_form_open(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.press("progress", "steer")
    values = {"steer": {"value": {"type": "plain_text_input", "value": "  "}}}
    answer = await stage.slack.submit(stage.views()[-1], values, "UADA")
    assert answer["response_action"] == "errors"
    assert "message_received" not in await stage.kinds(task)


async def test_the_session_says_what_the_thread_waits_for(stage: Stage) -> None:
    stage.slack.has_sessions = True
    ts = await stage.ask()
    task = await stage.task()
    await until(lambda: stage.slack.sessions == [(ts, "processing")])
    await stage.play_change(task)
    await stage.told(task)
    # A patch waits for a person.
    assert stage.slack.sessions == [(ts, "processing"), (ts, "suspended")]
    await stage.press("gate", "discard")
    await stage.told(task)
    assert stage.slack.sessions[2:] == [(ts, "active")]
    assert stage.door.count("assistant.threads.setStatus") == 0


async def test_a_session_is_renewed_while_the_run_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SESSION_SECONDS", 0.2)
    stage.slack.has_sessions = True
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: stage.slack.sessions.count((ts, "processing")) >= 3)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.slack.sessions[-1] == (ts, "active")


async def test_without_sessions_a_status_does_and_without_that_the_reaction(stage: Stage) -> None:
    stage.slack.has_statuses = True
    ts = await stage.ask()
    task = await stage.task()
    await until(lambda: stage.slack.sessions == [(ts, "is working on it…")])
    run = await stage.begin_run(task)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    assert stage.slack.sessions[-1] == (ts, "")
    assert stage.door.count("agents.sessions.setStatus") == 1

    stage.slack.has_statuses = False
    calls = stage.door.count("assistant.threads.setStatus")
    for number in range(3):
        await stage.say(f"<@UBOT> fix it in demo/other{number}")
        newest = max(await stage.tasks(), key=lambda task: task.created_at)
        await stage.told(newest)
    # Refused once for the workspace, and not asked for again.
    assert stage.door.count("assistant.threads.setStatus") == calls + 1
    assert stage.door.count("agents.sessions.setStatus") == 1


async def test_slacks_own_stop_stops_the_run_once(stage: Stage) -> None:
    stage.slack.has_sessions = True
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.slack.stop_session(ts)
    assert (await stage.kinds(task)).count("stop_requested") == 1
    await stage.finish(run, kind="stopped")
    await stage.told(task)
    assert stage.slack.sessions[-1] == (ts, "active")
    await stage.slack.stop_session(ts)
    assert (await stage.kinds(task)).count("stop_requested") == 1


async def test_the_place_in_the_queue_is_shown_and_moves(tmp_path: Path) -> None:
    async with staged(tmp_path, max_runs=1) as stage:
        for number in range(3):
            await stage.say(f"<@UBOT> fix it in demo/shop{number}")
        first, second, third = sorted(await stage.tasks(), key=lambda task: task.created_at)
        run = await stage.begin_run(first)
        await until(lambda: "accepted" in stage.shown())

        def waiting(task_id: str) -> str:
            found = [m for m in stage.messages() if _is_accepted(m, task_id)]
            return str(found[0]["blocks"]) if found else ""

        await until(lambda: "it is next" in waiting(second.id))
        await until(lambda: "1 task before this one" in waiting(third.id))
        await stage.finish(run, kind="nothing")
        run = await stage.begin_run(second)
        await until(lambda: "Waiting" not in waiting(second.id))
        await until(lambda: "it is next" in waiting(third.id))


async def test_a_reply_that_has_to_wait_says_so_where_it_will_be_worked_on(tmp_path: Path) -> None:
    async with staged(tmp_path, max_runs=1) as stage:
        ts = await stage.ask()
        task = await stage.task()
        run = await stage.begin_run(task)
        await stage.finish(run, kind="nothing")
        await stage.say("<@UBOT> fix it in demo/other")
        other = next(one for one in await until_more(stage, 2) if one.id != task.id)
        busy = await stage.begin_run(other)
        reply = await stage.say("and the other one", thread=ts)

        def living() -> list[str]:
            """Of the follow-up: what its message says."""
            mine = [m for m in stage.messages() if m.get("thread_ts") == ts]
            return [texts(m["blocks"]) for m in mine if "progress" in str(m.get("metadata"))][1:]

        await until(lambda: "it is next" in "".join(living()))
        await stage.actions.stop_task(other.id, task.author)
        await stage.finish(busy, kind="stopped")
        follow_up = await stage.begin_run(task)
        await until(lambda: "Working…" in living()[0])
        await stage.finish(follow_up, kind="nothing")
        await until(lambda: "Worked for" in living()[0])
        assert len(living()) == 1
        await until(lambda: stage.reactions(reply) == ["white_check_mark"])


async def test_a_reply_that_waits_is_stopped_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path, max_runs=1) as stage:
        ts = await stage.ask()
        task = await stage.task()
        await stage.finish(await stage.begin_run(task), kind="nothing")
        await stage.say("<@UBOT> fix it in demo/other")
        other = next(one for one in await until_more(stage, 2) if one.id != task.id)
        await stage.begin_run(other)
        await stage.say("and the other one", thread=ts)

        def living() -> dict[str, Any] | None:
            mine = [m for m in stage.messages() if m.get("thread_ts") == ts]
            mine = [m for m in mine if "progress" in str(m.get("metadata"))][1:]
            return mine[0] if mine else None

        waiting = await until(living)
        await stage.press_stale(waiting, "stop")
        await until(lambda: "Stopped" in texts(stage.slack.messages[waiting["ts"]]["blocks"]))
        assert "Waiting" not in texts(stage.slack.messages[waiting["ts"]]["blocks"])


async def test_what_is_said_while_the_pull_request_is_made_is_told_to_come_next(
    stage: Stage,
) -> None:
    ts = await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await until(lambda: "gate" in stage.shown())
    await stage.press("gate", "open_pr")
    await until(lambda: "opening the pull request…" in stage.words("gate"))
    assert "begins the next run" not in stage.words("gate")
    await stage.say("and the other one", thread=ts)
    await until(lambda: "begins the next run" in stage.words("gate"))
    await stage.actions.publish_failed(task.id, "push", ThreadsmithError("No."))
    await until(lambda: "begins the next run" not in stage.words("gate"))


async def until_more(stage: Stage, number: int) -> list[Task]:
    async def enough() -> list[Task]:
        found = await stage.tasks()
        return found if len(found) >= number else []

    found: list[Task] = await until(enough)
    return found


def _is_accepted(message: dict[str, object], task_id: str) -> bool:
    told = str(message.get("metadata"))
    return task_id in told and "accepted" in told


def test_a_refused_lane_opens_for_one_caller_after_the_other() -> None:
    lanes = Lanes()
    assert lanes.wait("update", "a", 0.0) == 0.0
    lanes.refused("update", 10.0, now=0.0)
    waits = {name: lanes.wait("update", name, 1.0) for name in "abc"}
    assert waits == {"a": 9.0, "b": 9.5, "c": 10.0}
    assert lanes.wait("update", "b", 9.9) > 0
    # Who comes at the right time passes; nobody takes the place of another.
    assert lanes.wait("update", "a", 10.0) == 0.0
    assert lanes.wait("update", "d", 10.0) > lanes.wait("update", "c", 10.0)
    lanes.taken("update")
    assert lanes.wait("post", "a", 0.0) == 0.0


def test_a_lane_that_is_refused_again_and_again_goes_slower_and_gets_free_in_the_end() -> None:
    lanes = Lanes()
    now = 0.0
    for _ in range(5):
        lanes.refused("update", 1.0, now)
        now += 1.0
    lanes.wait("update", "a", now)
    assert lanes.wait("update", "b", now) >= 2.0
    for number in range(100):
        now += 5.0
        if lanes.wait("update", f"caller{number}", now) == 0.0:
            lanes.taken("update")
    assert all(lanes.wait("update", f"free{number}", now) == 0.0 for number in range(5))


async def test_a_short_run_is_not_shown_as_working_beside_its_result(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.slack.pace.UPDATE_SECONDS", 600.0)
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    await stage.finish(run, kind="nothing")
    # The message was posted just now, and never edited.
    await until(lambda: "Worked for" in stage.words("progress"))
