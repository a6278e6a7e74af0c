"""OpenAI through its SDK: the Responses API, or Chat Completions, which vLLM, Ollama, llama.cpp and
others speak, too."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx2
import openai
from openai import AsyncOpenAI

from sandbox.errors import ProviderError, ProviderUnavailable
from sandbox.llm.failures import Peer
from sandbox.llm.leaving_out import REFUSED, leave_out
from sandbox.llm.openai import chat, responses
from sandbox.llm.openai.stream import BrokeOff, Failed
from sandbox.llm.provider import Conversation, Reply, ReplyTokens, ToolCall
from sandbox.llm.retries import ATTEMPTS, SENSELESS, THOUGHT, Passing, persist

REPLY_SECONDS: Final = 900.0
"""One reply with all its retries."""
_OWN_HOSTS: Final = ("api.openai.com", ".openai.com", ".openai.azure.com")

_TOOL_WORDS: Final = re.compile(r"\b(?:apply_patch|shell)\b")
"""Of a refusal of the model's own tools."""
_REASONS: Final = re.compile(r"gpt-(?:[5-9]|\d\d)|o\d")
"""Models whose thoughts count as part of the reply."""
_OPTIONAL: Final = ("max_completion_tokens", "stream_options")
"""What some servers do not know."""

Api = Literal["responses", "chat"]


class OpenAIProvider:
    """Fulfils `Provider`."""

    name = "openai"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        api: Api | None = None,
        reply_tokens: ReplyTokens = lambda _: 16_000,
        max_retries: int = 4,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        """``api`` is which of the two is spoken; None: Responses to OpenAI itself, else chat."""
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=max_retries)
        self._attempts = min(1 + max_retries, ATTEMPTS)
        self._reply_tokens = reply_tokens
        self._reply_seconds = reply_seconds
        self._refused: set[str] = set()
        """What the server turned out not to take, see ``_learns``."""
        address = urlsplit(str(self._client.base_url))
        is_own = f".{address.hostname}".endswith(_OWN_HOSTS)
        self.api: Api = api or ("responses" if is_own else "chat")
        self._peer = Peer(
            label="OpenAI" if is_own else f"The model server at {address.netloc}",
            key_source="OPENAI_API_KEY or `model.openai_api_key`",
            key=api_key,
        )

    def __repr__(self) -> str:
        return f"OpenAIProvider(base_url={str(self._client.base_url)!r}, api={self.api!r})"

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
        try:
            return await self._stream(conversation, model, mended=False)
        except _Refused as refused:
            if refused.status not in REFUSED:
                raise refused.error from refused
            words = refused.error.details
            if (left := leave_out(conversation, words)) is not None:
                return await self._attempt(left, model)
            if self._learns(words, model):
                return await self._attempt(conversation, model)
            if not _has_broken_call(conversation):
                raise refused.error from refused
        try:
            # Some servers parse the arguments of earlier calls and refuse broken ones.
            return await self._stream(conversation, model, mended=True)
        except _Refused as refused:
            raise refused.error from refused

    def _learns(self, words: str, model: str) -> bool:
        """Whether the refusal is of something that can be left out; it is from now on."""
        if self.api == "responses":
            found = {model} if self._is_trained(model) and _TOOL_WORDS.search(words) else set()
        else:
            found = {name for name in _OPTIONAL if name in words}
        new = found - self._refused
        self._refused |= new
        return bool(new)

    def _is_trained(self, model: str) -> bool:
        return model not in self._refused and responses.is_trained(model)

    async def _stream(self, conversation: Conversation, model: str, *, mended: bool) -> Reply:
        answer: responses.Answer | chat.Answer
        if self.api == "responses":
            answer = responses.Answer(model, conversation)
        else:
            answer = chat.Answer(model, conversation)
        try:
            async with await self._open(conversation, model, mended=mended) as stream:
                async for event in stream:
                    try:
                        answer.take(event)
                    except SENSELESS as error:
                        raise BrokeOff(f"an event makes no sense: {error!r}") from error
            return answer.reply()
        except openai.APIStatusError as error:
            words = f"{error.code or ''} {error.message}".strip()
            failure = self._peer.failure(error.status_code, words, model=model)
            raise _Refused(failure, error.status_code) from error
        except openai.APIConnectionError as error:
            words = f"{error}: {error.__cause__!r}"
            if not answer.has_begun:
                raise self._peer.unreachable(words) from error
            raise Passing(self._peer.broke_off(words)) from error
        except Failed as error:
            raise self._failure(error, model) from error
        except openai.APIError as error:  # an error in the place of an event
            failed = Failed.coded(error.code, error.message)
            raise self._failure(failed, model) from error
        except (BrokeOff, json.JSONDecodeError, httpx2.TransportError) as error:
            raise Passing(self._peer.broke_off(str(error))) from error

    def _failure(self, failed: Failed, model: str) -> ProviderError | Passing:
        failure = self._peer.failure(failed.status, str(failed), model=model)
        is_passing = isinstance(failure, ProviderUnavailable) and failed.status != 402
        return Passing(failure) if is_passing else failure

    async def _open(self, conversation: Conversation, model: str, *, mended: bool) -> Any:
        reasons = _REASONS.match(model) is not None
        if self.api == "responses":
            return await self._client.responses.create(
                model=model,
                max_output_tokens=self._reply_tokens(model) * (THOUGHT if reasons else 1),
                stream=True,
                **responses.make_request(
                    conversation, model, mended=mended, trained=self._is_trained(model)
                ),
            )
        request = chat.make_request(conversation, model, mended=mended)
        limit = "max_completion_tokens"
        if limit in self._refused:  # the older name, which OpenAI itself has given up
            limit = "max_tokens"
        request[limit] = self._reply_tokens(model) * (THOUGHT if reasons else 1)
        if "stream_options" not in self._refused:
            request["stream_options"] = {"include_usage": True}
        return await self._client.chat.completions.create(model=model, stream=True, **request)


class _Refused(Exception):
    """The server refused the request itself."""

    def __init__(self, error: ProviderError, status: int) -> None:
        super().__init__(error.brief)
        self.error = error
        self.status = status


def _has_broken_call(conversation: Conversation) -> bool:
    return any(
        isinstance(block, ToolCall) and block.arguments is None
        for message in conversation.messages
        for block in message.content
    )
