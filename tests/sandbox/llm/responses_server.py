"""A server that speaks the Responses API: requests and events held to the SDK's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from tests.sandbox.llm.script import Failure, Script, Words

_REQUEST = TypeAdapter(ResponseCreateParamsStreaming)
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_OUTPUTS = {
    "function_call": "function_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
}


@dataclass
class ResponsesServer:
    """Gives each request the next answer of its script."""

    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=16 * 1024**2)
        application.router.add_post("/v1/responses", self._respond)
        return application

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _REQUEST.validate_python(body, strict=False)
        check_conversation(body)
        self.requests.append(body)
        self.keys.append(request.headers["Authorization"])
        answer = self.script.next()
        if isinstance(answer, Failure) and not answer.mid_stream:
            fault = {"message": answer.message, "type": answer.type, "code": answer.code or None}
            return web.json_response({"error": fault}, status=answer.status, headers=answer.headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _send(response, {"type": "response.created", "response": _response("in_progress")})
        if isinstance(answer, Failure):
            if answer.type == "hang_up":
                assert request.transport is not None
                request.transport.abort()
                return response
            code = answer.code or "server_error"
            failed = {**_response("failed"), "error": {"code": code, "message": answer.message}}
            await _send(response, {"type": "response.failed", "response": failed})
            return response
        for number, event in enumerate(_events(answer), 1):
            await _send(response, event, number=number)
        return response


async def _send(response: web.StreamResponse, event: dict[str, Any], *, number: int = 0) -> None:
    event = {**event, "sequence_number": number}
    _EVENT.validate_python(event)
    await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _response(status: str, output: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": "gpt-5.2-2025-12-11",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def _items(words: Words) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if words.thinking:
        items.append(
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "encrypted_content": f"sealed {words.thinking}",
                "status": "completed",
            }
        )
    content: dict[str, Any]
    if words.text and words.stop == "refusal":
        content = {"type": "refusal", "refusal": words.text}
        items.append(_message(content, words))
    elif words.text:
        content = {"type": "output_text", "text": words.text, "annotations": []}
        items.append(_message(content, words))
    items += [
        {
            "type": "function_call",
            "id": f"fc_{index}",
            "call_id": id_,
            "name": name,
            "arguments": raw,
            "status": "incomplete" if words.stop == "length" else "completed",
        }
        for index, (id_, name, raw) in enumerate(words.calls)
    ]
    return [*items, *words.items]


def _message(content: dict[str, Any], words: Words) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": words.phase or None,
        "content": [content],
    }


def _events(words: Words) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    items = _items(words)
    for index, item in enumerate(items):
        place = {"output_index": index}
        begun = {**item, "status": "in_progress"} if "status" in item else item
        events.append({"type": "response.output_item.added", "item": begun, **place})
        events.append({"type": "response.output_item.done", "item": item, **place})
    if words.is_cut:
        return events
    prompt = words.uncached_tokens + words.cache_read_tokens + words.cache_write_tokens
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": words.cache_read_tokens,
            "cache_write_tokens": words.cache_write_tokens,
        },
        "output_tokens": words.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + words.output_tokens,
    }
    status = "incomplete" if words.stop == "length" else "completed"
    reason = {"reason": "max_output_tokens"} if words.stop == "length" else None
    whole = _response(status, items, usage=usage, incomplete_details=reason)
    return [*events, {"type": f"response.{status}", "response": whole}]


def check_conversation(body: dict[str, Any]) -> None:
    """The rules that the types do not hold: each call with its own kind of output behind it."""
    open_calls: dict[str, str] = {}
    for item in body["input"]:
        kind = item["type"]
        if kind in _OUTPUTS:
            open_calls[item["call_id"]] = _OUTPUTS[kind]
            assert len(item["call_id"]) <= 64
        elif kind.endswith("_output"):
            assert open_calls.pop(item["call_id"]) == kind
        elif item.get("role") == "user":
            assert open_calls == {}
    assert open_calls == {}
    assert body["store"] is False
    assert body["input"][-1]["type"] != "reasoning"
