"""What is Anthropic's own: prompt caching, thinking, error events within a stream."""

from __future__ import annotations

import pytest

from sandbox.errors import ContextTooLong, ProviderError
from sandbox.llm.anthropic import AnthropicProvider
from sandbox.llm.provider import Conversation, Message, Opaque, Text, ToolCall, ToolResult
from tests.sandbox.llm.conftest import KEY, Pair
from tests.sandbox.llm.script import Failure, Words
from tests.sandbox.llm.test_providers_contract import AFTER_CALLS, talk

CACHED = {"type": "ephemeral"}


async def test_request_is_marked_for_the_cache(anthropic_pair: Pair) -> None:
    anthropic_pair.will(Words(text="Done."))
    await anthropic_pair.provider.reply(AFTER_CALLS, model="claude-sonnet-5-5")
    sent = anthropic_pair.server.requests[0]
    # Where the cache of the turn before ends.
    first = {"type": "text", "text": "# Task\nFix it.", "cache_control": CACHED}
    assert sent["system"] == [{"type": "text", "text": "You are careful.", "cache_control": CACHED}]
    assert [tool.get("cache_control") for tool in sent["tools"]] == [None, CACHED]
    assert sent["messages"] == [
        {"role": "user", "content": [first]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Two things."},
                {"type": "tool_use", "id": "a", "name": "shell", "input": {"cmd": "ls"}},
                {"type": "tool_use", "id": "b", "name": "shell", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [{"type": "text", "text": "README"}],
                    "is_error": False,
                },
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "broken"}],
                    "is_error": True,
                },
                {"type": "text", "text": "And quickly.", "cache_control": CACHED},
            ],
        },
    ]
    assert sent["max_tokens"] == 2000  # it thinks, too


async def test_thinking_goes_back_unchanged(anthropic_pair: Pair) -> None:
    call = ("x", "shell", "{}")
    anthropic_pair.will(
        Words(thinking="Hmm.", calls=(call,), stop="tool_calls"), Words(text="Done.")
    )
    reply = await anthropic_pair.provider.reply(talk(), model="m")
    thought = {"type": "thinking", "thinking": "Hmm.", "signature": "sig"}
    assert reply.content == (Opaque("anthropic", thought, "m"), ToolCall("x", "shell", {}))
    answered = Message("user", (ToolResult("x", ""),))
    await anthropic_pair.provider.reply(
        talk(Message("assistant", reply.content), answered), model="m"
    )
    assert anthropic_pair.server.requests[1]["messages"][1]["content"][0] == thought


async def test_overload_within_the_stream_is_tried_again(
    anthropic_pair: Pair,
) -> None:
    overload = Failure(type="overloaded_error", mid_stream=True, message="Overloaded")
    anthropic_pair.will(overload, Words(text="Here."), overload, overload)
    assert (await anthropic_pair.provider.reply(talk(), model="m")).content == (Text("Here."),)
    with pytest.raises(ProviderError) as caught:
        await anthropic_pair.provider.reply(talk(), model="m")
    assert caught.value.brief == "Anthropic is overloaded or failing (HTTP 529)."


async def test_no_system_and_no_tools(anthropic_pair: Pair) -> None:
    anthropic_pair.will(Words(text="Hello."))
    bare = Conversation(system="", tools=(), messages=(Message("user", (Text("Hi."),)),))
    await anthropic_pair.provider.reply(bare, model="m")
    assert {"system", "tools"}.isdisjoint(anthropic_pair.server.requests[0])


async def test_nobody_listens() -> None:
    provider = AnthropicProvider(KEY, base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(ProviderError) as caught:
        await provider.reply(talk(), model="m")
    await provider.close()
    assert caught.value.brief == "Anthropic cannot be reached."


async def test_thinking_of_another_model_is_left_out(anthropic_pair: Pair) -> None:
    thought = Opaque("anthropic", {"type": "redacted_thinking", "data": "x"}, "claude-a")
    said = Message("assistant", (thought, Text("Hm.")))
    for model in ("claude-a", "claude-b"):
        anthropic_pair.will(Words(text="Done."))
        await anthropic_pair.provider.reply(
            talk(said, Message("user", (Text("Go on."),))), model=model
        )
    own, foreign = (sent["messages"][1]["content"] for sent in anthropic_pair.server.requests)
    assert own == [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "Hm."}]
    assert foreign == [{"type": "text", "text": "Hm."}]


async def test_a_model_that_does_not_think_when_told_is_not_told_again(
    anthropic_pair: Pair,
) -> None:
    fault = Failure(
        status=400, type="invalid_request_error", message="thinking: adaptive is not supported"
    )
    anthropic_pair.will(fault, Words(text="Hi."), Words(text="Hi."))
    for _ in range(2):
        await anthropic_pair.provider.reply(talk(), model="claude-sonnet-5-5")
    sent = anthropic_pair.server.requests
    assert ["thinking" in request for request in sent] == [True, False, False]


async def test_a_reply_that_outgrows_the_window(anthropic_pair: Pair) -> None:
    anthropic_pair.will(Words(text="And so", stop="window"))
    with pytest.raises(ContextTooLong):
        await anthropic_pair.provider.reply(talk(), model="m")


async def test_a_refusal_without_words_is_explained(anthropic_pair: Pair) -> None:
    anthropic_pair.will(Words(stop="refusal", explanation="This is about weapons."))
    reply = await anthropic_pair.provider.reply(talk(), model="m")
    assert (reply.stop, reply.content) == ("refusal", (Text("This is about weapons."),))
