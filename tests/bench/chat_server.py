"""A model that follows one script over Chat Completions; it keeps what it was sent, and when."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

Json = dict[str, Any]
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Held:
    """What a process has of the machine at some moment."""

    resident_bytes: int = 0
    processor_seconds: float = 0.0
    """Used since its start, without its children."""


def look_at(pid: int) -> Held:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Held(pages * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    at: float
    answered_at: float
    request_bytes: int
    prompt_tokens: int
    """By one measure for everybody: a quarter of the characters of the messages and tools."""
    held: Held


@dataclass
class ChatServer:
    """One run of the script: a command for each turn, and then the end."""

    commands: Sequence[str]
    look: Callable[[], Held] = Held
    """Asked at each request, of who sent it."""
    asked: list[Asked] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_post("/v1/chat/completions", self._complete)
        return application

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        at = time.perf_counter()
        body = await request.read()
        data = json.loads(body)
        number = len(self.asked)
        call = self._call(number, data)
        prompt = len(json.dumps([data["messages"], data.get("tools")], ensure_ascii=False))
        tokens = prompt // _CHARACTERS_PER_TOKEN
        held = self.look()
        answered_at = time.perf_counter()
        self.asked.append(
            Asked(
                at=at,
                answered_at=answered_at,
                request_bytes=len(body),
                prompt_tokens=tokens,
                held=held,
            )
        )
        usage = {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20}
        if data.get("stream"):
            return await _stream(request, call, usage)
        message = {"role": "assistant", "content": "On.", "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return web.json_response({**_envelope("chat.completion", [choice]), "usage": usage})

    def _call(self, number: int, data: Json) -> Json:
        tools = {tool["function"]["name"] for tool in data["tools"]}
        if number < len(self.commands):
            name, arguments = "bash", {"command": self.commands[number]}
        elif "finish" in tools:
            name = "finish"
            arguments = {"title": "Done", "summary": "Done.", "claimed": "nothing"}
        else:
            name = "bash"
            arguments = {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"id": f"call_{number}", "type": "function", "function": function}


def _envelope(kind: str, choices: list[Json]) -> Json:
    return {"id": "c", "object": kind, "created": 1, "model": "bench", "choices": choices}


async def _stream(request: web.Request, call: Json, usage: Json) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    delta = {"role": "assistant", "content": "On.", "tool_calls": [{"index": 0, **call}]}
    for choices, more in (
        ([{"index": 0, "delta": delta, "finish_reason": None}], {}),
        ([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], {}),
        ([], {"usage": usage}),
    ):
        chunk = {**_envelope("chat.completion.chunk", choices), **more}
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response
