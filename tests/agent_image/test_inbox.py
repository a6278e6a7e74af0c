"""People who write or stop while the agent works."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.agent_image.conftest import MakeStage, Stage
from tests.agent_image.fake_gateway import bash, call, finish, words


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def processes_with(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


async def test_a_message_reaches_the_next_turn(make_stage: MakeStage) -> None:
    stage = await make_stage()
    gate = stage.directory / "gate"
    stage.gateway.replies = [
        [bash(f"until test -e '{gate}'; do sleep 0.02; done")],
        [bash("true")],
        [finish()],
    ]
    await stage.start()
    await until(lambda: stage.gateway.payloads("step_started"))
    stage.gateway.say("Use tabs, please.", author="Bob")
    await asyncio.sleep(0.2)
    gate.touch()
    await stage.end()
    assert stage.gateway.texts(1)[1] == "Message from Bob in the thread: Use tabs, please."
    assert [turn["inbox"] for turn in stage.gateway.turns] == [[], [1], []]


@pytest.mark.parametrize("mode", ["change", "explain"])
async def test_a_message_that_crosses_the_end_is_heard_first(
    make_stage: MakeStage, mode: str
) -> None:
    stage = await make_stage(mode=mode)

    async def end_while_somebody_writes() -> Any:
        stage.gateway.say("Wait, one more thing.")
        return [finish()] if mode == "change" else words("It adds.")

    last = [finish(title="Both")] if mode == "change" else words("It adds both.")
    outcome = await stage.play(end_while_somebody_writes, last)
    assert outcome.get("title") == "Both" or outcome.get("answer") == "It adds both."
    assert stage.gateway.turns[1]["inbox"] == [1]
    assert stage.gateway.texts(1)[-1].endswith("one more thing.")


async def start_sleeping(make_stage: MakeStage) -> tuple[Stage, str]:
    stage = await make_stage()
    mark = f"31337.{uuid.uuid4().int % 10**9}"
    stage.gateway.replies = [
        [call("write", path="half.txt", content="half\n")],
        [bash(f"setsid sleep {mark} & (sleep {mark}; echo) & sleep {mark}")],
    ]
    await stage.start()
    await until(lambda: len(processes_with(f"sleep {mark}")) >= 3)
    return stage, mark


async def check_stopped(stage: Stage, mark: str) -> None:
    outcome = await stage.end()
    assert outcome == {"kind": "stopped"}
    assert (stage.result() / "half.txt").read_text() == "half\n"
    assert processes_with(mark) == []
    assert stage.gateway.payloads("step_finished")[-1]["output"] == "stopped"


async def test_a_stop_ends_a_running_command_and_keeps_the_work(make_stage: MakeStage) -> None:
    stage, mark = await start_sleeping(make_stage)
    stage.gateway.stop()
    await check_stopped(stage, mark)


async def test_a_signal_is_a_stop(make_stage: MakeStage) -> None:
    stage, mark = await start_sleeping(make_stage)
    assert stage.process is not None
    os.kill(stage.process.pid, signal.SIGTERM)
    await check_stopped(stage, mark)


async def test_a_stop_does_not_wait_for_the_model(make_stage: MakeStage) -> None:
    stage = await make_stage()
    asked = asyncio.Event()

    async def think() -> Any:
        asked.set()
        await asyncio.Event().wait()

    stage.gateway.replies = [[call("write", path="half.txt", content="half\n")], think]
    await stage.start()
    await asked.wait()
    stage.gateway.stop()
    assert await stage.end() == {"kind": "stopped"}
    assert (stage.result() / "half.txt").read_text() == "half\n"


async def test_a_stop_before_the_start_leaves_nothing(make_stage: MakeStage) -> None:
    stage = await make_stage()
    stage.gateway.stop()
    stage.gateway.replies = [[bash("sleep 100")]]
    await stage.start()
    assert await stage.end() == {"kind": "stopped"}


def asking(**fields: Any) -> Any:
    return call("ask", **{"question": "Tabs or spaces?", **fields})


async def test_a_question_waits_for_the_answer(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"wall_seconds": 600})
    stage.gateway.replies = [[asking(options=["Tabs", "Spaces"])], [finish()]]
    await stage.start()
    await until(lambda: stage.gateway.payloads("question"))
    await asyncio.sleep(0.3)
    assert len(stage.gateway.turns) == 1
    stage.gateway.say("Tabs", author="Bob")
    await stage.end()
    (asked,) = stage.gateway.payloads("question")
    assert (asked["question"], asked["options"]) == ("Tabs or spaces?", ["Tabs", "Spaces"])
    assert [payload["answered"] for payload in stage.gateway.payloads("question_closed")] == [True]
    assert stage.gateway.results(1)[0]["text"].startswith("Somebody has answered")
    assert stage.gateway.texts(1)[-1] == "Message from Bob in the thread: Tabs"
    assert stage.gateway.turns[1]["inbox"] == [1]


async def test_a_question_that_nobody_answers_ends(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"wall_seconds": 122})
    await stage.play([asking()], [finish()])
    assert stage.gateway.results(1)[0]["text"].startswith("Nobody answered")
    assert [payload["answered"] for payload in stage.gateway.payloads("question_closed")] == [False]


async def test_without_time_nobody_is_asked(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"wall_seconds": 60})
    await stage.play([asking()], [finish()])
    assert stage.gateway.results(1)[0]["is_error"]
    assert stage.gateway.payloads("question") == []


async def test_a_stop_ends_the_waiting(make_stage: MakeStage) -> None:
    stage = await make_stage(limits={"wall_seconds": 600})
    stage.gateway.replies = [[asking()]]
    await stage.start()
    await until(lambda: stage.gateway.payloads("question"))
    stage.gateway.stop()
    outcome = await stage.end()
    assert outcome["kind"] == "stopped"
