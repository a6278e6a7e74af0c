"""A server that speaks Chat Completions: requests and answers held to the SDK's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from tests.sandbox.llm.script import Failure, Script, Words

_REQUEST = TypeAdapter(CompletionCreateParamsStreaming)
_STOPS = {
    "tool_calls": "tool_calls",
    "end": "stop",
    "length": "length",
    "refusal": "content_filter",
}


@dataclass
class OpenAIServer:
    """Gives each request the next answer of its script."""

    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    parses_arguments: bool = False
    """Refuses broken arguments of earlier calls, as some servers do."""
    unknown: frozenset[str] = frozenset()
    """Fields that it refuses."""
    is_sloppy: bool = False
    """Leaves out the index of calls and says "stop" behind them, as some servers do."""

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._complete)
        return application

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _REQUEST.validate_python(body, strict=False)
        check_conversation(body)
        self.requests.append(body)
        self.keys.append(request.headers["Authorization"])
        if strange := body.keys() & self.unknown:
            error = {"message": f"unknown: {sorted(strange)[0]}", "type": "bad", "code": None}
            return web.json_response({"error": error}, status=422)
        if self.parses_arguments and not _all_arguments_parse(body):
            error = {"error": {"message": "arguments are no JSON", "type": "bad", "code": None}}
            return web.json_response(error, status=400)
        answer = self.script.next()
        if isinstance(answer, Failure) and not answer.mid_stream:
            fault = {"message": answer.message, "type": answer.type, "code": answer.code or None}
            return web.json_response({"error": fault}, status=answer.status, headers=answer.headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if isinstance(answer, Failure):
            await _send(response, _chunk({"role": "assistant", "content": "Hal"}))
            if answer.type == "hang_up":
                assert request.transport is not None
                request.transport.abort()
                return response
            data = json.dumps({"error": {"message": answer.message, "type": answer.type}})
            await response.write(f"data: {data}\n\n".encode())
            return response
        for chunk in self._chunks(answer):
            await _send(response, chunk, is_sloppy=self.is_sloppy)
        await response.write(b"data: [DONE]\n\n")
        return response

    def _chunks(self, words: Words) -> list[dict[str, Any]]:
        chunks = [_chunk({"role": "assistant", "content": ""})]
        if words.thinking:
            chunks.append(_chunk({words.reasoning_field: words.thinking}))
        half = len(words.text) // 2
        chunks += [_chunk({"content": part}) for part in (words.text[:half], words.text[half:])]
        for index, (id_, name, raw) in enumerate(words.calls):
            first: dict[str, Any] = {
                "id": id_,
                "type": "function",
                "function": {"name": name, "arguments": ""},
            }
            if words.signature:
                first["extra_content"] = {"google": {"thought_signature": words.signature}}
            rest = [{"function": {"arguments": part}} for part in (raw[:3], raw[3:])]
            for delta in (first, *rest):
                place = {} if self.is_sloppy else {"index": index}
                chunks.append(_chunk({"tool_calls": [{**place, **delta}]}))
        if words.is_cut:
            return chunks
        stop = "stop" if self.is_sloppy else _STOPS[words.stop]
        prompt = words.uncached_tokens + words.cache_read_tokens + words.cache_write_tokens
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": words.output_tokens,
            "total_tokens": prompt + words.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": words.cache_read_tokens,
                "cache_write_tokens": words.cache_write_tokens,
            },
        }
        last = {**_chunk({}), "choices": [], "usage": usage}
        return [*chunks, _chunk({}, finish=stop), last]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-5.2-2025-12-11",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "usage": None,
    }


async def _send(
    response: web.StreamResponse, chunk: dict[str, Any], *, is_sloppy: bool = False
) -> None:
    if not is_sloppy:
        ChatCompletionChunk.model_validate(chunk)
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


def _all_arguments_parse(body: dict[str, Any]) -> bool:
    try:
        for message in body["messages"]:
            for call in message.get("tool_calls") or []:
                json.loads(call["function"]["arguments"])
    except ValueError:
        return False
    return True


def check_conversation(body: dict[str, Any]) -> None:
    """The rule that the types do not hold: every call has its result right behind it."""
    open_calls: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
            continue
        assert open_calls == []
        open_calls = [call["id"] for call in message.get("tool_calls") or []]
    assert open_calls == []
