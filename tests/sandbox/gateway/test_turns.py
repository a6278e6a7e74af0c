"""Turns: asked of the model once, stored before they are answered, rebuilt from the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sandbox.errors import ProviderError
from sandbox.gateway.transcript import UNANSWERED
from sandbox.llm.provider import (
    Conversation,
    Image,
    Message,
    Opaque,
    Reply,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from sandbox.recorder import Allowance, InboxItem, Turn
from sandbox.spec import Limits
from tests.sandbox.gateway.conftest import Open, answers, first, says
from tests.sandbox.memory_recorder import MemoryRecorder
from tests.sandbox.scripted_provider import ScriptedProvider, said

CALLS = Reply(
    content=(
        Opaque("scripted", {"thought": "hidden"}),
        Text("I look."),
        ToolCall("a", "shell", {"cmd": "ls"}),
        ToolCall("b", "shell", None, "{broken"),
    ),
    stop="tool_calls",
    model="claude-haiku-4-5",
    usage=Usage(input_tokens=1_000_000, output_tokens=0),
)


async def test_a_run_of_two_turns(open_house: Open) -> None:
    house = await open_house(provider=ScriptedProvider([CALLS], name="anthropic"))
    assert await house.turn(0, first()) == (
        200,
        {
            "turn": 0,
            "content": [
                {"type": "text", "text": "I look."},
                {
                    "type": "tool_call",
                    "id": "a",
                    "name": "shell",
                    "arguments": {"cmd": "ls"},
                    "raw": "",
                },
                {
                    "type": "tool_call",
                    "id": "b",
                    "name": "shell",
                    "arguments": None,
                    "raw": "{broken",
                },
            ],
            "stop": "tool_calls",
            "turns_left": 99,
        },
    )
    status, body = await house.turn(1, answers("b", "a"))
    assert (status, body["content"]) == (200, [{"type": "text", "text": "Done."}])
    opening = Message("user", (Text("# Task\nMend it."),))
    results = (ToolResult("a", "ok"), ToolResult("b", "ok"))
    assert house.provider.asked[1] == Conversation(
        system="You are careful.",
        tools=(Tool("shell", "Run.", {"type": "object"}),),
        messages=(opening, Message("assistant", CALLS.content), Message("user", results)),
    )
    assert house.recorder.payloads("turn")[0] == {
        "n": 0,
        "model": "claude-haiku-4-5",
        "usage": {
            "input_tokens": 1_000_000,
            "output_tokens": 0,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
        },
        "cost_usd": 1.0,
        "tools": ["shell", "shell"],
        "text": "I look.",
    }
    assert (await house.call("GET", "/run"))[1]["turn"] == 2


async def test_the_same_turn_again_is_not_asked_again(open_house: Open) -> None:
    house = await open_house()
    once, again = await house.turn(0, first()), await house.turn(0, first())
    assert once == again
    assert len(house.provider.asked) == 1
    status, body = await house.turn(0, first("other words"))
    assert (status, body["error"]["code"]) == (409, "conflict")


async def test_the_order_of_keys_makes_no_other_turn(open_house: Open) -> None:
    house = await open_house()
    await house.turn(0, first())
    status, _ = await house.turn(0, dict(reversed(first().items())))
    assert (status, len(house.provider.asked)) == (200, 1)


async def test_two_requests_for_one_turn_wait_for_one_reply(open_house: Open) -> None:
    provider = ScriptedProvider([said("One.")], gate=asyncio.Event())
    house = await open_house(provider=provider)
    both = [asyncio.create_task(house.turn(0, first())) for _ in range(2)]
    await asyncio.sleep(0.05)
    status, body = await house.turn(0, first("other words"))
    assert (status, body["error"]["code"]) == (409, "conflict")
    assert provider.gate is not None
    provider.gate.set()
    assert [status for status, _ in await asyncio.gather(*both)] == [200, 200]
    assert len(provider.asked) == 1


async def test_a_broken_connection_loses_no_reply(open_house: Open) -> None:
    provider = ScriptedProvider([said("One.")], gate=asyncio.Event())
    house = await open_house(provider=provider)
    hasty = asyncio.create_task(house.turn(0, first()))
    await asyncio.sleep(0.05)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    assert provider.gate is not None
    provider.gate.set()
    status, body = await house.turn(0, first())
    assert (status, body["content"][0]["text"]) == (200, "One.")
    assert len(provider.asked) == 1


class DyingRecorder(MemoryRecorder):
    """The process is killed when the reply is stored and before it is answered."""

    async def turn(self, turn: Turn) -> None:
        await super().turn(turn)
        raise RuntimeError("killed")


async def test_a_kill_between_reply_and_answer_loses_nothing(open_house: Open) -> None:
    dying = DyingRecorder()
    house = await open_house(recorder=dying, provider=ScriptedProvider([CALLS]))
    assert (await house.turn(0, first()))[0] == 500
    await house.door.close()
    later = MemoryRecorder(stored_turns=dying.stored_turns)
    later.say(InboxItem(id=5, kind="message", text="Hi"))
    again = await open_house(recorder=later, journal=house.door.journal)
    status, body = await again.turn(0, first())
    assert (status, body["stop"]) == (200, "tool_calls")
    assert again.provider.asked == []
    status, _ = await again.turn(1, answers("a", "b"))
    assert status == 200
    assert again.provider.asked[0].messages[1] == Message("assistant", CALLS.content)


async def test_a_follow_up_run_goes_on_from_the_earlier_one(open_house: Open) -> None:
    recorder = MemoryRecorder()
    earlier = await open_house(recorder=recorder, provider=ScriptedProvider([CALLS]))
    await earlier.turn(0, first())
    house = await open_house(recorder=recorder, name="r_2", resume_turn=1)
    assert (await house.call("GET", "/run"))[1]["turn"] == 1
    status, body = await house.turn(0, first())
    assert (status, body["error"]["code"]) == (409, "conflict")
    again = first("# Follow-up\nMore.", system="You are bold.", tools=[])
    status, body = await house.turn(1, again)
    assert (status, body["turns_left"]) == (200, 99)
    asked = house.provider.asked[0]
    assert (asked.system, asked.tools) == ("You are bold.", ())
    assert asked.messages[2] == Message(
        "user",
        (
            ToolResult("a", UNANSWERED, is_error=True),
            ToolResult("b", UNANSWERED, is_error=True),
            Text("# Follow-up\nMore."),
        ),
    )


async def test_a_reply_without_content_leaves_no_hole(open_house: Open) -> None:
    empty = replace(said(""), content=())
    house = await open_house(provider=ScriptedProvider([empty]))
    await house.turn(0, first())
    await house.turn(1, says("Go on."))
    assert house.provider.asked[1].messages == (
        Message("user", (Text("# Task\nMend it."), Text("Go on."))),
    )


async def test_used_up_turns(open_house: Open) -> None:
    house = await open_house(limits=Limits(turns=2))
    assert (await house.turn(0, first()))[1]["turns_left"] == 1
    assert (await house.turn(1, says("more")))[1]["turns_left"] == 0
    status, body = await house.turn(2, says("more"))
    assert (status, body["error"]["code"]) == (402, "budget_exceeded")
    assert (await house.turn(1, says("more")))[0] == 200
    assert len(house.provider.asked) == 2


async def test_inbox_items_are_marked_when_they_reached_the_model(open_house: Open) -> None:
    house = await open_house()
    house.recorder.say(InboxItem(id=7, kind="message", text="Hi"))
    house.recorder.say(InboxItem(id=8, kind="stop"))
    await house.turn(0, first(inbox=[7, 8, 7, 99]))
    assert house.recorder.delivered_ids == [(7, 0)]
    await house.turn(0, first(inbox=[7, 8, 7, 99]))
    assert house.recorder.delivered_ids == [(7, 0)]


async def test_a_failing_provider(open_house: Open) -> None:
    fault = ProviderError("The model is away.", details="secret details", resolution="Wait.")
    house = await open_house(provider=ScriptedProvider([fault, said("Back.")]))
    assert await house.turn(0, first()) == (
        502,
        {"error": {"code": "provider_error", "brief": "The model is away."}},
    )
    assert house.door.routes.turns.fault is fault
    assert house.recorder.stored_turns == []
    assert (await house.turn(0, first()))[0] == 200
    assert house.door.routes.turns.fault is None


async def test_closing_gives_up_the_reply_on_its_way(open_house: Open) -> None:
    house = await open_house(provider=ScriptedProvider(gate=asyncio.Event()))
    waiting = asyncio.create_task(house.turn(0, first()))
    await asyncio.sleep(0.05)
    await house.door.close()
    status, body = await waiting
    assert (status, body["error"]["code"]) == (503, "closing")


PNG = "iVBORw0KGgo="
TEXT = {"type": "text", "text": "x"}
TOOL = {"name": "shell", "description": "", "parameters": {}}


def user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "x"},
        {**user(TEXT), "odd": 1},
        {**user(TEXT), "system": "s"},
        {**user(TEXT), "tools": [TOOL]},
        {**user(TEXT), "system": "s", "tools": [{**TOOL, "name": "a b"}]},
        {**user(TEXT), "system": "s", "tools": [{**TOOL, "parameters": None}]},
        {**user(TEXT), "system": "s", "tools": [TOOL] * 65},
        {**user(TEXT), "system": "s" * 200_001, "tools": []},
        user(TEXT),
        user(),
        first(messages=[{"role": "assistant", "content": [TEXT]}]),
        first(messages=[{"role": "system", "content": [TEXT]}]),
        first(**user({"type": "opaque", "provider": "anthropic", "data": {}})),
        first(**user({"type": "tool_call", "id": "a", "name": "x", "arguments": {}})),
        first(**user({"type": "image", "source": "http://x"})),
        first(**user({"type": "image", "media_type": "image/png", "data": "no base64"})),
        first(**user({"type": "image", "media_type": "image/png", "data": "R0lGODlh"})),
        first(**user({"type": "image", "media_type": "image/svg+xml", "data": PNG})),
        first(**user(*[{"type": "image", "media_type": "image/png", "data": PNG}] * 11)),
        first(**user({"type": "tool_result", "call_id": "nobody", "text": "x"})),
        first(**user({"type": "tool_result", "call_id": "a", "text": "x", "is_error": "no"})),
        first(**user({"type": "text", "text": None})),
        first(**user(*[TEXT] * 1001)),
        first(inbox=["1"]),
        first(inbox=[True]),
        first(inbox=7),
    ],
)
async def test_turns_that_break_the_protocol_cost_nothing(open_house: Open, body: Any) -> None:
    house = await open_house()
    status, answer = await house.turn(0, body)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert house.provider.asked == []
    assert house.recorder.stored_turns == []


async def test_system_and_tools_come_once(open_house: Open) -> None:
    house = await open_house()
    await house.turn(0, first())
    assert (await house.turn(1, first()))[0] == 400


async def test_results_answer_each_call_once(open_house: Open) -> None:
    house = await open_house(provider=ScriptedProvider([CALLS]))
    await house.turn(0, first())
    assert (await house.turn(1, answers("a", "a")))[0] == 400
    assert (await house.turn(1, answers("a", "c")))[0] == 400
    assert (await house.turn(1, answers("a", "b")))[0] == 200


@pytest.mark.parametrize("number", [1, 5, 999_999_999])
async def test_turns_come_in_order(open_house: Open, number: int) -> None:
    house = await open_house()
    status, body = await house.turn(number, first())
    assert (status, body["error"]["code"]) == (409, "conflict")


async def test_a_budget_warns_then_leaves_one_turn_to_wrap_up(open_house: Open) -> None:
    house = await open_house()
    assert (await house.turn(0, first()))[1]["turns_left"] > 1
    house.recorder.spent = Allowance(used=0.85, name="the run's budget of $2.00")
    assert (await house.turn(1, says("more")))[1]["turns_left"] > 1
    house.recorder.spent = Allowance(used=1.1, name="the run's budget of $2.00")
    assert (await house.turn(2, says("more")))[1]["turns_left"] == 1
    assert (await house.turn(3, says("more")))[1]["turns_left"] == 0
    status, answer = await house.turn(4, says("more"))
    assert (status, answer["error"]["code"]) == (402, "budget_exceeded")
    assert answer["error"]["brief"] == "The run's budget of $2.00 is used up."
    assert house.recorder.payloads("budget_warning") == [
        {"name": "the run's budget of $2.00", "used": 0.85}
    ]


async def test_a_run_that_begins_with_nothing_left_asks_nobody(open_house: Open) -> None:
    house = await open_house()
    house.recorder.spent = Allowance(used=1.0, name="today's budget of $2.00")
    status, _ = await house.turn(0, first())
    assert (status, house.provider.asked) == (402, [])


async def test_a_picture_reaches_the_model(open_house: Open) -> None:
    house = await open_house()
    picture = {"type": "image", "media_type": "image/png", "data": PNG}
    assert (await house.turn(0, first(**user(TEXT, picture))))[0] == 200
    assert house.provider.asked[0].messages[0].content[1] == Image("image/png", PNG)
    [turn] = await house.recorder.turns()
    assert turn.messages[0].content[1] == Image("image/png", PNG)
