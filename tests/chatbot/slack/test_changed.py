"""Edits, deletions and places that close and open again, over the real Bolt app."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from chatbot.models import Status
from chatbot.slack.clients import make_client
from chatbot.slack.outbound import Outbound
from chatbot.slack.reporter import Reporter
from tests.chatbot.slack.stage import REQUEST, Stage, until

pytestmark = pytest.mark.slack_modes(both=True)


async def test_an_edit_before_the_start_replaces_the_request(stage: Stage) -> None:
    ts = await stage.ask()
    await stage.slack.edit(ts, "<@UBOT> fix the rounding of totals in demo/shop")
    task = await stage.task()
    assert task.request == "fix the rounding of totals"
    run = await stage.begin_run(task)
    assert run.request == "fix the rounding of totals"
    # An unfurled link changes a message too, but nobody edited it.
    await stage.slack.edit(ts, "<@UBOT> fix the rounding of totals in demo/shop")
    assert "message_received" not in await stage.kinds(task)


async def test_an_edit_while_it_runs_reaches_the_agent_once(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.slack.edit(ts, f"<@UBOT> {REQUEST} and keep the old names")
    (message,) = await stage.run_messages(run)
    assert message.text.startswith("I have edited my request.")
    assert "keep the old names" in message.text
    assert (await stage.task()).request == "fix the failing test"
    await stage.actions.record_delivered(run.id, [message.id], 2)
    await stage.finish(run, kind="nothing")
    await stage.told(task)
    await stage.slack.edit(ts, "<@UBOT> something else in demo/shop")
    assert (await stage.task()).status == Status.DONE


async def test_an_edit_to_another_repository_begins_anew_there(stage: Stage) -> None:
    ts = await stage.ask()
    await stage.slack.edit(ts, "<@UBOT> fix the failing test in demo/other")
    task = await stage.task()
    assert (task.status, task.source.repository) == (Status.QUEUED, "demo/other")
    run = await stage.newest_run(task)
    assert (run.number, run.finished_at) == (2, None)
    await until(lambda: "result" in stage.shown())
    assert "begin anew" in stage.words("result")


async def test_an_edit_that_names_the_repository_is_the_answer(stage: Stage) -> None:
    ts = await stage.ask("fix the failing test")
    await until(stage.shown)
    await stage.slack.edit(ts, "<@UBOT> fix the failing test in demo/shop")
    task = await stage.task()
    assert (task.status, task.source.repository) == (Status.QUEUED, "demo/shop")


async def test_a_question_for_the_repository_comes_back_when_it_is_deleted(stage: Stage) -> None:
    await stage.ask("fix the failing test")
    await until(stage.shown)
    (key,) = stage.shown()
    await stage.slack.remove(stage.one(key)["ts"])
    await until(lambda: stage.shown() == [key])


async def test_what_is_deleted_just_when_all_was_told_comes_back_too(stage: Stage) -> None:
    await stage.ask("fix the failing test")
    task = await stage.task()
    await stage.told(task)
    await until(stage.shown)
    (key,) = stage.shown()
    name = stage.one(key)["metadata"]["event_payload"]["kind"]
    await stage.close_front()
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended.set_result(None)
    async with aiohttp.ClientSession() as session:
        client = make_client(stage.slack.bot_token, stage.door.url, session, retries=False)
        outbound = Outbound(client)
        reporter = Reporter(
            *(stage.history, outbound), team="T1", bot_id="BBOT", public_url="", places=1
        )
        following = asyncio.create_task(reporter.run())
        reporter._wake(task.id, look=False)
        telling = reporter._tellings[task.id]
        (first,) = reporter._running
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        stage.delete(key)
        # As if it had had nothing more to do just when it was told of this.
        reporter._tellings[task.id] = telling
        telling.forget(name)
        reporter._ended(task.id, ended)
        await until(lambda: stage.shown() == [key])
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_the_bots_name_written_in_later_is_a_request(stage: Stage) -> None:
    ts = await stage.say("fix the failing test in demo/shop")
    assert await stage.tasks() == []
    await stage.slack.edit(ts, "<@UBOT> fix the failing test in demo/shop")
    assert (await stage.task()).source.repository == "demo/shop"


async def test_an_edited_follow_up_is_told_and_a_deleted_one_withdrawn(stage: Stage) -> None:
    ts = await stage.ask()
    run = await stage.begin_run(await stage.task())
    reply = await stage.say("use float", thread=ts)
    await stage.slack.edit(reply, "use Decimal")
    await stage.slack.remove(reply)
    first, edited, withdrawn = await stage.run_messages(run)
    assert first.text == "use float"
    assert edited.text.endswith("It now reads:\n\nuse Decimal")
    assert withdrawn.text.startswith("I have deleted an earlier message")


async def test_a_follow_up_that_waits_is_replaced_and_ends_with_its_message(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    await stage.finish(await stage.begin_run(task), kind="nothing")
    reply = await stage.say("use float", thread=ts)
    await stage.slack.edit(reply, "use Decimal")
    assert (await stage.newest_run(task)).request == "use Decimal"
    await stage.slack.remove(reply)
    run = await stage.newest_run(task)
    assert (run.number, run.outcome) == (2, "stopped")
    await stage.told(task)


async def test_a_deleted_request_stops_the_run_and_says_why(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.slack.remove(ts)
    assert (await stage.kinds(task)).count("stop_requested") == 1
    await stage.finish(run, kind="stopped")
    await stage.told(task)
    assert stage.words("result").startswith("The request was deleted, so I stopped.")


async def test_of_our_messages_what_needs_an_answer_is_posted_anew(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    await stage.play_change(task)
    await stage.told(task)
    await stage.slack.remove(stage.one("gate")["ts"])
    await until(lambda: "gate" in stage.shown())
    await stage.slack.remove(stage.one("result")["ts"])
    await stage.press("gate", "discard")
    await until(lambda: "Discarded" in stage.words("gate"))
    await stage.told(task)
    assert stage.shown().count("gate") == 1
    assert "result" not in stage.shown()


async def test_an_archived_channel_is_caught_up_with_when_it_opens(stage: Stage) -> None:
    await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    for method in ("chat.postMessage", "chat.update", "reactions.add", "reactions.remove"):
        stage.door.plan(method, "is_archived", times=50)
    await stage.finish(run, kind="nothing")
    await until(lambda: any(planned.times < 50 for planned in stage.door.planned))
    assert "result" not in stage.shown()
    stage.door.planned.clear()
    await stage.slack.tell(type="channel_unarchive", channel="C1", user="UADA")
    await until(lambda: "result" in stage.shown())
    # And the same where the bot was taken out, and is asked in again.
    await stage.slack.tell(type="member_joined_channel", channel="C1", user="UBOT")
    await stage.told(task)
    assert stage.shown().count("result") == 1


async def test_a_reply_that_is_sent_to_the_channel_too_is_one_reply(stage: Stage) -> None:
    ts = await stage.ask()
    run = await stage.begin_run(await stage.task())
    await stage.say("and the docs", thread=ts, subtype="thread_broadcast")
    (message,) = await stage.run_messages(run)
    assert message.text == "and the docs"
