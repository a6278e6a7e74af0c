"""The neutral form of a conversation, and the contract of a provider.

Host and container speak this form; each provider turns it into its own wire format and back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["user", "assistant"]
Stop = Literal["tool_calls", "end", "length", "refusal"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for. ``arguments`` is None where the model sent broken JSON."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    raw: str = ""
    """The arguments as the model wrote them, kept where they are broken."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that only its provider understands (reasoning); carried back unchanged."""

    provider: str
    """Whose it is: a protocol's name."""
    data: dict[str, Any]
    model: str = ""
    """Which model's, as it was asked for: no other takes it. Empty: any."""

    def is_for(self, provider: str, model: str) -> bool:
        """Whether it may go back to that model."""
        return self.provider == provider and self.model in ("", model)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that a person sent or a tool found; only in user messages."""

    media_type: str
    data: str = field(repr=False)
    """In base64."""


Block = Text | Image | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation."""

    role: Role
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function tool: ``parameters`` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens; ``input_tokens`` counts the whole prompt, cached parts included."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is sent to the model for one turn: always the whole of it, in order."""

    system: str
    tools: tuple[Tool, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of the model."""

    content: tuple[Block, ...]
    stop: Stop
    model: str
    usage: Usage = field(default_factory=Usage)


ReplyTokens = Callable[[str], int]
"""How long a reply may be, by the model's name."""


class Provider(Protocol):
    """A source of replies. One instance serves every run; ``close`` ends it."""

    name: str

    async def reply(self, conversation: Conversation, *, model: str) -> Reply:
        """Ask for the next reply; raises ProviderError with a brief fit for the thread."""

    async def close(self) -> None: ...
