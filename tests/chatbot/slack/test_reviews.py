"""The review: pages through the files, keeps what was said, and sends it once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.models import Status
from tests.chatbot.slack.stage import DIFF, Stage, staged, texts, until

pytestmark = pytest.mark.slack_modes(both=True)

Json = dict[str, Any]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        await stage.ask()
        task = await stage.task()
        await stage.play_change(task, DIFF + OTHER)
        await stage.told(task)
        yield stage


OTHER = b"""diff --git a/shop/`<!channel>`.py b/shop/`<!channel>`.py
--- a/shop/`<!channel>`.py
+++ b/shop/`<!channel>`.py
@@ -10,2 +10,2 @@ def f():
 kept
-old
+new
"""


async def opened(stage: Stage) -> Json:
    await stage.press("result", "review", "UBOB")
    return (await until(stage.views))[-1]  # type: ignore[no-any-return]


def fill(view: Json, remark: str = "", lines: str = "") -> Json:
    given = {"remark": remark, "lines": lines}
    names = [b["block_id"] for b in view["blocks"] if b["type"] == "input"]
    return {name: {"value": {"value": given[name.partition(".")[0]]}} for name in names}


async def press(stage: Stage, view: Json, action: str, **given: str) -> Json:
    before = len(stage.views())
    await stage.slack.press_view(view, action, fill(view, **given), "UBOB")
    await until(lambda: len(stage.views()) > before)
    return stage.views()[-1]


async def test_remarks_on_several_files_become_one_follow_up(stage: Stage) -> None:
    first = await opened(stage)
    assert "File 1 of 2 · `shop/cart.py` · +2 \u22121" in texts(first["blocks"])
    # Each line with its number, and its sign still first.
    assert "+    1  total = 1" in texts(first["blocks"])
    second = await press(stage, first, "review_next", remark="Why one?", lines="1")
    assert "File 2 of 2 · `shop/\u02cb&lt;!channel&gt;\u02cb.py`" in texts(second["blocks"])
    assert "+   11  new" in texts(second["blocks"])
    assert "*1 remark so far*\n`shop/cart.py:1` Why one?" in texts(second["blocks"])
    third = await press(stage, second, "review_add", remark="<!here> no", lines="10 – 11")
    answer = await stage.slack.submit(third, fill(third, remark="Rename it."), "UBOB")
    assert not answer
    task = await stage.task()
    assert task.status == Status.QUEUED
    run = await stage.newest_run(task)
    assert (run.author.name, run.request) == (
        "Bob",
        "Remark on shop/cart.py:1: Why one?\n> total = 1\n\n"
        "Remark on shop/`<!channel>`.py:10-11: <!here> no\n> kept\n> new\n\n"
        "Remark on shop/`<!channel>`.py: Rename it.",
    )
    await until(lambda: "Changes requested by <@UBOB>" in stage.words("gate"))
    # Sent once more, nothing more is said.
    await stage.slack.submit(third, fill(third, remark="Rename it."), "UBOB")
    assert (await stage.kinds(task)).count("message_received") == 1


async def test_what_cannot_be_taken_keeps_the_words(stage: Stage) -> None:
    first = await opened(stage)
    answer = await stage.slack.submit(first, fill(first), "UBOB")
    assert answer["errors"] == {"remark.0": "Write a remark first."}
    answer = await stage.slack.submit(first, fill(first, remark="x", lines="a"), "UBOB")
    assert answer["errors"] == {"lines.0": "A line, such as 12, or two, such as 12-14."}
    same = await press(stage, first, "review_next", remark="x", lines="a")
    # The fields keep their names, so Slack keeps what is in them.
    assert "File 1 of 2" in texts(same["blocks"])
    assert [b["block_id"] for b in same["blocks"] if b["type"] == "input"] == [
        "lines.0",
        "remark.0",
    ]
    assert "A line, such as 12" in texts(same["blocks"])
    assert (await stage.task()).status == Status.READY


async def test_as_many_remarks_as_slack_keeps(stage: Stage) -> None:
    view = await opened(stage)
    for _ in range(3):
        view = await press(stage, view, "review_add", remark="🙂" * 400)
    full = await press(stage, view, "review_add", remark="x" * 800)
    assert "send what there is first" in texts(full["blocks"])
    assert not await stage.slack.submit(full, fill(full), "UBOB")
    assert (await stage.newest_run(await stage.task())).request.count("Remark on") == 3


async def test_two_presses_at_once_turn_one_page(stage: Stage) -> None:
    first = await opened(stage)
    second = await press(stage, first, "review_next")
    await stage.slack.press_view(first, "review_next", fill(first), "UBOB")
    assert stage.views()[-1] == second
    assert "review_next" not in str(second["blocks"])


async def test_remarks_after_the_gate_are_heard_too(stage: Stage) -> None:
    view = await opened(stage)
    await stage.press("gate", "discard", "UADA")
    assert not await stage.slack.submit(view, fill(view, remark="Still: why?"), "UBOB")
    task = await stage.task()
    assert (task.status, (await stage.newest_run(task)).request) == (
        Status.QUEUED,
        "Remark on shop/cart.py: Still: why?",
    )
    # Everybody in the thread sees what the next run was told.
    await stage.begin_run(task)
    said = "Bob: Remark on shop/cart.py: Still: why?"
    await until(lambda: any(said in texts(m.get("blocks") or []) for m in stage.messages()))
