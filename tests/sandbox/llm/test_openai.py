"""What is Chat Completions' own: the shape of calls, and servers that take liberties."""

from __future__ import annotations

import pytest

from sandbox.errors import ContextTooLong, ProviderError
from sandbox.llm.openai import OpenAIProvider
from sandbox.llm.provider import Message, Opaque, ToolCall, ToolResult
from tests.sandbox.llm.conftest import KEY, Pair
from tests.sandbox.llm.openai_server import OpenAIServer
from tests.sandbox.llm.script import Failure, Words
from tests.sandbox.llm.test_providers_contract import AFTER_CALLS, talk


async def test_request_as_the_server_sees_it(openai_pair: Pair) -> None:
    openai_pair.will(Words(text="Done."))
    await openai_pair.provider.reply(AFTER_CALLS, model="gpt-6-sol")
    sent = openai_pair.server.requests[0]
    assert sent["messages"] == [
        {"role": "system", "content": "You are careful."},
        {"role": "user", "content": "# Task\nFix it."},
        {
            "role": "assistant",
            "content": "Two things.",
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "shell", "arguments": '{"cmd": "ls"}'},
                },
                {
                    "id": "b",
                    "type": "function",
                    "function": {"name": "shell", "arguments": '{"cmd": '},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "README"},
        {"role": "tool", "tool_call_id": "b", "content": "broken"},
        {"role": "user", "content": "And quickly."},
    ]
    assert sent["max_completion_tokens"] == 2000  # it thinks, too
    assert sent["stream_options"] == {"include_usage": True}


async def test_broken_arguments_are_mended_for_a_server_that_refuses_them(
    openai_pair: Pair,
) -> None:
    assert isinstance(openai_pair.server, OpenAIServer)
    openai_pair.server.parses_arguments = True
    openai_pair.will(Words(text="Done."))
    await openai_pair.provider.reply(AFTER_CALLS, model="m")
    calls = openai_pair.server.requests[-1]["messages"][2]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"cmd": "ls"}', "{}"]


async def test_a_server_that_leaves_out_indexes(openai_pair: Pair) -> None:
    assert isinstance(openai_pair.server, OpenAIServer)
    openai_pair.server.is_sloppy = True
    calls = (("x", "shell", '{"cmd": "ls"}'), ("y", "finish", "{}"))
    openai_pair.will(Words(calls=calls, stop="tool_calls"))
    reply = await openai_pair.provider.reply(talk(), model="m")
    assert reply.stop == "tool_calls"
    assert reply.content == (ToolCall("x", "shell", {"cmd": "ls"}), ToolCall("y", "finish", {}))


async def test_error_within_the_stream(openai_pair: Pair) -> None:
    fault = Failure(mid_stream=True, message="engine died")
    openai_pair.will(fault, fault)
    with pytest.raises(ProviderError) as caught:
        await openai_pair.provider.reply(talk(), model="m")
    assert "engine died" in caught.value.details


async def test_nobody_listens() -> None:
    provider = OpenAIProvider(KEY, base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(ProviderError) as caught:
        await provider.reply(talk(), model="m")
    await provider.close()
    assert caught.value.brief == "The model server at 127.0.0.1:9 cannot be reached."


async def test_reasoning_goes_back_to_where_the_server_had_it(openai_pair: Pair) -> None:
    for name in ("reasoning_content", "reasoning"):
        call = ("x", "shell", "{}")
        thinks = Words(thinking="Hm.", reasoning_field=name, calls=(call,), stop="tool_calls")
        openai_pair.will(thinks, Words(text="Done."), Words(text="Done."))
        reply = await openai_pair.provider.reply(talk(), model="m")
        assert reply.content[0] == Opaque("openai.chat", {name: "Hm."}, "m")
        again = talk(Message("assistant", reply.content), Message("user", (ToolResult("x", "ok"),)))
        for model in ("m", "another"):
            await openai_pair.provider.reply(again, model=model)
        own, foreign = openai_pair.server.requests[-2:]
        assert own["messages"][2][name] == "Hm."
        assert name not in foreign["messages"][2]


async def test_errors_in_the_stream_by_their_code(openai_pair: Pair) -> None:
    long = Failure(mid_stream=True, message="maximum context length is 8192 tokens")
    openai_pair.will(long)
    with pytest.raises(ContextTooLong):
        await openai_pair.provider.reply(talk(), model="m")
    assert len(openai_pair.server.requests) == 1


async def test_what_a_server_does_not_know_is_left_out_from_then_on(openai_pair: Pair) -> None:
    assert isinstance(openai_pair.server, OpenAIServer)
    openai_pair.server.unknown = frozenset({"max_completion_tokens", "stream_options"})
    openai_pair.will(Words(text="Hi."), Words(text="Hi."))
    for _ in range(2):
        await openai_pair.provider.reply(talk(), model="m")
    assert len(openai_pair.server.requests) == 4
    assert openai_pair.server.requests[-1]["max_tokens"] == 1000


async def test_signatures_of_calls_go_back_with_them(openai_pair: Pair) -> None:
    calls = (("x", "shell", "{}"), ("y", "shell", "{}"))
    openai_pair.will(Words(calls=calls, stop="tool_calls", signature="s"), Words(text="Done."))
    reply = await openai_pair.provider.reply(talk(), model="m")
    answered = Message("user", (ToolResult("x", "ok"), ToolResult("y", "ok")))
    again = talk(Message("assistant", reply.content), answered)
    await openai_pair.provider.reply(again, model="m")
    sent = openai_pair.server.requests[1]["messages"][2]["tool_calls"]
    assert [call["extra_content"] for call in sent] == [{"google": {"thought_signature": "s"}}] * 2
