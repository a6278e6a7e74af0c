"""Chat Completions: a conversation in its form, and a message put together from its stream."""

from __future__ import annotations

import json
from typing import Any, Final

from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall
from openai.types.completion_usage import CompletionUsage

from sandbox.llm.arguments import finish_blocks, parse_call, safe
from sandbox.llm.openai.stream import BrokeOff
from sandbox.llm.provider import (
    Block,
    Conversation,
    Image,
    Message,
    Opaque,
    Reply,
    Stop,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from sandbox.llm.tools import plain_tools

NAME: Final = "openai.chat"
"""Whose reasoning is whose."""
_STOPS: Final[dict[str, Stop]] = {
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "refusal",
}
_REASONING: Final = ("reasoning_content", "reasoning")
"""Where servers that show the reasoning put it; it goes back to where it was."""
_EXTRA: Final = "extra_content"
"""Of a call: where Gemini has the signature of its thoughts, which it wants back."""

Json = dict[str, Any]


class Answer:
    """A message put together from its stream."""

    def __init__(self, model: str, conversation: Conversation) -> None:
        self.has_begun = False
        self._asked = model
        self._model = model
        self._conversation = conversation
        self._reasoning: dict[str, str] = {}
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_Call] = []
        self._usage = Usage()
        self._finish: str | None = None

    def take(self, chunk: ChatCompletionChunk) -> None:
        self.has_begun = True
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
        for choice in chunk.choices or []:
            self._finish = choice.finish_reason or self._finish
            for name in _REASONING:
                words = (choice.delta.model_extra or {}).get(name)
                if isinstance(words, str) and words:
                    self._reasoning[name] = self._reasoning.get(name, "") + words
            self._text.append(choice.delta.content or "")
            self._refusal.append(choice.delta.refusal or "")
            for call in choice.delta.tool_calls or []:
                self._extend(call)

    def _extend(self, delta: ChoiceDeltaToolCall) -> None:
        """Some servers leave out the index: then an id begins a new call."""
        index: int | None = delta.index
        call = next((c for c in self._calls if index is not None and c.index == index), None)
        if call is None and index is None and self._calls and not delta.id:
            call = self._calls[-1]
        if call is None:
            call = _Call(index)
            self._calls.append(call)
        call.id = call.id or delta.id or ""
        call.extra = (delta.model_extra or {}).get(_EXTRA) or call.extra
        if delta.function is not None:
            call.name = call.name or delta.function.name or ""
            call.arguments += delta.function.arguments or ""

    def reply(self) -> Reply:
        if self._finish is None:
            raise BrokeOff("the stream ended without a finish reason")
        text, refusal = "".join(self._text), "".join(self._refusal)
        blocks: list[Block] = [
            Opaque(NAME, {name: words}, self._asked) for name, words in self._reasoning.items()
        ]
        extras = {str(n): call.extra for n, call in enumerate(self._calls) if call.extra}
        blocks += [Opaque(NAME, {_EXTRA: extras}, self._asked)] if extras else []
        blocks += [Text(words) for words in (text, refusal) if words]
        blocks += [parse_call(call.id, call.name, call.arguments) for call in self._calls]
        stop = self._stop(refusal)
        return Reply(
            content=finish_blocks(blocks, stop, self._conversation),
            stop=stop,
            model=self._model,
            usage=self._usage,
        )

    def _stop(self, refusal: str) -> Stop:
        stop = _STOPS.get(self._finish or "", "end")
        if stop == "end" and self._calls:  # seen of compatible servers: "stop" with calls
            return "tool_calls"
        return "refusal" if refusal and stop == "end" else stop


class _Call:
    """A tool call that is still coming in."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.arguments = ""
        self.extra: Json | None = None


def _usage(usage: CompletionUsage) -> Usage:
    details = usage.prompt_tokens_details
    read = (details.cached_tokens or 0) if details else 0
    elsewhere = (usage.model_extra or {}).get("prompt_cache_hit_tokens")
    if not read and isinstance(elsewhere, int):  # where DeepSeek has it
        read = elsewhere
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=(details.cache_write_tokens or 0) if details else 0,
    )


def make_request(conversation: Conversation, model: str, *, mended: bool) -> Json:
    """What differs from turn to turn; ``mended``: broken arguments are left out."""
    request: Json = {"messages": _messages(conversation, model, mended=mended)}
    if tools := _tools(conversation):
        request["tools"] = tools
    return request


def _tools(conversation: Conversation) -> list[Json]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in plain_tools(conversation.tools)
    ]


def _messages(conversation: Conversation, model: str, *, mended: bool) -> list[Json]:
    messages: list[Json] = []
    if conversation.system:
        messages.append({"role": "system", "content": conversation.system})
    for message in conversation.messages:
        if message.role == "assistant":
            messages += _assistant(message, model, mended=mended)
        else:
            messages += _user(message)
    return messages


def _assistant(message: Message, model: str, *, mended: bool) -> list[Json]:
    text = _text_of(message)
    said: Json = {"role": "assistant", "content": text}
    extras: Json = {}
    for block in message.content:
        if isinstance(block, Opaque) and block.is_for(NAME, model):
            extras |= block.data.get(_EXTRA, {})
            said |= {name: words for name, words in block.data.items() if name != _EXTRA}
    calls: list[Json] = [
        {
            "id": block.id,
            "type": "function",
            "function": {"name": safe(block.name), "arguments": _arguments(block, mended=mended)},
        }
        for block in message.content
        if isinstance(block, ToolCall)
    ]
    for number, extra in extras.items():
        if int(number) < len(calls):
            calls[int(number)][_EXTRA] = extra
    if calls:
        return [{**said, "content": text or None, "tool_calls": calls}]
    return [said] if text else []


def _arguments(call: ToolCall, *, mended: bool) -> str:
    if call.arguments is not None:
        return json.dumps(call.arguments, ensure_ascii=False)
    return "{}" if mended else call.raw


def _user(message: Message) -> list[Json]:
    """Results first: each must follow the calls directly."""
    results: list[Json] = [
        {"role": "tool", "tool_call_id": block.call_id, "content": block.text or "(no output)"}
        for block in message.content
        if isinstance(block, ToolResult)
    ]
    text = _text_of(message)
    pictures: list[Json] = [
        {"type": "image_url", "image_url": {"url": f"data:{block.media_type};base64,{block.data}"}}
        for block in message.content
        if isinstance(block, Image)
    ]
    if pictures:
        words: list[Json] = [{"type": "text", "text": text}] if text else []
        return [*results, {"role": "user", "content": words + pictures}]
    return [*results, {"role": "user", "content": text}] if text else results


def _text_of(message: Message) -> str:
    return "\n\n".join(b.text for b in message.content if isinstance(b, Text) and b.text)
