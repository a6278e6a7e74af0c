"""Replies that no model should give and no server should send: each has a defined answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from sandbox.errors import ProviderError
from sandbox.llm.anthropic import AnthropicProvider
from sandbox.llm.arguments import parse_call, safe
from sandbox.llm.leaving_out import UNSEEN
from sandbox.llm.openai import OpenAIProvider
from sandbox.llm.provider import Image, Message, Opaque, Text, ToolCall, ToolResult
from tests.sandbox.llm.conftest import KEY, Pair
from tests.sandbox.llm.script import Failure, Words
from tests.sandbox.llm.test_providers_contract import talk

DEEP = '{"a":' * 500 + "1" + "}" * 500


@pytest.mark.parametrize("raw", ['{"a": NaN}', '{"a": Infinity}', DEEP, "[]", '"x"', "{'a': 1}"])
def test_arguments_that_could_not_be_sent_back_are_broken(raw: str) -> None:
    assert parse_call("x", "bash", raw) == ToolCall("x", "bash", None, raw)


async def test_an_empty_reply(pair: Pair) -> None:
    pair.will(Words(), Words(text="Done."))
    reply = await pair.provider.reply(talk(), model="m")
    assert (reply.content, reply.stop) == ((), "end")


async def test_half_characters_become_whole_or_none(pair: Pair) -> None:
    call = ("x", "shell", '{"cmd": "\\ud83d\\ude00 \\ud800"}')
    pair.will(Words(text="so \ud800", calls=(call,), stop="tool_calls"), Words(text="Done."))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.content == (
        Text("so \ufffd"),
        ToolCall("x", "shell", {"cmd": "\U0001f600 \ufffd"}),
    )
    answered = Message("user", (ToolResult("x", "ok"),))
    await pair.provider.reply(talk(Message("assistant", reply.content), answered), model="m")


async def test_an_invented_tool_goes_back_under_a_name_that_is_taken(pair: Pair) -> None:
    call = ("x", "no such tool! ünd" + "x" * 90, "{}")
    pair.will(Words(calls=(call,), stop="tool_calls"), Words(text="Done."))
    reply = await pair.provider.reply(talk(), model="m")
    assert [b.name for b in reply.content if isinstance(b, ToolCall)] == [call[1]]
    answered = Message("user", (ToolResult("x", "There is none.", is_error=True),))
    await pair.provider.reply(talk(Message("assistant", reply.content), answered), model="m")
    assert safe(call[1]) in json.dumps(pair.server.requests[1])
    assert call[1] not in json.dumps(pair.server.requests[1], ensure_ascii=False)


async def test_thoughts_alone_are_no_message(pair: Pair) -> None:
    """All of the reply's length went into them."""
    pair.will(Words(thinking="Hm.", stop="length"), Words(text="Done."))
    reply = await pair.provider.reply(talk(), model="m")
    assert reply.stop == "length"
    assert all(isinstance(block, Opaque) for block in reply.content)
    again = talk(Message("assistant", reply.content), Message("user", (Text("Go on."),)))
    await pair.provider.reply(again, model="m")
    sent = pair.server.requests[1]
    assert all(m["role"] != "assistant" for m in sent.get("messages", sent.get("input")))


async def test_thoughts_that_the_provider_does_not_know_any_more(
    anthropic_pair: Pair, responses_pair: Pair
) -> None:
    for pair, words in (
        (anthropic_pair, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (responses_pair, "The encrypted content for item rs_1 could not be verified."),
    ):
        call = ("x", "shell", "{}")
        pair.will(Words(thinking="Hm.", calls=(call,), stop="tool_calls"))
        reply = await pair.provider.reply(talk(), model="m")
        answered = Message("user", (ToolResult("x", "ok"),))
        again = talk(Message("assistant", reply.content), answered)
        pair.will(Failure(status=400, message=words), Words(text="Hi."))
        assert (await pair.provider.reply(again, model="m")).content == (Text("Hi."),)
        assert "Hm." in json.dumps(pair.server.requests[1])
        assert "Hm." not in json.dumps(pair.server.requests[2])


async def test_a_model_that_cannot_see_is_told_that_there_is_a_picture(pair: Pair) -> None:
    seen = Message("user", (Text("# Task\nSee."), Image("image/png", "iVBORw0KGgo=")))
    words = "This model does not support image input"
    pair.will(Failure(status=400, message=words), Words(text="Hi."))
    reply = await pair.provider.reply(replace(talk(), messages=(seen,)), model="m")
    assert reply.content == (Text("Hi."),)
    first, second = (json.dumps(request) for request in pair.server.requests)
    assert "iVBORw0KGgo=" in first
    assert "iVBORw0KGgo=" not in second
    assert UNSEEN in second


async def test_the_retries_of_a_stream_are_bounded(pair: Pair) -> None:
    overload = Failure(type="overloaded_error", mid_stream=True, message="Overloaded")
    pair.will(*[overload] * 5)
    with pytest.raises(ProviderError) as caught:
        await pair.provider.reply(talk(), model="m")
    assert "overloaded" in caught.value.brief
    assert len(pair.server.requests) == 2


NONSENSE = [
    b"<html>Welcome to the hotel</html>",
    b"data: {not json\n\n",
    b'event: message_start\ndata: {"type": "message_start"}\n\n',
    b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 7}\n\n',
    b'data: {"choices": [{"delta": null}]}\n\n',
    b'data: {"choices": [7]}\n\n',
    b'event: response.completed\ndata: {"type": "response.completed"}\n\n',
    b'event: response.output_item.done\ndata: {"type": "response.output_item.done"}\n\n',
    b"",
]


@pytest.mark.parametrize("body", NONSENSE)
async def test_a_server_that_speaks_something_else(body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": "text/event-stream"})

    application = web.Application()
    application.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    providers: list[Any] = [
        AnthropicProvider(KEY, base_url=url, max_retries=0),
        OpenAIProvider(KEY, base_url=url, api="chat", max_retries=0),
        OpenAIProvider(KEY, base_url=url, api="responses", max_retries=0),
    ]
    try:
        for provider in providers:
            with pytest.raises(ProviderError) as caught:
                await provider.reply(talk(), model="m")
            assert "broke off" in caught.value.brief
    finally:
        for provider in providers:
            await provider.close()
        await runner.cleanup()
