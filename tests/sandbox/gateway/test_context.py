"""A long conversation within the model's window: what goes, what stays, and when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import ContextTooLong
from sandbox.gateway.context import (
    HIGH_SHARE,
    KEEP_TURNS,
    PICTURE_CLEARED,
    clear,
    clear_message,
    find_cut,
    window_tokens,
)
from sandbox.llm.provider import Image, Message, Reply, Text, ToolCall, ToolResult, Usage
from sandbox.recorder import Turn
from sandbox.spec import Limits
from tests.sandbox.gateway.conftest import Open, answers, first
from tests.sandbox.scripted_provider import ScriptedProvider

LONG = "x" * 1000


def make_turn(number: int, tokens: int, text: str = LONG) -> Turn:
    call = ToolCall(f"c{number}", "bash", {"command": "ls"})
    reply = Reply(
        content=(Text("I look."), call),
        stop="tool_calls",
        model="m",
        usage=Usage(input_tokens=tokens),
    )
    said = (ToolResult(f"c{number - 1}", text, False), Text(f"words {number}"))
    message = Message("user", said if number else (Text("# Task\nMend it."),))
    return Turn(number=number, request_sha256="", messages=(message,), reply=reply)


def test_nothing_goes_while_there_is_room() -> None:
    turns = [make_turn(number, 59) for number in range(20)]
    assert find_cut(turns, 100) == 0
    assert clear(turns, 0) == turns


def test_results_alone_go_and_the_newest_stay() -> None:
    turns = [make_turn(number, 10 * number) for number in range(12)]
    cut = find_cut(turns, 100)
    assert cut == 12 - KEEP_TURNS
    cleared = clear(turns, cut)
    assert cleared[cut:] == turns[cut:]
    assert cleared[0].messages == turns[0].messages
    block, words = cleared[1].messages[0].content
    assert isinstance(block, ToolResult)
    assert (
        block.text == "[cleared to save room: 1,000 characters; look again if it is still needed]"
    )
    assert words == Text("words 1")
    assert [turn.reply for turn in cleared] == [turn.reply for turn in turns]


@given(st.lists(st.integers(0, 200), max_size=60))
def test_what_was_cleared_stays_so_and_follows_from_the_turns(tokens: list[int]) -> None:
    turns = [make_turn(number, used, "short") for number, used in enumerate(tokens)]
    cuts = [find_cut(turns[:count], 100) for count in range(len(turns) + 1)]
    assert cuts == sorted(cuts)
    assert all(cut <= max(0, count - KEEP_TURNS) for count, cut in enumerate(cuts))


def test_the_window_is_the_configurations_or_the_models() -> None:
    assert window_tokens("anthropic", "claude-opus-4-5-20251101", 0) == 200_000
    assert window_tokens("openai", "some-own-model", 0) == 128_000
    # Past 272,000 tokens every token costs more.
    assert window_tokens("openai", "gpt-6.2-sol", 0) * HIGH_SHARE == pytest.approx(272_000, abs=1)
    assert window_tokens("openai", "some-own-model", 32_000) == 32_000


def results(call_id: str, text: str = LONG) -> dict[str, Any]:
    request = answers(call_id)
    request["messages"][0]["content"][0]["text"] = text
    return request


def calling(number: int, tokens: int) -> Reply:
    return make_turn(number, tokens).reply


async def test_the_gateway_sends_what_fits(open_house: Open) -> None:
    # Too full from the tenth turn on; each time there is a result to clear, and that is enough.
    replies = [calling(number, 610 if number > 8 else 100) for number in range(14)]
    house = await open_house(
        provider=ScriptedProvider(replies), limits=Limits(context_tokens=1000, turns=50)
    )
    await house.turn(0, first())
    for number in range(1, 14):
        assert (await house.turn(number, results(f"c{number - 1}")))[0] == 200
    sent = [
        block.text
        for message in house.provider.asked[-1].messages
        for block in message.content
        if isinstance(block, ToolResult)
    ]
    assert [text == LONG for text in sent] == [False] * 4 + [True] * 9
    assert house.recorder.payloads("context_cleared") == [{"turns": cut} for cut in range(2, 6)]


class Full(ScriptedProvider):
    """Takes so many characters and no more."""

    async def reply(self, conversation: Any, *, model: str) -> Reply:
        size = sum(len(str(message)) for message in conversation.messages)
        if size > 4000:
            raise ContextTooLong
        return await super().reply(conversation, model=model)


async def test_a_model_that_says_it_is_too_long_gets_less(open_house: Open) -> None:
    house = await open_house(
        provider=Full([calling(number, 1) for number in range(9)]), limits=Limits(turns=50)
    )
    await house.turn(0, first())
    for number in range(1, 6):
        assert (await house.turn(number, results(f"c{number - 1}")))[0] == 200
    assert house.recorder.payloads("context_cleared") != []
    assert house.recorder.kept_summaries == []


def test_pictures_that_a_tool_found_are_cleared_and_those_of_people_stay() -> None:
    picture = Image("image/png", "iVBORw0KGgo=")
    found = Message("user", (ToolResult("a", "ok"), picture))
    sent = Message("user", (Text("Like this."), picture))
    assert clear_message(found).content[1] == Text(PICTURE_CLEARED)
    assert clear_message(sent) == sent
