"""What a model server answers, in order, whatever its wire format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.llm.provider import Stop


@dataclass(frozen=True, kw_only=True)
class Words:
    """A model's answer. Each call is (id, name, arguments as written)."""

    text: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    stop: Stop | Literal["window"] = "end"
    explanation: str = ""
    """Of a refusal, beside its words."""
    thinking: str = ""
    reasoning_field: str = "reasoning_content"
    """Where Chat Completions put it."""
    signature: str = ""
    """Of each call, as Gemini has it."""
    phase: str = ""
    items: tuple[dict[str, Any], ...] = ()
    """Further blocks or items in the server's own form."""
    uncached_tokens: int = 7
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 5
    is_cut: bool = False
    """The stream ends early, and cleanly."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error instead; type `hang_up` breaks the connection."""

    status: int = 200
    type: str = "api_error"
    message: str = "no"
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    mid_stream: bool = False


@dataclass
class Script:
    answers: list[Words | Failure]

    def next(self) -> Words | Failure:
        return self.answers.pop(0)
