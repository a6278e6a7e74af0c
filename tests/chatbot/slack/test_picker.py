"""A request that names no repository: the thread asks, and begins once somebody has answered."""

from __future__ import annotations

from typing import Any

import pytest

from chatbot.models import Status, Task
from tests.chatbot.slack.stage import Stage, until

pytestmark = pytest.mark.slack_modes(both=True)


async def newest(stage: Stage) -> Task:
    return (await stage.tasks())[0]


async def asked(stage: Stage, words: str = "fix the typo") -> tuple[str, dict[str, Any]]:
    """In a workspace that has worked in demo/shop before."""
    await stage.ask()
    await stage.play_change(await stage.task())
    ts = await stage.say(f"<@UBOT> {words}")

    def question() -> dict[str, Any] | None:
        mine = (m for m in stage.messages() if m["thread_ts"] == ts)
        return next((m for m in mine if "Which one" in m["text"]), None)

    found: dict[str, Any] = await until(question)
    return ts, dict(found)


async def test_a_press_begins_the_task(stage: Stage) -> None:
    ts, question = await asked(stage, "fix the typo on branch dev")
    row = next(block for block in question["blocks"] if block["type"] == "actions")
    assert [part["action_id"] for part in row["elements"]] == ["pick_0", "repository"]
    await stage.press_stale(question, "pick_0")
    await until(lambda: "Working in" in stage.slack.messages[question["ts"]]["text"])
    task = await newest(stage)
    assert (task.status, task.source.repository, task.source.ref) == (
        *(Status.QUEUED, "demo/shop"),
        "dev",
    )
    run = await stage.begin_run(task)
    assert run.request == "fix the typo"
    await stage.finish(run, kind="nothing")
    await until(lambda: stage.reactions(ts) == ["white_check_mark"])
    await stage.press_stale(question, "pick_0")
    (told,) = await until(stage.ephemerals)
    assert "named already" in told["text"]


async def test_a_reply_does_as_well_and_nothing_that_was_said_is_lost(stage: Stage) -> None:
    ts, _ = await asked(stage)
    await stage.say("the one with the basket", thread=ts)
    await until(lambda: any("could not read a repository" in m["text"] for m in stage.messages()))
    await stage.say("shop", thread=ts)
    await until(lambda: any("Working in demo/shop" in m["text"] for m in stage.messages()))
    run = await stage.newest_run(await newest(stage))
    assert run.request == "fix the typo\n\nthe one with the basket"


async def test_the_menu_searches(stage: Stage) -> None:
    _, question = await asked(stage)

    async def offered(typed: str) -> list[str]:
        answer = await stage.slack.suggest(question, "repository", typed)
        return [option["value"] for option in answer["options"]]

    assert await offered("") == ["demo/shop"]
    assert await offered("sho") == ["demo/shop"]
    assert await offered("new/one") == ["new/one"]
    assert await offered("none") == []


async def test_a_channel_is_told_its_repository(stage: Stage) -> None:
    await stage.say("<@UBOT> use demo/shop here")
    told = "Requests here that name no repository are about `demo/shop` from now on."
    await until(lambda: any(m["text"] == told for m in stage.messages()))
    assert await stage.tasks() == []
    await stage.ask("fix the typo")
    assert (await stage.task()).source.repository == "demo/shop"
    await stage.say("<@UBOT> forget the default repository")
    await until(lambda: any(m["text"].startswith("Forgotten") for m in stage.messages()))
    await stage.say("<@UBOT> fix the other typo")
    await until(lambda: any("Which one" in m["text"] for m in stage.messages()))
