"""Where clearing is not enough: the summary, what it leaves, and what a restart knows of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.errors import ContextTooLong, ProviderError
from sandbox.gateway.summing import HEAD, SUM_UP, has_to_be_summed, head
from sandbox.llm.provider import (
    Conversation,
    Image,
    Message,
    Reply,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from sandbox.recorder import Summary, Turn
from sandbox.spec import Limits
from tests.sandbox.gateway.conftest import Open, first, says
from tests.sandbox.gateway.test_context import calling, make_turn, results
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.scripted_provider import ScriptedProvider, said

LIMITS = Limits(context_tokens=1000, turns=50)
WORDS = "Found: the sum in a.py:3."


def texts(conversation: Conversation) -> list[str]:
    return [b.text for m in conversation.messages for b in m.content if isinstance(b, Text)]


def test_where_clearing_frees_enough_nothing_is_summed() -> None:
    turns = [make_turn(number, 10) for number in range(11)] + [make_turn(11, 900)]
    # Three results of a thousand characters can go now.
    assert not has_to_be_summed(turns, 0, 1300)
    assert has_to_be_summed(turns, 0, 300)
    assert not has_to_be_summed(turns, 6, 300)  # it was done six turns ago
    full = [*turns[:10], make_turn(10, 900), make_turn(11, 900)]
    assert has_to_be_summed(full, 0, 1300)  # only one more than before
    assert not has_to_be_summed([*turns[:-1], make_turn(11, 500)], 0, 1300)


def with_plan(turn: Turn, title: str) -> Turn:
    items = [{"title": title, "status": "complete"}, {"title": "Test", "status": "pending"}]
    plan = ToolCall("p", "plan", {"items": items})
    return replace(turn, reply=replace(turn.reply, content=(*turn.reply.content, plan)))


def test_requests_people_s_words_and_the_plan_stay() -> None:
    turns = [make_turn(number, 1) for number in range(6)]
    tools = (Tool("bash", "Run.", {}),)
    picture = Image("image/png", "AAAA")
    task = Message("user", (Text("# Task\nMend it."), picture, Text("# Workspace")))
    turns[0] = replace(turns[0], system="s", tools=tools, messages=(task,))
    asked = Message("user", (Text("# Follow-up\nAnd that."), Text("Message from Bob: now")))
    turns[3] = replace(turns[3], system="s", tools=tools, messages=(asked,))
    turns[4] = replace(
        turns[4], messages=(Message("user", (Text("Message from Ada: tabs"), Text("Turns left"))),)
    )
    turns[1], turns[2] = with_plan(turns[1], "Old"), with_plan(turns[2], "Mend")
    stands_for = head(turns, Summary(until=5, text=WORDS))
    assert stands_for.content == (
        Text("# Task\nMend it."),
        picture,
        Text("# Workspace"),
        Text("# Follow-up\nAnd that."),
        Text("Message from Bob: now"),
        Text("Message from Ada: tabs"),
        Text(HEAD.format(WORDS)),
        Text("Your plan as it stands:\n[x] Mend\n[ ] Test"),
    )


async def fill(house: Any, until: int, *, begin: int = 1) -> None:
    for number in range(begin, until):
        status, answer = await house.turn(number, results(f"c{number - 1}"))
        assert status == 200, answer


def full(count: int) -> list[Reply | ProviderError]:
    """The last of these turns is too full, and its results are short of what it takes."""
    return [calling(number, 100) for number in range(count - 1)] + [calling(count - 1, 2000)]


async def test_the_model_sums_up_once_and_goes_on_from_there(open_house: Open) -> None:
    summing = replace(said(WORDS), usage=Usage(input_tokens=700, output_tokens=30))
    provider = ScriptedProvider([*full(9), summing, calling(9, 120), calling(10, 130)])
    house = await open_house(provider=provider, limits=LIMITS)
    await house.turn(0, first())
    await fill(house, 11)
    asked = provider.asked[9]
    assert texts(asked)[-1] == SUM_UP
    assert asked.tools == provider.asked[8].tools
    after = provider.asked[10]
    assert texts(after)[:2] == ["# Task\nMend it.", HEAD.format(WORDS)]
    assert [m.role for m in after.messages] == ["user"]
    assert not any(isinstance(b, ToolResult) for m in after.messages for b in m.content)
    later = provider.asked[11]
    assert [m.role for m in later.messages] == ["user", "assistant", "user"]
    (result,) = later.messages[2].content
    assert isinstance(result, ToolResult)
    assert house.recorder.kept_summaries == [Summary(until=9, text=WORDS)]
    (told,) = house.recorder.payloads("context_summed")
    assert (told["turns"], told["usage"]["input_tokens"], told["cost_usd"]) == (9, 700, None)


class Dying(MemoryRecorder):
    """The process ends right after the summary was stored."""

    async def turn(self, turn: Turn) -> None:
        if self.kept_summaries:
            raise RuntimeError
        await super().turn(turn)


async def test_a_restart_goes_on_from_the_summary_that_was_stored(open_house: Open) -> None:
    dying = Dying()
    provider = ScriptedProvider([*full(9), said(WORDS), calling(9, 120)])
    house = await open_house(recorder=dying, provider=provider, limits=LIMITS)
    await house.turn(0, first())
    await fill(house, 9)
    status, _ = await house.turn(9, results("c8"))
    assert status == 500
    kept = MemoryRecorder(stored_turns=dying.stored_turns, kept_summaries=dying.kept_summaries)
    again = ScriptedProvider([calling(9, 120)])
    house = await open_house(recorder=kept, provider=again, limits=LIMITS, name="r_2")
    assert (await house.turn(9, results("c8")))[0] == 200
    (conversation,) = again.asked
    assert conversation == provider.asked[10]
    assert len(kept.kept_summaries) == 1


async def test_a_follow_up_keeps_the_task_and_the_summary(open_house: Open) -> None:
    recorder = MemoryRecorder()
    provider = ScriptedProvider([*full(9), said(WORDS), said("Done.")])
    house = await open_house(recorder=recorder, provider=provider, limits=LIMITS)
    await house.turn(0, first())
    await fill(house, 10)
    provider = ScriptedProvider()
    house = await open_house(
        recorder=recorder, provider=provider, limits=LIMITS, name="r_2", resume_turn=10
    )
    status, _ = await house.turn(10, first("# Follow-up\nAnd that."))
    assert status == 200
    assert texts(provider.asked[0]) == [
        "# Task\nMend it.",
        HEAD.format(WORDS),
        "Done.",
        "# Follow-up\nAnd that.",
    ]


class Narrow(ScriptedProvider):
    """Takes so many characters and no more."""

    room: int = 4000

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        if sum(len(str(message)) for message in conversation.messages) > self.room:
            raise ContextTooLong
        return await super().reply(conversation, model=model)


async def test_an_overflow_in_the_middle_of_a_turn_is_summed_up(open_house: Open) -> None:
    """The new results alone are more than the model takes: it reads their ends, and goes on."""
    provider = Narrow([calling(0, 1), calling(1, 1), said(WORDS), calling(2, 1)])
    house = await open_house(provider=provider, limits=Limits(turns=50))
    await house.turn(0, first())
    await fill(house, 2)
    status, _ = await house.turn(2, results("c1", "begin" + "y" * 9000 + "end"))
    assert status == 200
    asked = provider.asked[2]
    (result,) = [b for b in asked.messages[-1].content if isinstance(b, ToolResult)]
    assert "beginyy" in result.text
    assert result.text.endswith("yyend")
    assert len(result.text) < 2100
    assert texts(provider.asked[3])[-1] == HEAD.format(WORDS)


async def test_where_no_summary_can_be_had_the_newest_words_stand_in(open_house: Open) -> None:
    provider = Narrow([calling(0, 1), calling(1, 1), calling(2, 1)])
    house = await open_house(provider=provider, limits=Limits(turns=50))
    await house.turn(0, first())
    await fill(house, 2)
    provider.room = 500
    status, _ = await house.turn(2, results("c1", "y" * 9000))
    assert status == 200
    (summary,) = house.recorder.kept_summaries
    assert summary.text.startswith("[No summary could be made.")
    assert 'I look.\n[bash {"command": "ls"}]' in summary.text
    assert "usage" not in house.recorder.payloads("context_summed")[0]
    provider.room = 0
    status, answer = await house.turn(3, says("more"))
    assert (status, answer["error"]["code"]) == (502, "provider_error")
