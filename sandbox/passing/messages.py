"""Anthropic's Messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from sandbox.llm.arguments import parse_call, with_own_ids
from sandbox.llm.provider import (
    Block,
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
from sandbox.passing.dialect import Admitted, Asked, Json, NotPassed, count, items, only, words

_FIELDS: Final = frozenset(
    {
        *("messages", "max_tokens", "system", "tools", "tool_choice", "stop_sequences", "stream"),
        *("temperature", "top_k", "top_p", "thinking", "cache_control", "metadata"),
        *("output_config", "output_format", "context_management"),
    }
)
"""What is passed on: no servers, files or places of the provider's that reach the outside."""
_OWN_TOOLS: Final = ("custom", "bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_")
"""Tools that are carried out by whoever asked."""
_SOURCES: Final = frozenset({"base64", "text", "content"})
_STOPS: Final[dict[str, Stop]] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class Messages:
    """Fulfils `Dialect`."""

    provider = "anthropic"
    path = "/v1/messages"

    def admit(self, body: Json, *, model: str) -> Admitted:
        for message in items(body.get("messages")):
            _check_sources(message.get("content"))
        _check_sources(body.get("system"))
        passed = {**only(body, _FIELDS), "model": model}
        if "tools" not in passed:
            return Admitted(body=passed)
        tools = items(passed["tools"])
        kept = [tool for tool in tools if _is_own(tool)]
        out = tuple(words(tool.get("name")) for tool in tools if not _is_own(tool))
        if kept:
            return Admitted(body={**passed, "tools": kept}, left_out=out)
        del passed["tools"]
        passed.pop("tool_choice", None)
        return Admitted(body=passed, left_out=out)

    def read(self, body: Json) -> Asked:
        system = body.get("system")
        parts = [system] if isinstance(system, str) else [b.get("text") for b in items(system)]
        return Asked(
            system=tuple(filter(None, map(words, parts))),
            tools=tuple(map(_tool, items(body.get("tools")))),
            messages=tuple(map(_message, items(body.get("messages")))),
        )

    def add_words(self, body: Json, words: str) -> Json:
        block = {"type": "text", "text": words}
        messages = items(body.get("messages"))
        if not messages or messages[-1].get("role") != "user":
            return {**body, "messages": [*messages, {"role": "user", "content": [block]}]}
        last = messages[-1]
        given = last.get("content")
        before = [{"type": "text", "text": given}] if isinstance(given, str) else items(given)
        return {**body, "messages": [*messages[:-1], {**last, "content": [*before, block]}]}

    def answer(self, model: str) -> MessagesAnswer:
        return MessagesAnswer(model)


class MessagesAnswer:
    """Fulfils `Answer`."""

    def __init__(self, model: str) -> None:
        self.is_whole = False
        self.problem = ""
        self._model = model
        self._blocks: dict[int, Json] = {}
        self._usage: dict[str, Any] = {}
        self._stop = ""

    @property
    def usage(self) -> Usage | None:
        counts = self._usage
        if not counts:
            return None
        read = count(counts, "cache_read_input_tokens")
        written = count(counts, "cache_creation_input_tokens")
        return Usage(
            input_tokens=count(counts, "input_tokens") + read + written,
            output_tokens=count(counts, "output_tokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
        )

    def take(self, event: Json) -> None:
        match event.get("type"):
            case "message_start":
                message = event.get("message") or {}
                self._model = words(message.get("model")) or self._model
                self._count(message)
            case "content_block_start":
                block = event.get("content_block")
                self._blocks[count(event, "index")] = dict(block) if isinstance(block, dict) else {}
            case "content_block_delta":
                _extend(self._blocks.setdefault(count(event, "index"), {}), event.get("delta"))
            case "message_delta":
                self._stop = words((event.get("delta") or {}).get("stop_reason")) or self._stop
                self._count(event)
            case "message_stop":
                self.is_whole = True
            case "error":
                self.problem = words((event.get("error") or {}).get("message")) or "error"
                self.is_whole = True

    def take_whole(self, body: Json) -> None:
        self._model = words(body.get("model")) or self._model
        self._blocks = dict(enumerate(items(body.get("content"))))
        self._stop = words(body.get("stop_reason"))
        self._count(body)
        self.is_whole = True

    def reply(self) -> Reply:
        blocks = [_finish(self._blocks[index]) for index in sorted(self._blocks)]
        stop = _STOPS.get(self._stop, "end") if self._stop else "length"
        return Reply(
            content=with_own_ids(blocks),
            stop=stop,
            model=self._model,
            usage=self.usage or Usage(),
        )

    def _count(self, holder: Json) -> None:
        """Counts are totals: a later one takes an earlier one's place."""
        if isinstance(usage := holder.get("usage"), dict):
            self._usage |= {name: value for name, value in usage.items() if isinstance(value, int)}


def _extend(block: Json, delta: Any) -> None:
    for name in ("text", "thinking", "signature", "partial_json"):
        if isinstance(delta, dict) and isinstance(piece := delta.get(name), str):
            block[name] = block.get(name, "") + piece


def _finish(block: Json) -> Block:
    raw = words(block.get("partial_json"))
    match block.get("type"):
        case "text":
            return Text(words(block.get("text")))
        case "tool_use":
            raw = raw or json.dumps(block.get("input") or {})
            return parse_call(words(block.get("id")), words(block.get("name")), raw)
        case _:
            return Opaque("anthropic", block)


def _is_own(tool: Json) -> bool:
    kind = tool.get("type") or "custom"
    return isinstance(kind, str) and kind.startswith(_OWN_TOOLS)


def _check_sources(content: Any) -> None:
    """What the provider would fetch by itself would be a way out."""
    for block in items(content):
        if (
            isinstance(source := block.get("source"), dict)
            and words(source.get("type")) not in _SOURCES
        ):
            raise NotPassed("Images and documents are sent whole, not by address.")
        if block.get("type") == "container_upload":
            raise NotPassed("Nothing is run at the provider.")
        if block.get("type") in ("tool_result", "document"):
            _check_sources(block.get("content"))


def _tool(data: Json) -> Tool:
    schema = data.get("input_schema")
    name, description = words(data.get("name")), words(data.get("description"))
    return Tool(name, description, schema if isinstance(schema, dict) else {})


def _message(data: Json) -> Message:
    content = data.get("content")
    blocks = [Text(words(content))] if isinstance(content, str) else list(_blocks(content))
    return Message("assistant" if data.get("role") == "assistant" else "user", tuple(blocks))


def _blocks(content: Any) -> Iterator[Block]:
    for data in items(content):
        match data.get("type"):
            case "text":
                yield Text(words(data.get("text")))
            case "tool_use":
                given = data.get("input")
                arguments = given if isinstance(given, dict) else None
                yield ToolCall(words(data.get("id")), words(data.get("name")), arguments)
            case "tool_result":
                yield _result(data)
            case "image" | "document" as kind:
                yield Text(f"[{kind}]")
            case _:
                yield Opaque("anthropic", data)


def _result(data: Json) -> ToolResult:
    content = data.get("content")
    if isinstance(content, str):
        text = words(content)
    else:
        blocks = _blocks(content)
        text = "\n".join(block.text for block in blocks if isinstance(block, Text))
    is_error = data.get("is_error") is True
    return ToolResult(words(data.get("tool_use_id")), text, is_error)
