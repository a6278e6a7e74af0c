"""The agent asks in the thread: a press or a reply answers, once, and the work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.demo.stage import Stage
from chatbot.models import Status
from tests.end_to_end.stage import (
    SECONDS,
    ask,
    call,
    finish,
    messages_with,
    press,
    product,
    said,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes(both=True),
    pytest.mark.usefixtures("agent_image"),
]

QUESTION = "Tabs or spaces? <!channel>"
CONVERSATIONS = {
    "indent": [
        [call("ask", question=QUESTION, options=["Tabs", "Four spaces"])],
        [call("write", path="a.txt", content="\tone\n")],
        [finish("Indented")],
    ],
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with product(
        tmp_path, conversations=CONVERSATIONS, repositories={"acme/api": {"a.txt": b"one\n"}}
    ) as stage:
        yield stage


async def test_a_press_answers_and_the_question_becomes_a_record(stage: Stage) -> None:
    thread = await ask(stage, "indent in acme/api")
    text = await wait_said(stage, thread, "Tabs or spaces?")
    assert "Four spaces" in text
    task = await wait_task(stage, thread)
    assert task.status == Status.WAITING
    await wait_said(stage, thread, "Waiting for an answer…")
    (message,) = messages_with(stage.workspace, thread, "answer_0")
    await stage.workspace.click("grace", "shop", message, "answer_0")
    await wait_said(stage, thread, "Answered by <@U0GRACE>: “Tabs”")
    await wait_said(stage, thread, "Open a pull request")
    assert messages_with(stage.workspace, thread, "answer_0") == []
    heard = await wait_event(stage, task.id, "message_delivered")
    assert heard.payload["turn"] == 1
    await press(stage, thread, "open_pr")
    await wait_said(stage, thread, "Opened")


async def test_a_reply_answers_too_and_the_second_press_is_told(stage: Stage) -> None:
    thread = await ask(stage, "indent in acme/api")
    await wait_said(stage, thread, "Tabs or spaces?")
    (message,) = messages_with(stage.workspace, thread, "answer_1")
    await asyncio.gather(
        stage.workspace.post("ada", "shop", "Whatever the file has", thread_ts=thread),
        stage.workspace.click("grace", "shop", message, "answer_1"),
    )
    text = await wait_said(stage, thread, "Open a pull request")
    assert "Answered by " in text


async def test_a_stop_ends_a_run_that_waits(stage: Stage) -> None:
    thread = await ask(stage, "indent in acme/api")
    await wait_said(stage, thread, "Tabs or spaces?")
    await stage.workspace.post("ada", "shop", "stop", thread_ts=thread)
    await wait_said(stage, thread, "Okay, I stopped.")
    async with asyncio.timeout(SECONDS):
        while "Closed without an answer." not in said(stage, thread):
            await asyncio.sleep(0.05)
