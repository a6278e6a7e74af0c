"""The JSON form of blocks, messages and replies: on the wire, in the store and in recordings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sandbox.llm.provider import (
    Block,
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

_TYPES: dict[str, type[Block]] = {
    "text": Text,
    "image": Image,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "opaque": Opaque,
}
_NAMES = {cls: name for name, cls in _TYPES.items()}


def block_to_json(block: Block) -> dict[str, Any]:
    return {"type": _NAMES[type(block)], **asdict(block)}


def block_from_json(data: dict[str, Any]) -> Block:
    """For data of our own; what a container sends goes through the gateway's stricter reading."""
    values = dict(data)
    return _TYPES[values.pop("type")](**values)


def message_to_json(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [block_to_json(b) for b in message.content]}


def message_from_json(data: dict[str, Any]) -> Message:
    return Message(data["role"], blocks_from_json(data["content"]))


def blocks_from_json(data: Iterable[dict[str, Any]]) -> tuple[Block, ...]:
    return tuple(block_from_json(block) for block in data)


def reply_to_json(reply: Reply) -> dict[str, Any]:
    return {
        "content": [block_to_json(block) for block in reply.content],
        "stop": reply.stop,
        "model": reply.model,
        "usage": asdict(reply.usage),
    }


def reply_from_json(data: dict[str, Any]) -> Reply:
    return Reply(
        content=blocks_from_json(data["content"]),
        stop=data["stop"],
        model=data["model"],
        usage=Usage(**data["usage"]),
    )


def tools_to_json(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    return [asdict(tool) for tool in tools]
