"""What is new in a request that repeats the whole conversation, as native protocols do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.llm.blocks import message_to_json
from sandbox.llm.provider import Message, Opaque, Reply, Text, Tool, ToolCall
from sandbox.passing.dialect import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What the transcript gains; it grows with the work, not with its square."""

    messages: tuple[Message, ...]
    system: str | None
    tools: tuple[Tool, ...] | None


class Novelty:
    """Knows what one run's requests held until now.

    A client may lead several conversations, and may begin one again from an earlier place.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def find(self, asked: Asked) -> News:
        """What no earlier request held."""
        system = [part for part in asked.system if self._is_new("system", part)]
        tools = tuple(tool for tool in asked.tools if self._is_new("tool", asdict(tool)))
        messages, chain = [], b""
        for message in asked.messages:
            chain = _digest("message", chain.hex(), message_to_json(message))
            if chain not in self._seen:
                self._seen.add(chain)
                if message.role == "user" or _said(message) not in self._seen:
                    messages.append(message)
        return News(
            messages=tuple(messages),
            system="\n\n".join(system) if system else None,
            tools=tools or None,
        )

    def heard(self, reply: Reply) -> None:
        """The client will send it back as a part of the conversation."""
        self._seen.add(_said(Message("assistant", reply.content)))

    def _is_new(self, *what: Any) -> bool:
        digest = _digest(*what)
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True


def _said(message: Message) -> bytes:
    """Texts and calls: clients do not send everything back just as it came."""
    shown = []
    for block in message.content:
        match block:
            case Text(text):
                shown.append(text)
            case ToolCall(id_):
                shown.append(id_)
            case Opaque():
                pass
    return _digest("said", [text for text in shown if text])


def _digest(*what: Any) -> bytes:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).digest()
