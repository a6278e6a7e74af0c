"""*Fix this*, on messages of people and of other apps: what they hold comes along."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.history import given
from chatbot.models import Task
from tests.chatbot.slack.ways import Json, Ways, filled, texts, ways_in
from tests.pictures import PNG

ALERT: Json = {
    "text": "",
    "attachments": [
        {
            "title": "unit tests of acme/api failed",
            "text": "test_retry: expected 3, got 2",
            "fallback": "failed",
        }
    ],
}


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


def alert(ways: Ways, **more: Any) -> str:
    """Another app posts it."""
    state = ways.workspace.state
    message = {"type": "message", "subtype": "bot_message", "bot_id": "B0CI", "username": "CI bot"}
    message |= {"ts": state.new_ts(), **ALERT, **more}
    state.add_message(state.channel("shop"), message)
    return str(message["ts"])


def written(view: Json) -> str:
    """What stands in the field for words."""
    field = next(block for block in view["blocks"] if block.get("block_id") == "words")
    return str(field["element"].get("initial_value"))


def chosen(view: Json) -> str | None:
    field = next(block for block in view["blocks"] if block.get("block_id") == "repository")
    option = field["element"].get("initial_option")
    return option and str(option["value"])


async def along(ways: Ways, task: Task) -> list[str]:
    found = await ways.history.read(lambda db: given.of_task(db, task.id))
    return [item.name for item in found]


async def test_files_links_and_the_thread_come_along(ways: Ways) -> None:
    root = await ways.workspace.post("grace", "shop", "Checkout is broken since Monday")
    ts = await ways.workspace.post(
        "grace",
        "shop",
        "it is in acme/api, see https://github.com/acme/api/issues/7",
        thread_ts=root,
        files={"app.log": b"Traceback\n", "shot.png": PNG},
    )
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    view = ways.view()
    assert written(view) == "it is in acme/api, see https://github.com/acme/api/issues/7"
    assert chosen(view) == "acme/api"
    assert "About a message of <@U0GRACE>" in texts(view)
    assert "2 files of it come along" in texts(view)
    fields = filled("mend the checkout", repository="acme/api")
    answer = await ways.workspace.submit_view("ada", view["id"], fields)
    assert "errors" not in answer
    task = await ways.task()
    assert task.thread is not None
    assert (task.thread.thread_ts, task.request) == (root, "mend the checkout")
    assert (task.author.name, task.source.repository) == ("Ada Young", "acme/api")
    names = await along(ways, task)
    assert names[:3] == ["what was said above", "app.log", "shot.png"]
    assert names[3:] == ["https://github.com/acme/api/issues/7"]
    # Pressed again in that thread it is a word of the same conversation, with its files.
    await ways.workspace.shortcut("grace", "fix_this", "shop", ts)
    await ways.workspace.submit_view("grace", ways.view("grace")["id"], filled("the page, too"))
    await ways.said_in(root, "<@U0GRACE> asks: the page, too")
    assert len(await ways.tasks()) == 1
    assert (await along(ways, task))[4:][:2] == ["app.log", "shot.png"]


async def test_a_zip_is_what_is_worked_in(ways: Ways) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "one\n")
    files = {"shop.zip": packed.getvalue()}
    ts = await ways.workspace.post("grace", "shop", "this is odd", files=files)
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    await ways.workspace.submit_view("ada", ways.view()["id"], filled("mend it"))
    task = await ways.task()
    assert (task.source.kind, task.source.repository) == ("zip", "shop.zip")
    assert await along(ways, task) == ["what was said above"]


async def test_an_alert_of_another_app(ways: Ways) -> None:
    ts = alert(ways)
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    view = ways.view()
    assert written(view) == "unit tests of acme/api failed\ntest_retry: expected 3, got 2"
    assert "About a message of CI bot" in texts(view)
    assert chosen(view) == "acme/api"
    fields = filled(written(view), repository="acme/api")
    await ways.workspace.submit_view("ada", view["id"], fields)
    task = await ways.task()
    assert task.thread is not None
    assert (task.thread.thread_ts, task.source.repository) == (ts, "acme/api")
    assert "expected 3, got 2" in task.request


async def test_a_very_long_alert_fits_its_form(ways: Ways) -> None:
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"line {n} <!channel> {'x' * 900}"}}
        for n in range(9)
    ]
    ts = alert(ways, blocks=blocks, attachments=[], username="<!here> `CI`")
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    view = ways.view()
    assert len(written(view)) <= 3000
    assert "line 0 @channel" in written(view)
    assert "<!here>" not in json.dumps(view["blocks"])


async def test_what_is_gone_meanwhile_is_told(ways: Ways) -> None:
    ts = await ways.workspace.post("grace", "shop", "odd", files={"app.log": b"Traceback\n"})
    await ways.workspace.shortcut("ada", "fix_this", "shop", ts)
    await ways.workspace.delete("shop", ts)
    fields = filled("mend it in acme/api")
    assert await ways.workspace.submit_view("ada", ways.view()["id"], fields) == {}
    told = await ways.said_in(None, "is not there any more", channel="D0ADA")
    assert told.endswith("&gt; mend it in acme/api")
    assert await ways.tasks() == []
