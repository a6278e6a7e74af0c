"""What holds for every provider that speaks to a model server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.errors import ProviderError, ProviderUnavailable
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
from tests.sandbox.llm.conftest import KEY, Pair
from tests.sandbox.llm.script import Failure, Words

TOOLS = (
    Tool("shell", "Run a command.", {"type": "object", "properties": {"cmd": {"type": "string"}}}),
    Tool("finish", "End.", {"type": "object", "properties": {}}),
)


def talk(*messages: Message) -> Conversation:
    opening = Message("user", (Text("# Task\nFix it."),))
    return Conversation(system="You are careful.", tools=TOOLS, messages=(opening, *messages))


AFTER_CALLS = talk(
    Message(
        "assistant",
        (
            Text("Two things."),
            ToolCall("a", "shell", {"cmd": "ls"}),
            ToolCall("b", "shell", None, '{"cmd": '),
        ),
    ),
    Message(
        "user",
        (ToolResult("a", "README", False), ToolResult("b", "broken", True), Text("And quickly.")),
    ),
)


async def test_words_and_figures(pair: Pair) -> None:
    pair.will(
        Words(text="All is well.", uncached_tokens=10, cache_read_tokens=20, cache_write_tokens=30)
    )
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.content == (Text("All is well."),)
    assert reply.stop == "end"
    assert reply.usage == Usage(
        input_tokens=60, output_tokens=5, cache_read_tokens=20, cache_write_tokens=30
    )
    assert reply.model in {"claude-sonnet-5-5", "gpt-5.2-2025-12-11"}
    assert pair.server.keys == [f"Bearer {KEY}"]


async def test_parallel_calls(pair: Pair) -> None:
    calls = (("x", "shell", '{"cmd": "ls"}'), ("y", "finish", ""))
    pair.will(Words(text="Now.", calls=calls, stop="tool_calls"))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.stop == "tool_calls"
    assert reply.content == (
        Text("Now."),
        ToolCall("x", "shell", {"cmd": "ls"}),
        ToolCall("y", "finish", {}),
    )


async def test_calls_without_ids_of_their_own_get_some(pair: Pair) -> None:
    calls = (("x", "shell", "{}"), ("x", "finish", "{}"))
    pair.will(Words(calls=calls, stop="tool_calls"))
    reply = await pair.provider.reply(talk(), model="m")
    ids = [block.id for block in reply.content if isinstance(block, ToolCall)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("raw", ['{"cmd": ', '["ls"]', "ls -l", '{"cmd": "ls"}}'])
async def test_broken_arguments_are_kept_as_they_came(pair: Pair, raw: str) -> None:
    pair.will(Words(calls=(("x", "shell", raw),), stop="tool_calls"))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.content == (ToolCall("x", "shell", None, raw),)


async def test_arguments_cut_by_the_length_are_broken_not_guessed(pair: Pair) -> None:
    pair.will(Words(calls=(("x", "shell", '{"cmd": "rm -rf /tmp/'),), stop="length"))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.stop == "length"
    assert reply.content == (ToolCall("x", "shell", None, '{"cmd": "rm -rf /tmp/'),)


async def test_refusal(pair: Pair) -> None:
    pair.will(Words(text="I will not.", stop="refusal"))
    reply = await pair.provider.reply(talk(), model="m")
    assert (reply.stop, reply.content) == ("refusal", (Text("I will not."),))


async def test_a_conversation_with_calls_goes_back_whole(pair: Pair) -> None:
    pair.will(Words(text="Done."))
    await pair.provider.reply(AFTER_CALLS, model="m")
    assert len(pair.server.requests) == 1  # the server checked it


async def test_blocks_of_another_provider_are_left_out(pair: Pair) -> None:
    pair.will(Words(text="Done."))
    stranger = Message("assistant", (Opaque("elsewhere", {"type": "odd"}), Text("Hm.")))
    await pair.provider.reply(talk(stranger, Message("user", (Text("Go on."),))), model="m")
    assert "odd" not in str(pair.server.requests)


async def test_retry_after_is_obeyed(pair: Pair) -> None:
    slow_down = Failure(status=429, type="rate_limit_error", headers={"Retry-After": "0.05"})
    pair.will(slow_down, Words(text="Here."))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.content == (Text("Here."),)
    assert len(pair.server.requests) == 2


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 529])
async def test_what_passes_is_tried_again(pair: Pair, status: int) -> None:
    pair.will(Failure(status=status, headers={"retry-after-ms": "1"}), Words(text="Here."))
    assert (await pair.provider.reply(talk(), model="m")).content == (Text("Here."),)


async def test_connection_broken_in_mid_stream_is_tried_again(pair: Pair) -> None:
    pair.will(Failure(type="hang_up", mid_stream=True), Words(text="Here."))
    assert (await pair.provider.reply(talk(), model="m")).content == (Text("Here."),)


@pytest.mark.parametrize(
    "answer", [Failure(type="hang_up", mid_stream=True), Words(text="Hal", is_cut=True)]
)
async def test_an_answer_that_breaks_off_twice_is_no_answer(
    pair: Pair, answer: Failure | Words
) -> None:
    pair.will(answer, answer)
    with pytest.raises(ProviderError) as caught:
        await pair.provider.reply(talk(), model="m")
    assert caught.value.brief == f"{pair.label} broke off in the middle of its answer."


FAST = {"retry-after-ms": "1"}
FAILURES: list[tuple[list[Any], str]] = [
    ([Failure(status=401, type="authentication_error")], "{} refused the key."),
    ([Failure(status=403, type="permission_error")], "{} refused the key."),
    ([Failure(status=404, type="not_found_error")], "{} does not know the model `m`."),
    (
        [Failure(status=429, type="rate_limit_error", headers=FAST)] * 2,
        "The rate limit of {} held through every retry.",
    ),
    (
        [Failure(status=429, code="insufficient_quota", message="billing", headers=FAST)] * 2,
        "The quota at {} is used up.",
    ),
    ([Failure(status=500, headers=FAST)] * 2, "{} is overloaded or failing (HTTP 500)."),
    (
        [Failure(status=529, type="overloaded_error", headers=FAST)] * 2,
        "{} is overloaded or failing (HTTP 529).",
    ),
    (
        [Failure(status=400, message="prompt is too long: 200001 tokens > 200000 maximum")],
        "The conversation is longer than the model can take.",
    ),
    (
        [Failure(status=400, message="maximum context length is 8192", code="context_length")],
        "The conversation is longer than the model can take.",
    ),
    ([Failure(status=402, message="no money")], "{} refuses for want of payment."),
    ([Failure(status=400, message="no such field")], "{} refused the request: "),
]


@pytest.mark.parametrize(("answers", "brief"), FAILURES)
async def test_failures_are_named(pair: Pair, answers: list[Any], brief: str) -> None:
    pair.will(*answers)
    with pytest.raises(ProviderError) as caught:
        await pair.provider.reply(talk(), model="m")
    assert caught.value.brief.startswith(brief.format(pair.label))
    assert caught.value.resolution


async def test_the_key_is_never_shown(pair: Pair) -> None:
    pair.will(Failure(status=400, message=f"bad key {KEY} given"))
    with pytest.raises(ProviderError) as caught:
        await pair.provider.reply(talk(), model="m")
    shown = f"{caught.value}{caught.value.details}{pair.provider!r}{vars(caught.value)}"
    assert KEY not in shown
    assert "[redacted]" in caught.value.details


async def test_a_late_reply_is_given_up(pair: Pair) -> None:
    pair.provider._reply_seconds = 0.0
    pair.will(Words(text="Too late."))
    with pytest.raises(ProviderError, match="did not answer within"):
        await pair.provider.reply(talk(), model="m")


async def test_many_at_a_time(pair: Pair) -> None:
    import asyncio

    pair.will(*[Words(text="Hello.")] * 8)
    replies: list[Reply] = await asyncio.gather(
        *(pair.provider.reply(talk(), model="m") for _ in range(8))
    )
    assert all(reply.content == (Text("Hello."),) for reply in replies)


async def test_pictures(pair: Pair) -> None:
    pair.will(Words(text="A red button."))
    seen = Message("user", (Text("# Task\nSee."), Image("image/png", "iVBORw0KGgo=")))
    await pair.provider.reply(replace(talk(), messages=(seen,)), model="m")
    sent = pair.server.requests[0]
    [message] = [m for m in sent.get("messages", sent.get("input")) if m["role"] == "user"]
    kinds = [block["type"] for block in message["content"]]
    assert kinds in (["text", "image"], ["text", "image_url"], ["input_text", "input_image"])
    assert "iVBORw0KGgo=" in str(message)


@pytest.mark.parametrize(
    ("answers", "is_away"),
    [
        ([Failure(status=529, type="overloaded_error", headers=FAST)] * 2, True),
        ([Failure(status=429, type="rate_limit_error", headers=FAST)] * 2, True),
        ([Failure(status=402, message="no money")], True),
        ([Failure(type="hang_up", mid_stream=True)] * 2, True),
        ([Failure(status=401, type="authentication_error")], False),
        ([Failure(status=404, type="not_found_error")], False),
        ([Failure(status=400, message="prompt is too long: 9 tokens > 8 maximum")], False),
    ],
)
async def test_where_another_model_may_take_over(
    pair: Pair, answers: list[Any], is_away: bool
) -> None:
    pair.will(*answers)
    with pytest.raises(ProviderError) as caught:
        await pair.provider.reply(talk(), model="m")
    assert isinstance(caught.value, ProviderUnavailable) == is_away
