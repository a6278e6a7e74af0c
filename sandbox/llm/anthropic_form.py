"""A conversation in the form of Anthropic's Messages API, marked for its prompt cache. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.llm.arguments import safe
from sandbox.llm.provider import (
    Block,
    Conversation,
    Image,
    Opaque,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from sandbox.llm.text_editor import EDITOR, to_native
from sandbox.llm.tools import BASH, EDITING, PATCH, plain_tools

NAME: Final = "anthropic"
"""Whose reasoning is whose."""
CACHED: Final = {"type": "ephemeral"}
_TRAINED: Final = re.compile(r"claude-(?!3|2|instant)")

Json = dict[str, Any]


def is_trained(model: str) -> bool:
    """Whether the model has the tools that it was trained on; compatible servers have none."""
    return _TRAINED.search(model) is not None


def make_request(conversation: Conversation, model: str, *, trained: bool | None = None) -> Json:
    """What differs from turn to turn; ``trained`` as in ``is_trained``.

    Four places are marked: the tools, the system prompt, and the two newest user messages, of
    which the one before last is where the cache of the last turn ends.
    """
    trained = is_trained(model) if trained is None else trained
    request: Json = {"messages": _messages(conversation, model, trained=trained)}
    if conversation.system:
        system = {"type": "text", "text": conversation.system, "cache_control": CACHED}
        request["system"] = [system]
    if tools := _tools(conversation.tools, trained=trained):
        request["tools"] = [*tools[:-1], {**tools[-1], "cache_control": CACHED}]
    return request


def _tools(tools: tuple[Tool, ...], *, trained: bool) -> list[Json]:
    if not trained:
        return [_function(tool) for tool in plain_tools(tools)]
    has_editor = _has_editor(tools)
    params: list[Json] = []
    for tool in tools:
        if tool.name == BASH:
            params.append({"type": "bash_20250124", "name": BASH})
        elif has_editor and tool.name == EDITING[0]:
            params.append({"type": "text_editor_20250728", "name": EDITOR})
        elif tool.name != PATCH and not (has_editor and tool.name in EDITING):
            params.append(_function(tool))
    return params


def _has_editor(tools: tuple[Tool, ...]) -> bool:
    """Not in a run that changes nothing: the text editor cannot be had without its changes."""
    return {tool.name for tool in tools} >= set(EDITING)


def _function(tool: Tool) -> Json:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}


def _messages(conversation: Conversation, model: str, *, trained: bool) -> list[Json]:
    is_native = trained and _has_editor(conversation.tools)
    params: list[Json] = []
    for message in conversation.messages:
        content = [
            given
            for block in message.content
            if (given := _block(block, model, is_native=is_native)) is not None
        ]
        while content and content[-1]["type"] in ("thinking", "redacted_thinking"):
            content.pop()  # it may not be the last
        if not content:
            continue
        if params and params[-1]["role"] == message.role:
            params[-1]["content"] += content
        else:
            params.append({"role": message.role, "content": content})
    for param in [param for param in params if param["role"] == "user"][-2:]:
        param["content"][-1]["cache_control"] = CACHED
    return params


def _block(block: Block, model: str, *, is_native: bool) -> Json | None:
    match block:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image(media_type, data):
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source}
        case ToolCall(id_, name, arguments):
            given = arguments or {}
            if is_native:
                name, given = to_native(name, given)
            return {"type": "tool_use", "id": safe(id_), "name": safe(name), "input": given}
        case ToolResult(call_id, text, is_error):
            return {
                "type": "tool_result",
                "tool_use_id": safe(call_id),
                "content": [{"type": "text", "text": text or "(no output)"}],
                "is_error": is_error,
            }
        case Opaque():
            return dict(block.data) if block.is_for(NAME, model) else None
