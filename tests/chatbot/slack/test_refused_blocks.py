"""What a workspace does not take is remembered, for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.slack.blocks.elements import Content, container, raw, section, table
from chatbot.slack.refused_blocks import KEPT_SECONDS, RefusedBlocks
from tests.chatbot.history.lives import Clock
from tests.chatbot.slack.stage import DIFF, staged

pytestmark = pytest.mark.slack_modes

TABLE = table([[raw("a")]])
BOTH = Content(text="x", blocks=(TABLE, container("t", "s", section("x"))), simple=(section("x"),))
ONE = Content(text="x", blocks=(TABLE,), simple=(section("x"),))


def test_a_kind_that_was_named_is_not_tried_again_until_its_time_is_over() -> None:
    clock = Clock()
    refused = RefusedBlocks(clock)
    assert (refused.level(BOTH), refused.level(ONE)) == (0, 0)
    refused.note(BOTH, ["container", "section"])
    assert (refused.level(BOTH), refused.level(ONE)) == (1, 0)
    clock.now += KEPT_SECONDS + 1
    assert refused.level(BOTH) == 0


def test_where_none_is_named_only_the_same_together_is_remembered() -> None:
    refused = RefusedBlocks(Clock())
    refused.note(BOTH, [])
    assert (refused.level(BOTH), refused.level(ONE)) == (1, 0)


async def test_a_workspace_without_tables_is_asked_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.slack.unknown_blocks = {"table", "container"}
        for number in range(2):
            await stage.ask() if number == 0 else await stage.actions.add_message(
                (await stage.task()).id, (await stage.task()).author, "more"
            )
            task = await stage.task()
            await stage.play_change(task, DIFF + b"+y\n" * number)
            await stage.told(task)
        results = [m for m in stage.messages() if "result" in str(m.get("metadata"))]
        assert ["section" in str(m["blocks"]) for m in results] == [True, True]
        assert stage.slack.refused_posts == 1
