"""OpenAI's Responses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from sandbox.llm.arguments import parse_call, with_own_ids
from sandbox.llm.provider import (
    Block,
    Message,
    Opaque,
    Reply,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from sandbox.passing.dialect import (
    Admitted,
    Asked,
    Json,
    NotPassed,
    check_addresses,
    count,
    items,
    only,
    words,
)

_FIELDS: Final = frozenset(
    {
        *("input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning"),
        *("text", "include", "max_output_tokens", "max_tool_calls", "temperature", "top_p"),
        *("top_logprobs", "truncation", "stream", "prompt_cache_key", "prompt_cache_retention"),
        *("context_management",),
    }
)
_OWN_TOOLS: Final = frozenset(
    {"function", "custom", "local_shell", "apply_patch", "namespace", "tool_search"}
)
"""Tools that are carried out by whoever asked."""
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class Responses:
    """Fulfils `Dialect`."""

    provider = "openai"
    path = "/responses"

    def admit(self, body: Json, *, model: str) -> Admitted:
        if body.get("previous_response_id") or body.get("conversation") or body.get("prompt"):
            raise NotPassed("Nothing is kept at the provider: send the whole conversation.")
        if body.get("background"):
            raise NotPassed("A reply is waited for.")
        for item in items(body.get("input")):
            check_addresses({name: item[name] for name in item if name != "tools"})
        passed = {**only(body, _FIELDS), "model": model, "store": False}
        out: list[str] = []
        if "tools" in passed:
            passed["tools"] = _own_tools(passed["tools"], out)
        if isinstance(given := passed.get("input"), list):
            # Tools may come in the middle of a conversation, too.
            passed["input"] = [
                {**item, "tools": _own_tools(item["tools"], out)} if "tools" in item else item
                for item in items(given)
            ]
        return Admitted(body=passed, left_out=tuple(out))

    def read(self, body: Json) -> Asked:
        given = body.get("input")
        listed = items(given)
        if isinstance(given, str):
            listed = [{"role": "user", "content": given}]
        system = [words(body.get("instructions"))]
        system += [_text_of(i.get("content")) for i in listed if _is_system(i)]
        said = [item for item in listed if not _is_system(item)]
        return Asked(
            system=tuple(filter(None, system)),
            tools=tuple(_tools([body, *listed])),
            messages=tuple(
                Message(role, tuple(block for item in group for block in _blocks(item)))
                for role, group in groupby(said, _role)
            ),
        )

    def add_words(self, body: Json, words: str) -> Json:
        given = body.get("input")
        before = [{"role": "user", "content": given}] if isinstance(given, str) else items(given)
        part = {"type": "input_text", "text": words}
        return {**body, "input": [*before, {"role": "user", "content": [part], "type": "message"}]}

    def answer(self, model: str) -> ResponsesAnswer:
        return ResponsesAnswer(model)


class ResponsesAnswer:
    """Fulfils `Answer`."""

    def __init__(self, model: str) -> None:
        self.is_whole = False
        self.problem = ""
        self.usage: Usage | None = None
        self._model = model
        self._items: list[Json] = []
        self._status = ""

    def take(self, event: Json) -> None:
        kind = event.get("type")
        response = event.get("response")
        if kind == "response.output_item.done":
            self._items += items([event.get("item")])
        elif kind == "error":
            self.problem = words(event.get("message")) or "error"
            self.is_whole = True
        elif words(kind) in _ENDS and isinstance(response, dict):
            self.take_whole(response)

    def take_whole(self, body: Json) -> None:
        self._model = words(body.get("model")) or self._model
        self._items = items(body.get("output")) or self._items
        self._status = words(body.get("status"))
        if isinstance(error := body.get("error"), dict):
            self.problem = words(error.get("message")) or "error"
        if isinstance(usage := body.get("usage"), dict):
            self.usage = Usage(
                input_tokens=count(usage, "input_tokens"),
                output_tokens=count(usage, "output_tokens"),
                cache_read_tokens=count(usage, "input_tokens_details", "cached_tokens"),
                cache_write_tokens=count(usage, "input_tokens_details", "cache_write_tokens"),
            )
        self.is_whole = True

    def reply(self) -> Reply:
        content = with_own_ids(block for item in self._items for block in _blocks(item))
        is_cut = self._status != "completed"
        calls = any(isinstance(block, ToolCall) for block in content)
        return Reply(
            content=content,
            stop="length" if is_cut else "tool_calls" if calls else "end",
            model=self._model,
            usage=self.usage or Usage(),
        )


def _own_tools(tools: Any, left_out: list[str]) -> list[Json]:
    """Those that are carried out by whoever asked, within namespaces too."""
    kept = []
    for tool in items(tools):
        if not _is_own(tool):
            left_out.append(words(tool.get("type")))
        elif "tools" in tool:
            kept.append({**tool, "tools": _own_tools(tool["tools"], left_out)})
        else:
            kept.append(tool)
    return kept


def _tools(holders: Iterable[Json]) -> Iterator[Tool]:
    for holder in holders:
        for tool in items(holder.get("tools")):
            if "tools" in tool:
                yield from _tools([tool])
            else:
                yield _tool(tool)


def _is_own(tool: Json) -> bool:
    if tool.get("type") == "shell":  # one kind of it runs at the provider
        environment = tool.get("environment")
        return isinstance(environment, dict) and environment.get("type") == "local"
    return words(tool.get("type")) in _OWN_TOOLS


def _is_system(item: Json) -> bool:
    return item.get("role") in ("system", "developer")


def _role(item: Json) -> Role:
    """Whose words an item is; calls and reasoning are the model's."""
    if "role" in item:
        return "assistant" if item["role"] == "assistant" else "user"
    return "user" if words(item.get("type")).endswith("_output") else "assistant"


def _tool(data: Json) -> Tool:
    parameters = data.get("parameters")
    return Tool(
        words(data.get("name")) or words(data.get("type")),
        words(data.get("description")),
        parameters if isinstance(parameters, dict) else {},
    )


def _blocks(item: Json) -> Iterator[Block]:
    kind = words(item.get("type")) or "message"
    id_ = words(item.get("call_id")) or words(item.get("id"))
    if kind == "message":
        yield Text(_text_of(item.get("content")))
    elif kind == "function_call":
        yield parse_call(id_, words(item.get("name")), words(item.get("arguments")))
    elif kind == "custom_tool_call":
        yield ToolCall(id_, words(item.get("name")), {"input": words(item.get("input"))})
    elif kind == "reasoning":
        yield Opaque("openai", item)
    elif kind.endswith("_output"):
        output = item.get("output")
        is_plain = isinstance(output, str | list)
        yield ToolResult(id_, _text_of(output) if is_plain else json.dumps(output))
    elif kind.endswith("_call"):
        given = item.get("action") or item.get("operation") or item.get("arguments")
        yield ToolCall(id_, kind.removesuffix("_call"), given if isinstance(given, dict) else {})
    else:
        yield Opaque("openai", item)


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return words(content)
    texts = (words(p.get("text")) or words(p.get("refusal")) for p in items(content))
    return "\n".join(filter(None, texts)) or "".join(
        f"[{words(p.get('type'))}]" for p in items(content)
    )
