"""Model servers that let an agent program work: the next step follows from the results it sends.

Requests and answers are held to the SDKs' types; each server speaks one provider's protocols.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

Step = str | tuple[str, dict[str, Any]]
"""Words, or a tool with its input."""

_MESSAGE_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@dataclass
class ActingServer:
    """Takes the steps one after the other; a conversation without tools gets a word."""

    steps: Sequence[Step]
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_post("/v1/messages", self._messages)
        application.router.add_post("/v1/responses", self._responses)
        application.router.add_post("/v1/chat/completions", self._chat)
        return application

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._note(request)
        contents = [m["content"] for m in body["messages"] if isinstance(m["content"], list)]
        done = sum(block["type"] == "tool_result" for content in contents for block in content)
        step = self._step(done, has_tools=bool(body.get("tools")))
        content: dict[str, Any] = {"type": "text", "text": step, "citations": None}
        if not isinstance(step, str):
            content = {"type": "tool_use", "id": f"toolu_{done}", "name": step[0], "input": step[1]}
        stop = "end_turn" if isinstance(step, str) else "tool_use"
        message = {
            "id": f"msg_{done}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [content],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 20},
        }
        Message.model_validate(message)
        if not body.get("stream"):
            return web.json_response(message)
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
        ]
        begun = {**content, "text": ""} if isinstance(step, str) else {**content, "input": {}}
        delta: dict[str, Any] = {"type": "text_delta", "text": step}
        if not isinstance(step, str):
            delta = {"type": "input_json_delta", "partial_json": json.dumps(step[1])}
        events += [
            {"type": "content_block_start", "index": 0, "content_block": begun},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": 20},
            },
            {"type": "message_stop"},
        ]
        return await _stream(request, events, _MESSAGE_EVENT)

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        body = await self._note(request)
        done = sum(str(item.get("type")).endswith("_output") for item in body["input"])
        holders = [body, *body["input"]]
        step = self._step(done, has_tools=any(holder.get("tools") for holder in holders))
        if isinstance(step, str):
            part = {"type": "output_text", "text": step, "annotations": [], "logprobs": []}
            item: dict[str, Any] = {"type": "message", "role": "assistant", "content": [part]}
        elif step[0] == "apply_patch":
            item = {"type": "custom_tool_call", "call_id": f"call_{done}", "name": step[0]}
            item["input"] = step[1]["input"]
        else:
            item = {"type": "function_call", "call_id": f"call_{done}", "name": step[0]}
            item["arguments"] = json.dumps(step[1])
        item |= {"id": f"item_{done}", "status": "completed"}
        whole = {
            "id": f"resp_{done}",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "completed",
            "model": body["model"],
            "output": [item],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 100,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 120,
            },
        }
        Response.model_validate(whole)
        place = {"output_index": 0, "item": item}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {**whole, "output": [], "usage": None}},
            {"type": "response.output_item.added", **place},
            {"type": "response.output_item.done", **place},
            {"type": "response.completed", "response": whole},
        ]
        numbered = [{**event, "sequence_number": n} for n, event in enumerate(events)]
        return await _stream(request, numbered, _RESPONSE_EVENT)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._note(request)
        done = sum(message["role"] == "tool" for message in body["messages"])
        step = self._step(done, has_tools=bool(body.get("tools")))
        message: dict[str, Any] = {"role": "assistant", "content": step, "refusal": None}
        if not isinstance(step, str):
            function = {"name": step[0], "arguments": json.dumps(step[1])}
            call = {"id": f"call_{done}", "type": "function", "function": function}
            message |= {"content": "On it.", "tool_calls": [call]}
        finish = "stop" if isinstance(step, str) else "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        answer = {
            "id": f"chatcmpl-{done}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [choice],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
        ChatCompletion.model_validate(answer)
        return web.json_response(answer)

    async def _note(self, request: web.Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        given = request.headers.get("x-api-key") or request.headers.get("Authorization", "")
        self.keys.append(given.removeprefix("Bearer "))
        return body

    def _step(self, done: int, *, has_tools: bool) -> Step:
        return self.steps[done] if has_tools and done < len(self.steps) else "Well."


async def _stream(
    request: web.Request, events: list[dict[str, Any]], kind: TypeAdapter[Any]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        kind.validate_python(event)
        data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        await response.write(data.encode())
    return response
