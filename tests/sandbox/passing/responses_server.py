"""A server that speaks OpenAI's Responses: requests and answers held to the SDK's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

from tests.sandbox.llm.script import Failure, Script, Words

_REQUEST = TypeAdapter(ResponseCreateParams)
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@dataclass
class ResponsesServer:
    """Gives each request the next answer of its script."""

    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=32 * 1024**2)
        application.router.add_post("/v1/responses", self._respond)
        return application

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _REQUEST.validate_python(body, strict=False)
        self.requests.append(body)
        self.keys.append(request.headers["Authorization"])
        answer = self.script.next()
        if isinstance(answer, Failure):
            fault = {"message": answer.message, "type": answer.type, "code": answer.code or None}
            return web.json_response({"error": fault}, status=answer.status, headers=answer.headers)
        if not body.get("stream"):
            return web.json_response(_response(answer, len(self.requests)))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, event in enumerate(_events(answer, len(self.requests))):
            event["sequence_number"] = number
            _EVENT.validate_python(event)
            data = json.dumps(event)
            await response.write(f"event: {event['type']}\ndata: {data}\n\n".encode())
        return response


def _output(words: Words, number: int) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if words.thinking:
        reasoning = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
        output.append({**reasoning, "encrypted_content": "gAAAA", "status": "completed"})
    if words.text:
        part = {"type": "output_text", "text": words.text, "annotations": [], "logprobs": []}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant"}
        output.append({**message, "status": "completed", "content": [part]})
    for id_, name, raw in words.calls:
        call = {"id": f"fc_{id_}", "type": "function_call", "call_id": id_, "name": name}
        output.append({**call, "arguments": raw, "status": "completed"})
    return output


def _response(words: Words, number: int) -> dict[str, Any]:
    prompt = words.uncached_tokens + words.cache_read_tokens + words.cache_write_tokens
    details = {"cached_tokens": words.cache_read_tokens}
    details["cache_write_tokens"] = words.cache_write_tokens
    response: dict[str, Any] = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": "gpt-5.2-2025-12-11",
        "output": _output(words, number),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": details,
            "output_tokens": words.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + words.output_tokens,
        },
    }
    Response.model_validate(response)
    return response


def _events(words: Words, number: int) -> list[dict[str, Any]]:
    whole = _response(words, number)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        place = {"output_index": index, "item": item}
        events.append({"type": "response.output_item.added", **place})
        if item["type"] == "message":
            about = {"item_id": item["id"], "output_index": index, "content_index": 0}
            text = item["content"][0]["text"]
            events.append({"type": "response.output_text.delta", "delta": text, "logprobs": []})
            events[-1].update(about)
        events.append({"type": "response.output_item.done", **place})
    return [*events, {"type": "response.completed", "response": whole}]
