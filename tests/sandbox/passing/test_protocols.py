"""The real SDKs through a run's gateway: answers as they come, counted and kept like any turn."""

from __future__ import annotations

from typing import Any

from chatbot.history.transcript import make_prompt, make_response
from sandbox.llm.prices import cost_usd
from sandbox.llm.provider import Message, Text, ToolCall, ToolResult, Usage
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.openai_server import OpenAIServer
from tests.sandbox.llm.script import Words
from tests.sandbox.passing.conftest import KEY, House, Open
from tests.sandbox.passing.responses_server import ResponsesServer

CALL = Words(
    text="I look.",
    calls=(("call_1", "bash", '{"command": "ls"}'),),
    stop="tool_calls",
    thinking="Hm.",
    cache_read_tokens=100,
)
DONE = Words(text="Done.", uncached_tokens=11, cache_read_tokens=130, output_tokens=9)
USAGE = Usage(input_tokens=107, output_tokens=5, cache_read_tokens=100)


async def test_anthropic_messages(open_house: Open, speak_anthropic: AnthropicServer) -> None:
    house = await open_house(speak_anthropic)
    house.will(CALL, DONE)
    client = house.anthropic()
    tool: Any = {"name": "bash", "description": "Run.", "input_schema": {"type": "object"}}
    task: Any = {"role": "user", "content": [{"type": "text", "text": "Mend it."}]}
    first: Any = {"max_tokens": 100, "system": "You are careful.", "tools": [tool]}
    async with client.messages.stream(model="any", messages=[task], **first) as stream:
        reply = await stream.get_final_message()
    assert [block.type for block in reply.content] == ["thinking", "text", "tool_use"]
    said: Any = {"role": "assistant", "content": [b.to_dict() for b in reply.content]}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "a.py"}
    last: Any = {"role": "user", "content": [result]}
    async with client.messages.stream(model="any", messages=[task, said, last], **first) as stream:
        assert (await stream.get_final_message()).content[0].type == "text"
    sent = house.server.requests
    assert [body["model"] for body in sent] == ["claude-sonnet-5-5"] * 2
    assert sent[1]["messages"][1]["content"][0]["signature"] == "sig"
    assert house.server.keys == [KEY] * 2
    await _check_turns(house, provider="anthropic")


async def test_chat_completions(open_house: Open, speak_chat: OpenAIServer) -> None:
    house = await open_house(speak_chat)
    house.will(CALL, DONE)
    client = house.openai()
    function = {"name": "bash", "description": "Run.", "parameters": {"type": "object"}}
    more: Any = {"model": "any", "stream": True, "tools": [{"type": "function"}]}
    more["tools"][0]["function"] = function
    messages: Any = [
        {"role": "system", "content": "You are careful."},
        {"role": "user", "content": "Mend it."},
    ]
    chunks = [c async for c in await client.chat.completions.create(messages=messages, **more)]
    assert chunks[-1].usage is not None
    call = {"id": "call_1", "type": "function"}
    call["function"] = {"name": "bash", "arguments": '{"command": "ls"}'}  # type: ignore[assignment]
    messages += [
        {"role": "assistant", "content": "I look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a.py"},
    ]
    chunks = [c async for c in await client.chat.completions.create(messages=messages, **more)]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Done."
    assert [body["model"] for body in house.server.requests] == ["gpt-5.2"] * 2
    assert house.server.keys == [f"Bearer {KEY}"] * 2
    await _check_turns(house, provider="openai")


async def test_responses(open_house: Open, speak_responses: ResponsesServer) -> None:
    house = await open_house(speak_responses)
    house.will(CALL, DONE)
    client = house.openai()
    tool = {"type": "function", "name": "bash", "description": "Run.", "strict": False}
    tool["parameters"] = {"type": "object"}
    more: Any = {"model": "any", "instructions": "You are careful.", "tools": [tool]}
    task: Any = {"type": "message", "role": "user", "content": "Mend it."}
    async with client.responses.stream(input=[task], **more) as stream:
        reply = await stream.get_final_response()
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "a.py"}
    given: Any = [task, *(item.to_dict() for item in reply.output), output]
    whole = await client.responses.create(input=given, **more)
    assert whole.output_text == "Done."
    sent = house.server.requests
    assert [body["store"] for body in sent] == [False, False]
    assert sent[1]["input"][1]["encrypted_content"] == "gAAAA"
    await _check_turns(house, provider="openai")


async def _check_turns(house: House, *, provider: str) -> None:
    """What each protocol leaves: the same."""
    first, second = await house.recorder.turns()
    assert (first.system, second.system) == ("You are careful.", None)
    assert first.tools is not None
    assert [tool.name for tool in first.tools] == ["bash"]
    assert first.messages == (Message("user", (Text("Mend it."),)),)
    shown = [b for b in first.reply.content if isinstance(b, Text | ToolCall)]
    assert shown == [Text("I look."), ToolCall("call_1", "bash", {"command": "ls"})]
    assert (first.reply.stop, second.reply.stop) == ("tool_calls", "end")
    assert first.reply.usage == USAGE
    assert second.messages == (Message("user", (ToolResult("call_1", "a.py"),)),)
    told = house.recorder.payloads("turn")
    assert [turn["n"] for turn in told] == [0, 1]
    assert told[0]["tools"] == ["bash"]
    assert told[0]["cost_usd"] == cost_usd(provider, first.reply.model, USAGE) > 0
    stored = [turn.to_json() for turn in (first, second)]
    assert make_prompt(stored).count("Mend it.") == 1
    assert "Done." in make_response(stored)
