"""OpenAI's Chat Completions, through its SDK; vLLM, Ollama, llama.cpp and others speak the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
)
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall
from openai.types.completion_usage import CompletionUsage

from sandbox.errors import ProviderError
from sandbox.llm.arguments import parse_call, with_own_ids
from sandbox.llm.failures import Peer
from sandbox.llm.provider import (
    Block,
    Conversation,
    Image,
    Message,
    Reply,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)

ATTEMPTS: Final = 2
"""Of one reply, where the stream breaks off; before it begins the SDK retries by itself."""
REPLY_SECONDS: Final = 900.0
"""One reply with all its retries."""

_STOPS: Final[dict[str, Stop]] = {
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "refusal",
}
_OWN_HOST: Final = "api.openai.com"


class OpenAIProvider:
    """Fulfils `Provider`."""

    name = "openai"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        max_output_tokens: int = 16_000,
        max_retries: int = 4,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=max_retries)
        self._max_output_tokens = max_output_tokens
        self._reply_seconds = reply_seconds
        host = urlsplit(str(self._client.base_url)).netloc
        self._peer = Peer(
            label="OpenAI" if host == _OWN_HOST else f"The model server at {host}",
            key_source="OPENAI_API_KEY or `model.openai_api_key`",
            key=api_key,
        )

    def __repr__(self) -> str:
        return f"OpenAIProvider(base_url={str(self._client.base_url)!r})"

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        try:
            async with asyncio.timeout(self._reply_seconds):
                return await self._reply(conversation, model)
        except TimeoutError as error:
            raise self._peer.silent(self._reply_seconds) from error

    async def close(self) -> None:
        await self._client.close()

    async def _reply(self, conversation: Conversation, model: str) -> Reply:
        try:
            return await self._attempt(conversation, model, mended=False)
        except _Refused as refused:
            if not _has_broken_call(conversation):
                raise refused.error from refused
        try:
            # Some servers parse the arguments of earlier calls and refuse broken ones.
            return await self._attempt(conversation, model, mended=True)
        except _Refused as refused:
            raise refused.error from refused

    async def _attempt(self, conversation: Conversation, model: str, *, mended: bool) -> Reply:
        for attempt in range(1, ATTEMPTS + 1):
            began = _Answer(model)
            try:
                await self._stream(conversation, model, began, mended=mended)
                return began.reply()
            except openai.APIStatusError as error:
                words = f"{error.code or ''} {error.message}".strip()
                failure = self._peer.failure(error.status_code, words, model=model)
                raise _Refused(failure) from error
            except openai.APIConnectionError as error:
                if not began.has_begun:
                    raise self._peer.unreachable(f"{error}: {error.__cause__!r}") from error
                if attempt == ATTEMPTS:
                    raise self._peer.broke_off(f"{error}: {error.__cause__!r}") from error
            except (openai.APIError, _BrokeOff, json.JSONDecodeError) as error:
                if attempt == ATTEMPTS:
                    raise self._peer.broke_off(str(error)) from error
        raise AssertionError

    async def _stream(
        self, conversation: Conversation, model: str, answer: _Answer, *, mended: bool
    ) -> None:
        stream = await self._client.chat.completions.create(
            model=model,
            messages=_messages(conversation, mended=mended),
            tools=_tools(conversation.tools) or openai.omit,
            max_completion_tokens=self._max_output_tokens,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with stream:
            async for chunk in stream:
                answer.take(chunk)


class _Refused(Exception):
    """The server refused the request itself."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.brief)
        self.error = error


class _BrokeOff(Exception):
    """The stream ended before the message did."""


class _Answer:
    """A message put together from its stream."""

    def __init__(self, model: str) -> None:
        self.has_begun = False
        self._model = model
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
        if delta.function is not None:
            call.name = call.name or delta.function.name or ""
            call.arguments += delta.function.arguments or ""

    def reply(self) -> Reply:
        if self._finish is None:
            raise _BrokeOff("the stream ended without a finish reason")
        text, refusal = "".join(self._text), "".join(self._refusal)
        blocks: list[Block] = [Text(words) for words in (text, refusal) if words]
        blocks += [parse_call(call.id, call.name, call.arguments) for call in self._calls]
        return Reply(
            content=with_own_ids(blocks),
            stop=self._stop(refusal),
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


def _usage(usage: CompletionUsage) -> Usage:
    details = usage.prompt_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cache_read_tokens=(details.cached_tokens or 0) if details else 0,
        cache_write_tokens=(details.cache_write_tokens or 0) if details else 0,
    )


def _has_broken_call(conversation: Conversation) -> bool:
    return any(
        isinstance(block, ToolCall) and block.arguments is None
        for message in conversation.messages
        for block in message.content
    )


def _tools(tools: tuple[Tool, ...]) -> list[ChatCompletionFunctionToolParam]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def _messages(conversation: Conversation, *, mended: bool) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = []
    if conversation.system:
        messages.append({"role": "system", "content": conversation.system})
    for message in conversation.messages:
        if message.role == "assistant":
            messages += _assistant(message, mended=mended)
        else:
            messages += _user(message)
    return messages


def _assistant(message: Message, *, mended: bool) -> list[ChatCompletionMessageParam]:
    text = _text_of(message)
    calls: list[Any] = [
        {
            "id": block.id,
            "type": "function",
            "function": {"name": block.name, "arguments": _arguments(block, mended=mended)},
        }
        for block in message.content
        if isinstance(block, ToolCall)
    ]
    if calls:
        return [{"role": "assistant", "content": text or None, "tool_calls": calls}]
    return [{"role": "assistant", "content": text}] if text else []


def _arguments(call: ToolCall, *, mended: bool) -> str:
    if call.arguments is not None:
        return json.dumps(call.arguments, ensure_ascii=False)
    return "{}" if mended else call.raw


def _user(message: Message) -> list[ChatCompletionMessageParam]:
    """Results first: each must follow the calls directly."""
    results: list[ChatCompletionMessageParam] = [
        {"role": "tool", "tool_call_id": block.call_id, "content": block.text or "(no output)"}
        for block in message.content
        if isinstance(block, ToolResult)
    ]
    text = _text_of(message)
    pictures: list[Any] = [
        {"type": "image_url", "image_url": {"url": f"data:{block.media_type};base64,{block.data}"}}
        for block in message.content
        if isinstance(block, Image)
    ]
    if pictures:
        words: list[Any] = [{"type": "text", "text": text}] if text else []
        return [*results, {"role": "user", "content": words + pictures}]
    return [*results, {"role": "user", "content": text}] if text else results


def _text_of(message: Message) -> str:
    return "\n\n".join(b.text for b in message.content if isinstance(b, Text) and b.text)
