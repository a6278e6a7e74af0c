"""The Responses API: a conversation as its items, and a reply from its stream.

Nothing is kept at the provider (`store: false`): reasoning comes encrypted and goes back with the
conversation. Calls of the model's own shell and apply_patch are the agent's `bash` and
`apply_patch`; one shell call with several commands is several calls of the agent, whose results
are laid together again.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from openai.types.responses import Response, ResponseOutputItem, ResponseStreamEvent, ResponseUsage

from sandbox.llm.arguments import finish_blocks, parse_call, safe
from sandbox.llm.openai.shell import Places, from_shell, results_of_shell, shell_groups, to_shell
from sandbox.llm.openai.stream import BrokeOff, Failed
from sandbox.llm.provider import (
    Block,
    Conversation,
    Image,
    Message,
    Opaque,
    Reply,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from sandbox.llm.tools import BASH, EDITING, PATCH, plain_tools

NAME: Final = "openai.responses"
"""Whose reasoning is whose."""
_TRAINED: Final = re.compile(r"gpt-(?:5\.\d|[6-9]|\d\d)(?!\d)")
"""Models with a shell and apply_patch of their own."""
_UNREASONING: Final = re.compile(r"gpt-[34]|chatgpt")

Json = dict[str, Any]


def is_trained(model: str) -> bool:
    """Whether the model has the tools that it was trained on."""
    return _TRAINED.search(model) is not None


def make_request(
    conversation: Conversation, model: str, *, mended: bool, trained: bool | None = None
) -> Json:
    """What differs from turn to turn; ``mended``: broken arguments are left out.

    ``trained`` as in ``is_trained``.
    """
    trained = is_trained(model) if trained is None else trained
    request: Json = {
        "input": _make_input(conversation, model, mended=mended, trained=trained),
        "store": False,
        "prompt_cache_key": _cache_key(conversation),
    }
    if not _UNREASONING.search(model):
        request["include"] = ["reasoning.encrypted_content"]
    if conversation.system:
        request["instructions"] = conversation.system
    if tools := _tools(conversation.tools, trained=trained):
        request["tools"] = tools
    return request


def _cache_key(conversation: Conversation) -> str:
    """The same over all turns of a task: it keeps them together where the cache is."""
    first = conversation.messages[0].content if conversation.messages else ()
    words = [conversation.system, *(block.text for block in first if isinstance(block, Text))]
    return hashlib.sha256("\0".join(words[:2]).encode()).hexdigest()[:32]


def _tools(tools: tuple[Tool, ...], *, trained: bool) -> list[Json]:
    if not trained:
        return [_function(tool) for tool in plain_tools(tools)]
    params: list[Json] = []
    for tool in tools:
        if tool.name == BASH:
            params.append({"type": "shell", "environment": {"type": "local"}})
        elif tool.name == PATCH:
            params.append({"type": "apply_patch"})
        elif tool.name not in EDITING:
            params.append(_function(tool))
    return params


def _function(tool: Tool) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": False,
    }


def _make_input(
    conversation: Conversation, model: str, *, mended: bool, trained: bool
) -> list[Json]:
    """The items of all messages, in order."""
    items: list[Json] = []
    places: Places = {}
    for message in conversation.messages:
        if message.role == "assistant":
            places = {}
            items += _assistant(message, model, places, mended=mended, is_native=trained)
        else:
            items += _user(message, places)
    return items


def _assistant(
    message: Message, model: str, places: Places, *, mended: bool, is_native: bool
) -> list[Json]:
    """The items of a reply; ``places`` gets where each of its calls went."""
    items: list[Json] = []
    phase: Json = {}
    for block in shell_groups(message.content):
        match block:
            case Text(text) if text.strip():
                items.append({"type": "message", "role": "assistant", "content": text, **phase})
                phase = {}
            case Opaque() if block.is_for(NAME, model):
                if "phase" in block.data:
                    phase = block.data
                else:
                    items.append(dict(block.data))
            case list() if is_native and block[0].arguments is not None:
                items.append(to_shell(block))
                places |= {call.id: ("shell_call", items[-1]["call_id"]) for call in block}
            case list():
                items += [_call(call, mended=mended) for call in block]
                places |= {call.id: ("function_call", safe(call.id)) for call in block}
            case ToolCall(id_, name, arguments) if is_native and name == PATCH and arguments:
                call = {"type": "apply_patch_call", "call_id": safe(id_), "status": "completed"}
                items.append({**call, "operation": _operation(arguments)})
            case ToolCall():
                items.append(_call(block, mended=mended))
        if isinstance(block, ToolCall):
            places[block.id] = (items[-1]["type"], items[-1]["call_id"])
    while items and items[-1]["type"] == "reasoning":
        items.pop()  # it may not stand alone
    return items


def _operation(arguments: Json) -> Json:
    """As the model must have meant it: what it sent may have lacked something."""
    type_ = arguments.get("type")
    path, diff = str(arguments.get("path", "")), str(arguments.get("diff", ""))
    if type_ == "delete_file":
        return {"type": type_, "path": path}
    return {
        "type": type_ if type_ == "create_file" else "update_file",
        "path": path,
        "diff": diff,
    }


def _call(call: ToolCall, *, mended: bool) -> Json:
    if call.arguments is not None:
        raw = json.dumps(call.arguments, ensure_ascii=False)
    else:
        raw = "{}" if mended else call.raw
    return {
        "type": "function_call",
        "call_id": safe(call.id),
        "name": safe(call.name),
        "arguments": raw,
    }


def _user(message: Message, places: Places) -> list[Json]:
    """Results first: each must follow the calls directly."""
    results = [block for block in message.content if isinstance(block, ToolResult)]
    items: list[Json] = results_of_shell(results, places)
    for result in results:
        kind, id_ = places.get(result.call_id, ("", ""))
        output = result.text or "(no output)"
        if kind == "apply_patch_call":
            status = "failed" if result.is_error else "completed"
            answer = {"type": "apply_patch_call_output", "call_id": id_, "status": status}
            items.append({**answer, "output": output})
        elif kind == "function_call":
            items.append({"type": "function_call_output", "call_id": id_, "output": output})
    content: list[Json] = []
    for block in message.content:
        if isinstance(block, Text) and block.text.strip():
            content.append({"type": "input_text", "text": block.text})
        elif isinstance(block, Image):
            url = f"data:{block.media_type};base64,{block.data}"
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
    return [*items, {"type": "message", "role": "user", "content": content}] if content else items


class Answer:
    """A reply put together from its stream."""

    def __init__(self, model: str, conversation: Conversation) -> None:
        self.has_begun = False
        self._model = model
        self._conversation = conversation
        self._items: dict[int, ResponseOutputItem] = {}
        self._response: Response | None = None

    def take(self, event: ResponseStreamEvent) -> None:
        self.has_begun = True
        if event.type == "response.output_item.done":
            self._items[event.output_index] = event.item
        elif event.type in ("response.completed", "response.incomplete"):
            self._response = event.response
        elif event.type == "response.failed":
            error = event.response.error
            raise Failed.coded(error and error.code, error.message if error else "It failed.")
        elif event.type == "error":
            raise Failed.coded(event.code, event.message)

    def reply(self) -> Reply:
        response = self._response
        if response is None:
            raise BrokeOff("the stream ended before the response was completed")
        for index, item in enumerate(response.output or []):
            self._items.setdefault(index, item)
        blocks = [b for index in sorted(self._items) for b in self._blocks(self._items[index])]
        stop = self._stop(response, blocks)
        return Reply(
            content=finish_blocks(blocks, stop, self._conversation),
            stop=stop,
            model=response.model or self._model,
            usage=_usage(response.usage),
        )

    def _stop(self, response: Response, blocks: list[Block]) -> Stop:
        reason = response.incomplete_details and response.incomplete_details.reason
        if reason == "content_filter" or self._has_refusal():
            return "refusal"
        if response.status == "incomplete" and reason != "steered":
            return "length"
        return "tool_calls" if any(isinstance(b, ToolCall) for b in blocks) else "end"

    def _has_refusal(self) -> bool:
        return any(
            part.type == "refusal"
            for item in self._items.values()
            if item.type == "message"
            for part in item.content
        )

    def _blocks(self, item: ResponseOutputItem) -> list[Block]:
        if item.type == "message":
            words = [p.text if p.type == "output_text" else p.refusal for p in item.content]
            phase = [Opaque(NAME, {"phase": item.phase}, self._model)] if item.phase else []
            return [*phase, Text("\n\n".join(words))] if any(words) else []
        if item.type == "function_call":
            return [parse_call(item.call_id, item.name, item.arguments or "")]
        if item.type == "shell_call":
            action = item.action
            return [*from_shell(item.call_id, action.commands, action.timeout_ms)]
        if item.type == "apply_patch_call":
            operation = item.operation.to_dict()
            return [ToolCall(item.call_id, PATCH, operation)]
        if item.type == "reasoning" and (item.encrypted_content or item.content):
            kept = item.to_dict()
            kept.pop("status", None)
            return [Opaque(NAME, {k: v for k, v in kept.items() if v is not None}, self._model)]
        return []


def _usage(usage: ResponseUsage | None) -> Usage:
    if usage is None:
        return Usage()
    details = usage.input_tokens_details
    return Usage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=(details.cached_tokens or 0) if details else 0,
        cache_write_tokens=(getattr(details, "cache_write_tokens", 0) or 0) if details else 0,
    )
