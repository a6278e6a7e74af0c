"""Anthropic's Messages API, through its SDK; any server that speaks the same will do."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, cast

import anthropic
import httpx2
from anthropic import AsyncAnthropic
from anthropic.types import (
    MessageParam,
    RawContentBlockDeltaEvent,
    RawMessageStreamEvent,
    TextBlockParam,
    ToolParam,
)

from sandbox.errors import ProviderError
from sandbox.llm.arguments import parse_call, with_own_ids
from sandbox.llm.failures import Peer
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

ATTEMPTS: Final = 2
"""Of one reply, where the stream breaks off; before it begins the SDK retries by itself."""
PAUSE_SECONDS: Final = 1.0
"""Before asking anew where a stream that had begun says that the server is overloaded."""
REPLY_SECONDS: Final = 900.0
"""One reply with all its retries; the SDK itself would wait out any `Retry-After`."""

_STOPS: Final[dict[str, Stop]] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_ERROR_STATUS: Final = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500}
"""What an error event within a stream would have been as a response."""


class AnthropicProvider:
    """Fulfils `Provider`."""

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        max_output_tokens: int = 16_000,
        max_retries: int = 4,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        self._client = AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=max_retries)
        self._max_output_tokens = max_output_tokens
        self._reply_seconds = reply_seconds
        self._peer = Peer(
            label="Anthropic",
            key_source="ANTHROPIC_API_KEY or `model.anthropic_api_key`",
            key=api_key,
        )

    def __repr__(self) -> str:
        return f"AnthropicProvider(base_url={str(self._client.base_url)!r})"

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        try:
            async with asyncio.timeout(self._reply_seconds):
                return await self._reply(conversation, model)
        except TimeoutError as error:
            raise self._peer.silent(self._reply_seconds) from error

    async def close(self) -> None:
        await self._client.close()

    async def _reply(self, conversation: Conversation, model: str) -> Reply:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._stream(conversation, model)
            except anthropic.APIStatusError as error:
                if error.status_code >= 400 or attempt == ATTEMPTS:
                    raise self._refused(error, model) from error
                await asyncio.sleep(PAUSE_SECONDS)  # an error event in a stream begun well
            except anthropic.APIConnectionError as error:
                raise self._peer.unreachable(f"{error}: {error.__cause__!r}") from error
            except (httpx2.TransportError, json.JSONDecodeError, _BrokeOff) as error:
                # The SDK leaves faults within the stream as they are.
                if attempt == ATTEMPTS:
                    raise self._peer.broke_off(repr(error)) from error
        raise AssertionError

    async def _stream(self, conversation: Conversation, model: str) -> Reply:
        stream = await self._client.messages.create(
            model=model,
            max_tokens=self._max_output_tokens,
            system=_system(conversation.system) or anthropic.omit,
            tools=_tools(conversation.tools) or anthropic.omit,
            messages=_messages(conversation.messages),
            stream=True,
        )
        answer = _Answer(model)
        async with stream:
            async for event in stream:
                answer.take(event)
        return answer.reply()

    def _refused(self, error: anthropic.APIStatusError, model: str) -> ProviderError:
        status = error.status_code
        if status < 400:
            status = _ERROR_STATUS.get(str(error.type), 500)
        return self._peer.failure(status, error.api_message or error.message, model=model)


class _BrokeOff(Exception):
    """The stream ended before the message did."""


class _Answer:
    """A message put together from its stream.

    The SDK's own accumulation takes truncated arguments for whole ones, and fails on broken ones.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._usage: dict[str, int] = {}
        self._stop_reason: str | None = None

    def take(self, event: RawMessageStreamEvent) -> None:
        if event.type == "message_start":
            self._model = event.message.model
            self._count(event.message.usage.to_dict())
        elif event.type == "content_block_start":
            self._blocks[event.index] = event.content_block.to_dict()
        elif event.type == "content_block_delta":
            self._extend(event)
        elif event.type == "message_delta":
            self._stop_reason = event.delta.stop_reason or self._stop_reason
            self._count(event.usage.to_dict())

    def _extend(self, event: RawContentBlockDeltaEvent) -> None:
        block = self._blocks.get(event.index)
        if block is None:
            raise _BrokeOff(f"a delta of block {event.index}, which was never begun")
        delta = event.delta
        if delta.type == "text_delta":
            block["text"] = block.get("text", "") + delta.text
        elif delta.type == "input_json_delta":
            self._inputs[event.index] = self._inputs.get(event.index, "") + delta.partial_json
        elif delta.type == "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta.thinking
        elif delta.type == "signature_delta":
            block["signature"] = delta.signature

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are totals: a later one takes an earlier one's place."""
        self._usage |= {name: value for name, value in usage.items() if isinstance(value, int)}

    def reply(self) -> Reply:
        if self._stop_reason is None:
            raise _BrokeOff("the stream ended without a stop reason")
        blocks = [self._finish(index, self._blocks[index]) for index in sorted(self._blocks)]
        stop = _STOPS.get(self._stop_reason, "end")
        return Reply(
            content=with_own_ids(blocks), stop=stop, model=self._model, usage=_usage(self._usage)
        )

    def _finish(self, index: int, block: dict[str, Any]) -> Block:
        match block["type"]:
            case "text":
                return Text(block.get("text", ""))
            case "tool_use":
                raw = self._inputs.get(index) or json.dumps(block.get("input") or {})
                return parse_call(block["id"], block["name"], raw)
            case _:
                return Opaque("anthropic", block)


def _usage(counts: dict[str, int]) -> Usage:
    read = counts.get("cache_read_input_tokens", 0)
    written = counts.get("cache_creation_input_tokens", 0)
    return Usage(
        input_tokens=counts.get("input_tokens", 0) + read + written,
        output_tokens=counts.get("output_tokens", 0),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )


def _system(text: str) -> list[TextBlockParam]:
    if not text:
        return []
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _tools(tools: tuple[Tool, ...]) -> list[ToolParam]:
    params: list[ToolParam] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        for tool in tools
    ]
    if params:
        params[-1]["cache_control"] = {"type": "ephemeral"}
    return params


def _messages(messages: tuple[Message, ...]) -> list[MessageParam]:
    """The conversation, its newest user message marked to be kept in the prompt cache."""
    params: list[dict[str, Any]] = []
    for message in messages:
        content = [block for block in map(_block, message.content) if block is not None]
        if content:
            params.append({"role": message.role, "content": content})
    if params and params[-1]["role"] == "user":
        params[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    return cast("list[MessageParam]", params)


def _block(block: Block) -> dict[str, Any] | None:
    match block:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image(media_type, data):
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source}
        case ToolCall(id_, name, arguments):
            return {"type": "tool_use", "id": id_, "name": name, "input": arguments or {}}
        case ToolResult(call_id, text, is_error):
            return {
                "type": "tool_result",
                "tool_use_id": call_id,
                "content": [{"type": "text", "text": text or "(no output)"}],
                "is_error": is_error,
            }
        case Opaque(provider, kept):
            return dict(kept) if provider == "anthropic" else None
