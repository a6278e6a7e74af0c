"""OpenAI's Chat Completions, as many other servers speak them too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sandbox.llm.arguments import parse_call, with_own_ids
from sandbox.llm.provider import Block, Message, Reply, Stop, Text, Tool, ToolResult, Usage
from sandbox.passing.dialect import (
    Admitted,
    Asked,
    Json,
    check_addresses,
    count,
    items,
    only,
    words,
)

_FIELDS: Final = frozenset(
    {
        *("messages", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed", "stream"),
        *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("reasoning_effort", "verbosity", "response_format", "prediction", "prompt_cache_key"),
    }
)
_OWN_TOOLS: Final = frozenset({"function", "custom"})
_STOPS: Final[dict[str, Stop]] = {
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "refusal",
}


class ChatCompletions:
    """Fulfils `Dialect`."""

    provider = "openai"
    path = "/chat/completions"

    def admit(self, body: Json, *, model: str) -> Admitted:
        for message in items(body.get("messages")):
            check_addresses(message.get("content"))
        passed = {**only(body, _FIELDS), "model": model}
        if passed.get("stream") is True:
            # Without it nobody would know what the reply took.
            passed["stream_options"] = {"include_usage": True}
        tools = items(passed.get("tools"))
        kept = [tool for tool in tools if words(tool.get("type")) in _OWN_TOOLS]
        types = (words(tool.get("type")) for tool in tools)
        out = tuple(kind for kind in types if kind not in _OWN_TOOLS)
        if "tools" in passed and not kept:
            del passed["tools"]
            passed.pop("tool_choice", None)
        elif kept:
            passed["tools"] = kept
        return Admitted(body=passed, left_out=out)

    def read(self, body: Json) -> Asked:
        messages = items(body.get("messages"))
        system = [message for message in messages if _is_system(message)]
        return Asked(
            system=tuple(_text_of(message.get("content")) for message in system),
            tools=tuple(map(_tool, items(body.get("tools")))),
            messages=tuple(
                Message(_role(message), tuple(_blocks(message)))
                for message in messages
                if not _is_system(message)
            ),
        )

    def add_words(self, body: Json, words: str) -> Json:
        added = {"role": "user", "content": words}
        return {**body, "messages": [*items(body.get("messages")), added]}

    def answer(self, model: str) -> ChatAnswer:
        return ChatAnswer(model)


class ChatAnswer:
    """Fulfils `Answer`."""

    def __init__(self, model: str) -> None:
        self.is_whole = False
        self.problem = ""
        self.usage: Usage | None = None
        self._model = model
        self._text = ""
        self._calls: list[_Call] = []
        self._stop = ""

    def take(self, event: Json) -> None:
        if isinstance(error := event.get("error"), dict):
            self.problem = words(error.get("message")) or "error"
        self._note(event)
        for choice in items(event.get("choices")):
            self._stop = words(choice.get("finish_reason")) or self._stop
            self._add(choice.get("delta"))

    def take_whole(self, body: Json) -> None:
        self._note(body)
        for choice in items(body.get("choices")):
            self._stop = words(choice.get("finish_reason")) or self._stop
            self._add(choice.get("message"))
        self.is_whole = True

    def reply(self) -> Reply:
        blocks: list[Block] = [Text(self._text)] if self._text else []
        blocks += [parse_call(call.id, call.name, call.arguments) for call in self._calls]
        stop = _STOPS.get(self._stop, "end") if self._stop else "length"
        return Reply(
            content=with_own_ids(blocks),
            stop="tool_calls" if stop == "end" and self._calls else stop,
            model=self._model,
            usage=self.usage or Usage(),
        )

    def _note(self, body: Json) -> None:
        self._model = words(body.get("model")) or self._model
        usage = body.get("usage")
        if isinstance(usage, dict):
            self.usage = Usage(
                input_tokens=count(usage, "prompt_tokens"),
                output_tokens=count(usage, "completion_tokens"),
                cache_read_tokens=count(usage, "prompt_tokens_details", "cached_tokens"),
                cache_write_tokens=count(usage, "prompt_tokens_details", "cache_write_tokens"),
            )

    def _add(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            return
        self._text += words(delta.get("content")) + words(delta.get("refusal"))
        for data in items(delta.get("tool_calls")):
            self._extend(data)

    def _extend(self, data: Json) -> None:
        """Some servers leave out the index: then an id begins a new call."""
        index, id_ = data.get("index"), words(data.get("id"))
        call = next((c for c in self._calls if index is not None and c.index == index), None)
        if call is None and index is None and self._calls and not id_:
            call = self._calls[-1]
        if call is None:
            call = _Call(index)
            self._calls.append(call)
        function = data.get("function") or data.get("custom")
        function = function if isinstance(function, dict) else {}
        call.id = call.id or id_
        call.name = call.name or words(function.get("name"))
        call.arguments += words(function.get("arguments")) + words(function.get("input"))


class _Call:
    """A tool call that is still coming in."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.arguments = ""


def _is_system(message: Json) -> bool:
    return message.get("role") in ("system", "developer")


def _role(message: Json) -> Any:
    return "assistant" if message.get("role") == "assistant" else "user"


def _tool(data: Json) -> Tool:
    function = data.get("function") or data.get("custom")
    function = function if isinstance(function, dict) else {}
    parameters = function.get("parameters")
    return Tool(
        words(function.get("name")),
        words(function.get("description")),
        parameters if isinstance(parameters, dict) else {},
    )


def _blocks(message: Json) -> Iterator[Block]:
    text = _text_of(message.get("content"))
    if message.get("role") == "tool":
        yield ToolResult(words(message.get("tool_call_id")), text)
        return
    if text:
        yield Text(text)
    for data in items(message.get("tool_calls")):
        call = data.get("function") or data.get("custom")
        call = call if isinstance(call, dict) else {}
        raw = words(call.get("arguments")) or words(call.get("input"))
        yield parse_call(words(data.get("id")), words(call.get("name")), raw)


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return words(content)
    parts = (words(p.get("text")) or f"[{words(p.get('type'))}]" for p in items(content))
    return "\n".join(parts)
