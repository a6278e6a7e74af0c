"""A server that speaks Anthropic's Messages API: requests and answers held to the SDK's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aiohttp import web
from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from pydantic import TypeAdapter

from tests.sandbox.llm.script import Failure, Script, Words

_REQUEST = TypeAdapter(MessageCreateParamsStreaming)
_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_STOPS = {
    "tool_calls": "tool_use",
    "end": "end_turn",
    "length": "max_tokens",
    "refusal": "refusal",
    "window": "model_context_window_exceeded",
}


@dataclass
class AnthropicServer:
    """Gives each request the next answer of its script."""

    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/v1/messages", self._messages)
        return application

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _REQUEST.validate_python(body, strict=False)
        check_conversation(body)
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization") or request.headers["X-Api-Key"])
        answer = self.script.next()
        if isinstance(answer, Failure) and not answer.mid_stream:
            error = {"type": "error", "error": {"type": answer.type, "message": answer.message}}
            return web.json_response(error, status=answer.status, headers=answer.headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if isinstance(answer, Failure):
            await _send(response, _start(Words()))
            if answer.type == "hang_up":
                assert request.transport is not None
                request.transport.abort()
                return response
            error = {"type": answer.type, "message": answer.message}
            data = json.dumps({"type": "error", "error": error})
            await response.write(f"event: error\ndata: {data}\n\n".encode())
            return response
        for event in _events(answer):
            await _send(response, event)
        return response


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    _EVENT.validate_python(event)
    await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _start(words: Words) -> dict[str, Any]:
    usage = {
        "input_tokens": words.uncached_tokens,
        "cache_read_input_tokens": words.cache_read_tokens,
        "cache_creation_input_tokens": words.cache_write_tokens,
        "output_tokens": 1,
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return {"type": "message_start", "message": message}


def _events(words: Words) -> list[dict[str, Any]]:
    events = [_start(words)]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if words.thinking:
        deltas = [
            {"type": "thinking_delta", "thinking": words.thinking},
            {"type": "signature_delta", "signature": "sig"},
        ]
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    if words.text:
        half = len(words.text) // 2
        parts = (words.text[:half], words.text[half:])
        deltas = [{"type": "text_delta", "text": part} for part in parts]
        blocks.append(({"type": "text", "text": "", "citations": None}, deltas))
    for id_, name, raw in words.calls:
        parts = (raw[:3], raw[3:])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        blocks.append(({"type": "tool_use", "id": id_, "name": name, "input": {}}, deltas))
    blocks += [(block, []) for block in words.items]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    if words.is_cut:
        return events
    delta: dict[str, Any] = {"stop_reason": _STOPS[words.stop], "stop_sequence": None}
    if words.explanation:
        delta["stop_details"] = {"type": "refusal", "explanation": words.explanation}
    usage = {"output_tokens": words.output_tokens}
    events.append({"type": "message_delta", "delta": delta, "usage": usage})
    return [*events, {"type": "message_stop"}]


def check_conversation(body: dict[str, Any]) -> None:
    """The rules that the types do not hold: roles in turn, results right behind their calls."""
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    for message, after in pairwise(messages):
        called = [b["id"] for b in message["content"] if b["type"] == "tool_use"]
        answered = [b["tool_use_id"] for b in after["content"] if b["type"] == "tool_result"]
        if message["role"] == "assistant":
            assert called == answered
            kinds = [block["type"] for block in after["content"]]
            assert kinds[: len(answered)] == ["tool_result"] * len(answered)
    assert all(b.get("text", "x") for m in messages for b in m["content"])
    marks = json.dumps(body).count('"cache_control"')
    assert marks <= 4
