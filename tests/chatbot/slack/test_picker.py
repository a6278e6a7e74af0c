"""A request that names no repository: the thread asks, and begins once somebody has answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.history import queries
from chatbot.models import Status, Task
from chatbot.source_changes import ANSWER_SECONDS
from tests.chatbot.slack.stage import Stage, staged, texts, until

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
    assert told["text"] == "Ada has named the repository already: demo/shop."


async def test_of_two_at_once_one_wins_and_the_other_is_told_who(stage: Stage) -> None:
    _, question = await asked(stage)
    await asyncio.gather(
        stage.press_stale(question, "pick_0", "UADA"),
        stage.press_stale(question, "pick_0", "UBOB"),
    )
    (told,) = await until(stage.ephemerals)
    winner, loser = ("Bob", "UADA") if told["user"] == "UADA" else ("Ada", "UBOB")
    assert told["user"] == loser
    assert told["text"] == f"{winner} has named the repository already: demo/shop."
    task = await newest(stage)
    assert (await stage.kinds(task)).count("source_named") == 1
    run = await stage.newest_run(task)
    assert run.number == 2


async def test_who_may_not_ask_there_is_told_who_can_and_the_question_stands(
    tmp_path: Path,
) -> None:
    rules = (RuleSettings(match="demo/*", ask=("UADA",)),)
    async with staged(tmp_path, rules=rules) as stage:
        ts, question = await asked(stage)
        # The channel has heard of it before: else it would not be offered aloud.
        await stage.press_stale(question, "pick_0", "UBOB")
        (told,) = await until(stage.ephemerals)
        assert told["user"] == "UBOB"
        assert "Ada" in told["text"]
        assert (await newest(stage)).source.repository == ""
        await stage.say("demo/shop", thread=ts, user="UBOB")
        (told, _) = await until(lambda: stage.ephemerals() if len(stage.ephemerals()) > 1 else [])
        assert (await newest(stage)).source.repository == ""
        await stage.press_stale(question, "pick_0", "UADA")
        await until(lambda: "Working in" in stage.slack.messages[question["ts"]]["text"])


async def test_a_question_that_nobody_answered_says_so_and_is_asked_again(stage: Stage) -> None:
    ts, question = await asked(stage)
    task = await newest(stage)

    def shown() -> str:
        return texts(stage.slack.messages[question["ts"]]["blocks"])

    assert "The question expires" in shown()
    late = replace(stage.actions, clock=lambda: time.time() + ANSWER_SECONDS + 1)
    overdue = partial(queries.overdue_tasks, now=late.clock())
    assert task.id in [one.id for one in await stage.history.read(overdue)]
    await late.expire(task.id)
    await until(lambda: "Nobody said in time" in shown())
    assert task.id not in [one.id for one in await stage.history.read(overdue)]
    now = dict(stage.slack.messages[question["ts"]])
    assert "pick_0" not in str(now["blocks"])
    await stage.press_stale(now, "ask_repository_again", "UBOB")
    await until(lambda: "Which one" in shown())
    await stage.press_stale(now, "ask_repository_again")
    (told,) = await until(stage.ephemerals)
    assert told["text"] == "It is asked already."
    await stage.press_stale(stage.slack.messages[question["ts"]], "pick_0")
    await until(lambda: "Working in" in shown())
    assert (await newest(stage)).deadline_at is not None
    await stage.press_stale(now, "ask_repository_again")
    await until(lambda: len(stage.ephemerals()) == 2)
    assert "has named the repository already" in stage.ephemerals()[-1]["text"]
    # A name that is typed begins it at any time.
    await stage.say("shop", thread=ts)
    assert (await newest(stage)).source.repository == "demo/shop"


async def test_a_typed_name_begins_it_though_the_question_has_expired(stage: Stage) -> None:
    ts, question = await asked(stage)
    task = await newest(stage)
    late = replace(stage.actions, clock=lambda: time.time() + ANSWER_SECONDS + 1)
    await late.expire(task.id)
    message = stage.slack.messages[question["ts"]]
    await until(lambda: "Nobody said in time" in texts(message["blocks"]))
    await stage.say("acme/elsewhere", thread=ts)
    await until(lambda: "Working in" in texts(stage.slack.messages[question["ts"]]["blocks"]))
    assert (await newest(stage)).source.repository == "acme/elsewhere"


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
