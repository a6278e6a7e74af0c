"""Anthropic's Messages API, through its SDK; any server that speaks the same will do."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

import anthropic
import httpx2
from anthropic import AsyncAnthropic
from anthropic.types import RawContentBlockDeltaEvent, RawMessageStreamEvent

from sandbox.errors import ContextTooLong, ProviderError, ProviderUnavailable
from sandbox.llm.anthropic_form import NAME, is_trained, make_request
from sandbox.llm.arguments import finish_blocks, parse_call
from sandbox.llm.failures import Peer
from sandbox.llm.leaving_out import REFUSED, leave_out
from sandbox.llm.provider import (
    Block,
    Conversation,
    Opaque,
    Reply,
    ReplyTokens,
    Stop,
    Text,
    ToolCall,
    Usage,
)
from sandbox.llm.retries import ATTEMPTS, SENSELESS, THOUGHT, Passing, persist
from sandbox.llm.text_editor import from_native

REPLY_SECONDS: Final = 900.0
"""One reply with all its retries; the SDK itself would wait out any `Retry-After`."""

_STOPS: Final[dict[str, Stop]] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "refusal",
}
_ERROR_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
"""What an error event within a stream would have been as a response."""
_TOOL_WORDS: Final = re.compile(r"bash_\d{8}|text_editor_\d{8}|\btools\.\d+")
"""Of a refusal that is about the tools."""
_THINKS: Final = re.compile(r"claude-[a-z]+-(?:4-[6-9]|[5-9]|\d\d)(?!\d)")
"""Models that decide by themselves how much to think, where they are told that they may."""


class AnthropicProvider:
    """Fulfils `Provider`."""

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        reply_tokens: ReplyTokens = lambda _: 16_000,
        max_retries: int = 4,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        self._client = AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=max_retries)
        self._attempts = min(1 + max_retries, ATTEMPTS)
        self._reply_tokens = reply_tokens
        self._reply_seconds = reply_seconds
        self._unthinking: set[str] = set()
        """Models that turned out not to know that setting."""
        self._untrained: set[str] = set()
        """Models that turned out to have no tools of their own, as behind some gateways."""
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
                return await persist(
                    lambda: self._attempt(conversation, model), attempts=self._attempts
                )
        except TimeoutError as error:
            raise self._peer.silent(self._reply_seconds) from error

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(self, conversation: Conversation, model: str) -> Reply:
        thinks = model not in self._unthinking and _THINKS.search(model) is not None
        try:
            return await self._stream(conversation, model, thinks=thinks)
        except anthropic.APIStatusError as error:
            if error.status_code in REFUSED:
                words = error.message
                if (left := leave_out(conversation, words)) is not None:
                    return await self._attempt(left, model)
                if self._learns(words, model, thinks=thinks):
                    return await self._attempt(conversation, model)
            raise self._failure(error, model) from error
        except anthropic.APIConnectionError as error:
            raise self._peer.unreachable(f"{error}: {error.__cause__!r}") from error
        except (httpx2.TransportError, json.JSONDecodeError, _BrokeOff) as error:
            # The SDK leaves faults within the stream as they are.
            raise Passing(self._peer.broke_off(repr(error))) from error

    def _learns(self, words: str, model: str, *, thinks: bool) -> bool:
        """Whether the refusal is of something that can be left out; it is from now on."""
        if thinks and "thinking" in words:
            self._unthinking.add(model)
            return True
        if self._is_trained(model) and _TOOL_WORDS.search(words):
            self._untrained.add(model)
            return True
        return False

    def _is_trained(self, model: str) -> bool:
        return model not in self._untrained and is_trained(model)

    async def _stream(self, conversation: Conversation, model: str, *, thinks: bool) -> Reply:
        request = make_request(conversation, model, trained=self._is_trained(model))
        if thinks:
            request["thinking"] = {"type": "adaptive"}
        stream = await self._client.messages.create(
            model=model,
            max_tokens=self._reply_tokens(model) * (THOUGHT if thinks else 1),
            stream=True,
            **request,
        )
        answer = _Answer(model, conversation)
        async with stream:
            async for event in stream:
                try:
                    answer.take(event)
                except SENSELESS as error:
                    raise _BrokeOff(f"an event makes no sense: {error!r}") from error
        return answer.reply()

    def _failure(self, error: anthropic.APIStatusError, model: str) -> ProviderError | Passing:
        """An error event in a stream that had begun well has the status of that."""
        status = error.status_code
        if status < 400:
            status = _ERROR_STATUS.get(str(error.type), 500)
        failure = self._peer.failure(status, error.api_message or error.message, model=model)
        is_passing = error.status_code < 400 and isinstance(failure, ProviderUnavailable)
        return Passing(failure) if is_passing else failure


class _BrokeOff(Exception):
    """The stream ended before the message did."""


class _Answer:
    """A message put together from its stream.

    The SDK's own accumulation takes truncated arguments for whole ones, and fails on broken ones.
    """

    def __init__(self, model: str, conversation: Conversation) -> None:
        self._asked = model
        self._model = model
        self._conversation = conversation
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._usage: dict[str, int] = {}
        self._stop_reason: str | None = None
        self._explanation = ""

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
            if event.delta.stop_details is not None:
                self._explanation = event.delta.stop_details.explanation or ""
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
            block["signature"] = block.get("signature", "") + delta.signature

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are totals: a later one takes an earlier one's place."""
        self._usage |= {name: value for name, value in usage.items() if isinstance(value, int)}

    def reply(self) -> Reply:
        if self._stop_reason is None:
            raise _BrokeOff("the stream ended without a stop reason")
        if self._stop_reason == "model_context_window_exceeded":
            raise ContextTooLong(details="The reply no longer fitted into the model's window.")
        stop = _STOPS.get(self._stop_reason, "end")
        blocks = [self._finish(index, self._blocks[index]) for index in sorted(self._blocks)]
        if stop == "refusal" and not any(isinstance(block, Text) for block in blocks):
            blocks += [Text(self._explanation)] if self._explanation else []
        return Reply(
            content=finish_blocks(blocks, stop, self._conversation),
            stop=stop,
            model=self._model,
            usage=_usage(self._usage),
        )

    def _finish(self, index: int, block: dict[str, Any]) -> Block:
        match block["type"]:
            case "text":
                return Text(block.get("text", ""))
            case "tool_use":
                raw = self._inputs.get(index) or json.dumps(block.get("input") or {})
                call = parse_call(block["id"], block["name"], raw)
                if not is_trained(self._asked):
                    return call
                name, arguments = from_native(call.name, call.arguments)
                return ToolCall(call.id, name, arguments, call.raw)
            case _:
                return Opaque(NAME, block, self._asked)


def _usage(counts: dict[str, int]) -> Usage:
    read = counts.get("cache_read_input_tokens", 0)
    written = counts.get("cache_creation_input_tokens", 0)
    return Usage(
        input_tokens=counts.get("input_tokens", 0) + read + written,
        output_tokens=counts.get("output_tokens", 0),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
