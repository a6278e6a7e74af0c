"""A provider that gives prepared replies and keeps what it was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sandbox.errors import ProviderError
from sandbox.llm.provider import Conversation, Reply, Text, Usage


@dataclass
class ScriptedProvider:
    """Fulfils `Provider`. Out of replies, it says "Done."."""

    replies: list[Reply | ProviderError] = field(default_factory=list)
    asked: list[Conversation] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Replies wait for it."""
    name: str = "scripted"

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        self.asked.append(conversation)
        if self.gate is not None:
            await self.gate.wait()
        reply = self.replies.pop(0) if self.replies else said("Done.", model=model)
        if isinstance(reply, ProviderError):
            raise reply
        return reply

    async def close(self) -> None:
        pass


def said(text: str, *, model: str = "m") -> Reply:
    usage = Usage(input_tokens=10, output_tokens=2)
    return Reply(content=(Text(text),), stop="end", model=model, usage=usage)
