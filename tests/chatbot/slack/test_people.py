"""Who is heard: each message once, people but no bots, threads of tasks but no others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chatbot.intake import Intake
from chatbot.models import Task
from chatbot.slack.incoming import Attachment, Incoming, find_incoming
from tests.chatbot.slack.stage import Stage, staged, until

pytestmark = pytest.mark.slack_modes(both=True)


async def settled(stage: Stage) -> None:
    """What was sent before this has been heard: each delivery is answered once it is stored."""
    await stage.history.read(lambda db: db.execute("SELECT 1").fetchone())


async def test_a_mention_makes_one_task_however_often_it_is_delivered(stage: Stage) -> None:
    ts = await stage.ask()
    for _ in range(3):
        await stage.deliver_again(ts)
    task = await stage.task()
    assert (await stage.kinds(task)).count("message_received") == 0
    await stage.begin_run(task)
    await until(lambda: "progress" in stage.shown())
    assert stage.shown() == ["accepted", "progress"]


async def test_a_reply_is_one_message_however_often_it_is_delivered(stage: Stage) -> None:
    ts = await stage.ask()
    reply = await stage.say("and round half up", thread=ts)
    await stage.deliver_again(reply)
    task = await stage.task()
    assert (await stage.kinds(task)).count("message_received") == 1


async def test_a_late_copy_of_a_stop_does_not_stop_the_next_run(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    await stage.finish(run, kind="nothing")
    stop = await stage.say("stop", thread=ts)
    await stage.say("go on", thread=ts)
    await stage.begin_run(await stage.task())
    await stage.deliver_again(stop)
    assert "stop_requested" not in await stage.kinds(task)
    assert stage.shown().count("Nothing is running here.") == 1


async def test_a_mention_in_the_thread_of_a_task_is_a_reply(stage: Stage) -> None:
    ts = await stage.ask()
    await stage.say("<@UBOT> also the docs", thread=ts)
    task = await stage.task()
    assert (await stage.kinds(task)).count("message_received") == 1


async def test_a_mention_in_a_thread_of_people_starts_a_task_there(stage: Stage) -> None:
    talk = await stage.say("the build is broken")
    ts = await stage.ask(thread=talk)
    task = await stage.task()
    assert task.thread is not None
    assert (task.thread.thread_ts, task.thread.message_ts) == (talk, ts)


async def test_direct_messages_need_no_mention(stage: Stage) -> None:
    ts = await stage.say("fix the failing test in demo/shop", channel="D1")
    task = await stage.task()
    assert task.thread is not None
    assert (task.thread.channel, task.thread.thread_ts) == ("D1", ts)
    await stage.say("and the docs", channel="D1", thread=ts)
    assert (await stage.kinds(task)).count("message_received") == 1


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B999"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"user": "USLACKBOT"},
    ],
)
async def test_bots_and_notices_are_not_heard(stage: Stage, more: dict[str, Any]) -> None:
    ts = await stage.ask()
    await stage.say("<@UBOT> do it in demo/shop", **more)
    await stage.say("go on", thread=ts, **more)
    task = await stage.task()
    assert "message_received" not in await stage.kinds(task)


async def test_talk_of_people_is_left_alone(stage: Stage) -> None:
    talk = await stage.say("fix the failing test in demo/shop")
    await stage.say("stop", thread=talk)
    assert await stage.tasks() == []
    assert stage.messages() == []


async def test_replies_are_stored_in_the_order_in_which_they_were_said(stage: Stage) -> None:
    ts = await stage.ask()
    task = await stage.task()
    run = await stage.begin_run(task)
    for number in range(10):
        await stage.say(f"reply {number}", thread=ts)
    assert [m.text for m in await stage.run_messages(run)] == [f"reply {n}" for n in range(10)]


class BrokenIntake(Intake):
    """Fails in a way nobody foresaw."""

    async def ask(self, *_: Any, **__: Any) -> Task:
        raise RuntimeError("xoxb-secret in /srv/threadsmith")


async def test_the_unforeseen_is_told_as_an_id_and_logged_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path, make_intake=BrokenIntake) as stage:
        await stage.say("<@UBOT> fix it in demo/shop")
        (said,) = await until(stage.messages)
        assert "Something went wrong on my side" in said["text"]
        assert "secret" not in said["text"]
        error_id = said["text"].split("`")[1]
        logged = capsys.readouterr().out
        assert error_id in logged
        assert "RuntimeError" in logged
        # And the next one is heard all the same.
        stage.intake = Intake(stage.settings, stage.history, stage.actions)
        await stage.close_front()
        await stage.open_front()
        await stage.ask()


async def test_whoever_is_not_known_is_told_and_heard_the_next_time(stage: Stage) -> None:
    stage.door.plan("users.info", "500", times=10)
    await stage.say("<@UBOT> fix the failing test in demo/shop")
    (told,) = stage.ephemerals()
    assert (told["user"], "say it again" in told["text"]) == ("UADA", True)
    assert await stage.tasks() == []
    stage.door.planned.clear()
    await stage.ask()
    assert (await stage.task()).author.name == "Ada"


async def test_names_are_looked_up_once(stage: Stage) -> None:
    ts = await stage.ask()
    await asyncio.gather(*(stage.say(f"reply {n}", thread=ts) for n in range(5)))
    assert stage.door.count("users.info") == 1


def attached(stage: Stage, data: bytes, size: int) -> list[dict[str, Any]]:
    stage.slack.archives["shop.zip"] = data
    address = f"{stage.door.url}shop.zip"
    return [{"name": "shop.zip", "size": size, "url_private_download": address}]


async def test_an_attached_archive_is_the_source(stage: Stage) -> None:
    await stage.ask("explain this", files=attached(stage, b"PK...", 5))
    task = await stage.task()
    assert (task.source.kind, task.source.repository) == ("zip", "shop.zip")
    path = Path(task.source.path)
    assert path.is_relative_to(stage.settings.data.directory / "uploads")
    assert path.read_bytes() == b"PK..."


async def test_an_archive_that_is_too_large_is_answered_once(stage: Stage) -> None:
    size = 101 * 1024**2
    await stage.say("<@UBOT> explain this", files=attached(stage, b"PK...", size))
    (said,) = await until(stage.messages)
    assert said["text"].startswith("The archive is larger than 100 MiB.")
    assert await stage.tasks() == []


def event(**more: Any) -> dict[str, Any]:
    return {"user": "U1", "channel": "C1", "ts": "1.2", "text": "hi", **more}


def find(**more: Any) -> Incoming | None:
    return find_incoming(event(**more), team="T1", bot_user_id="UBOT")


def test_the_mention_is_taken_out_of_the_words() -> None:
    said = find(text="<@UBOT> fix <@U2>'s test <@UBOT|threadsmith>")
    assert said is not None
    assert (said.words, said.is_addressed, said.key) == (
        "fix <@U2>'s test",
        True,
        "slack:T1:C1:1.2",
    )


def test_the_root_of_a_thread_stands_in_no_thread() -> None:
    said = find(thread_ts="1.2")
    assert said is not None
    assert said.thread_ts is None


def test_files_of_other_places_have_no_address() -> None:
    hosted = {"name": "a.zip", "size": 3, "url_private_download": "https://files.slack.com/a.zip"}
    said = find(subtype="file_share", files=[hosted, {**hosted, "is_external": True}, "odd"])
    assert said is not None
    assert said.attachments == (
        Attachment(name="a.zip", url="https://files.slack.com/a.zip", size=3, is_zip=True),
        Attachment(name="a.zip", url="", size=3, is_zip=True),
    )
