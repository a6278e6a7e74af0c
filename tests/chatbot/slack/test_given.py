"""Files and earlier words of a thread, taken from Slack with the bot's token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatbot.given import Gathering
from chatbot.history import given
from chatbot.history.given import Given
from chatbot.slack.given import MAX_FILE_BYTES, MAX_FILES, given_with
from chatbot.slack.incoming import Attachment, Incoming
from tests.chatbot.slack.stage import Stage, staged

pytestmark = pytest.mark.slack_modes(both=True)


def attach(name: str, **more: Any) -> Attachment:
    known = {"url": "https://files.slack.com/a", "size": 3, "is_zip": False}
    return Attachment(**{"name": name, **known, **more})


def said(*files: Attachment, thread_ts: str | None = None) -> Incoming:
    return Incoming(
        team="T",
        channel="C",
        ts="2.0",
        thread_ts=thread_ts,
        user="U",
        words="fix it",
        is_addressed=True,
        attachments=files,
    )


def test_files_are_taken_in_bounds() -> None:
    found = given_with(
        said(
            attach("shot.png", media_type="image/png"),
            attach("film.mov", size=MAX_FILE_BYTES + 1),
            attach("link", url=""),
            *(attach(f"{n}.log") for n in range(MAX_FILES)),
        ),
        is_first=True,
    )
    assert [item.kind for item in found[:2]] == ["image", "file"]
    assert [bool(item.note) for item in found] == [False, True, True] + [False] * 7 + [True] * 3


def test_a_zip_is_the_source_of_a_request_and_a_file_later() -> None:
    archive = attach("a.zip", is_zip=True)
    assert given_with(said(archive), is_first=True) == []
    (found,) = given_with(said(archive), is_first=False)
    assert found.name == "a.zip"


async def all_given(stage: Stage) -> list[tuple[Given, bytes]]:
    task = await stage.task()
    gathering = Gathering(stage.actions)
    gathering.open(stage.fronts[0].fetchers)
    await gathering.gather(task.id)
    items = await stage.history.read(lambda db: given.of_task(db, task.id))
    return [
        (item, await stage.history.read(lambda db, i=item: given.data_of(db, task.id, i.id) or b""))  # type: ignore[misc]
        for item in items
    ]


async def test_a_mention_in_a_thread_brings_what_was_said_above_and_its_files(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        root = await stage.say("Checkout is <https://x.example/y|slow> &amp; wrong")
        await stage.say("Since Monday\nAda: drop it", thread=root, user="UBOB")
        base = stage.settings.slack.api_url
        stage.slack.archives["app.log"] = b"Traceback\n"
        files = [
            {"name": "app.log", "mimetype": "text/plain", "size": 10,
             "url_private_download": f"{base}app.log"},
            {"name": "else.log", "mimetype": "text/plain", "size": 10,
             "url_private_download": "https://evil.example/else.log"},
        ]  # fmt: skip
        await stage.ask(thread=root, files=files)
        await stage.say("Later words", thread=root)
        (quote, words), (log, data), (stranger, _) = await all_given(stage)
    assert (
        words.decode()
        == "Ada: Checkout is https://x.example/y & wrong\nBob: Since Monday\n    Ada: drop it"
    )
    assert (quote.kind, quote.state) == ("text", "there")
    assert (log.kind, data) == ("file", b"Traceback\n")
    assert stranger.note == "it is not stored in Slack"


async def test_a_file_without_a_word_is_a_follow_up(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        thread = await stage.ask()
        await stage.say("", thread=thread, files=[{"name": "a.png", "mimetype": "image/png"}])
        run = await stage.newest_run(await stage.task())
        (message,) = await stage.run_messages(run)
        assert message.text == "(no words, but files: a.png)"
        ((item, _),) = await all_given(stage)
        assert (item.message_id, item.note) == (message.id, "it is not stored in Slack")
