"""A first word that asks nothing of a repository is answered with how to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.request.small_talk import asks_nothing
from chatbot.slack.command_line import HELP
from tests.chatbot.slack.ways import Ways, texts, ways_in

pytestmark = pytest.mark.slack_modes(both=True)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(tmp_path) as found:
        yield found


@pytest.mark.parametrize("words", ["hello!", "what can you do?", "thanks :pray:", "你能做什么？"])
async def test_a_greeting_gets_one_answer_and_begins_nothing(ways: Ways, words: str) -> None:
    ts = await ways.workspace.post("ada", "shop", f"@Threadsmith {words}")
    await ways.workspace.wait_for(lambda: len(ways.workspace.messages("shop", ts)) > 1)
    # What is asked next in the channel stands behind all that came of the first.
    await ways.workspace.post("ada", "shop", "@Threadsmith fix the login in acme/api")
    task = await ways.task()
    assert task.request == "fix the login"
    answers = ways.workspace.messages("shop", ts)[1:]
    assert [HELP.splitlines()[0] in texts(answer) for answer in answers] == [True]
    assert "fix the flaky retry test in acme/api" in texts(answers)


async def test_a_direct_message_that_greets_is_answered_too(ways: Ways) -> None:
    channel = await ways.workspace.open_dm("ada")
    ts = await ways.workspace.post("ada", channel, "hi there")
    await ways.workspace.wait_for(lambda: len(ways.workspace.messages(channel, ts)) > 1)
    assert HELP.splitlines()[0] in texts(ways.workspace.messages(channel, ts)[1:])
    assert await ways.tasks() == []


SMALL = """hello
Hi team!
help
help me please
What can you do?
how do I use this?
thanks!
good morning everyone :wave:
你好
谢谢大家
怎么用？
你是谁
你可以做什么
hey, who are you?""".splitlines()
ASKED = """
👍
help page is blank
help me fix the login
hello world prints twice
please
thanks page shows a 404
what can you do about the flaky test?
你好 页面白屏
hi acme/api
how does this function work?
ok do it
this fails
早餐页面打不开""".splitlines()


@pytest.mark.parametrize("words", SMALL)
def test_nothing_is_asked(words: str) -> None:
    assert asks_nothing(words)


@pytest.mark.parametrize("words", ASKED)
def test_something_is_asked_or_nothing_is_said(words: str) -> None:
    assert not asks_nothing(words)


def test_in_a_thread_help_is_wanted_with_what_stands_above() -> None:
    assert not asks_nothing("can you help?", alone=False)
    assert asks_nothing("thanks!", alone=False)


@pytest.mark.parametrize(
    "words", ["辛苦了" * 60 + "x", "!? " * 60 + "x", "thanks a lot " * 14 + "x"]
)
def test_words_that_go_on_are_read_at_once(words: str) -> None:
    """Each could be parted in many ways, all of which would be tried."""
    assert not asks_nothing(words)
