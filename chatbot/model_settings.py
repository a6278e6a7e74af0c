"""Whom the runs speak to, how fast, and what it costs: a section of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from chatbot.config_sections import Section
from chatbot.request.model import MODEL_ALIASES
from sandbox.errors import ProviderError
from sandbox.llm.prices import Price
from sandbox.llm.providers import split_model


class KnownModelSettings(Section):
    """A model's window, and its prices in USD per million tokens."""

    model: str
    """`provider:name`."""
    context_tokens: int = Field(default=0, ge=0)
    """How much it takes in; 0: not known."""
    input: float | None = Field(default=None, ge=0)
    """Without it the cost is unknown, and no budget in money counts it."""
    output: float | None = Field(default=None, ge=0)
    """Of what it answers."""
    cache_read: float | None = Field(default=None, ge=0)
    """Else as `input`."""
    cache_write: float | None = Field(default=None, ge=0)
    """Else as `input`."""
    long_from: int = Field(default=0, ge=0)
    """Longer prompts than this cost more; 0: they do not."""
    long_input: float = Field(default=1.0, ge=1)
    """By what: a factor of all input."""
    long_output: float = Field(default=1.0, ge=1)
    """By what: a factor of the answer."""

    @field_validator("model")
    @classmethod
    def _is_model(cls, value: str) -> str:
        return _checked(value)

    def price(self) -> Price:
        return Price(
            input=self.input,
            output=self.output,
            cache_read=self.cache_read,
            cache_write=self.cache_write,
            context_tokens=self.context_tokens,
            long_from=self.long_from,
            long_input=self.long_input,
            long_output=self.long_output,
        )


class ModelSettings(Section):
    default: str = "anthropic:claude-sonnet-5-5"
    """`provider:name` for tasks that name no model; providers: anthropic, openai, replay."""
    aliases: dict[str, str] = Field(default_factory=lambda: dict(MODEL_ALIASES))
    """What people may call models: `opus = "anthropic:claude-opus-5-5"`."""
    fallback: str = ""
    """`provider:name` that takes over for the rest of a run whose model is overloaded or away."""
    anthropic_api_key: SecretStr | None = None
    """Else the SDK's own ANTHROPIC_API_KEY."""
    anthropic_base_url: str | None = None
    """Else the SDK's own ANTHROPIC_BASE_URL."""
    openai_api_key: SecretStr | None = None
    """Else the SDK's own OPENAI_API_KEY."""
    openai_base_url: str | None = None
    """Else the SDK's own OPENAI_BASE_URL; any compatible server."""
    openai_api: Literal["auto", "responses", "chat"] = "auto"
    """Which protocol is spoken there: `responses` to OpenAI itself, `chat` to any other server."""
    anthropic_requests_per_minute: int = Field(default=0, ge=0)
    """Of all runs together, which wait in turn; 0: as many as come."""
    anthropic_tokens_per_minute: int = Field(default=0, ge=0)
    """What was not in the prompt cache, and the reply; 0: as many as come."""
    openai_requests_per_minute: int = Field(default=0, ge=0)
    """Of all runs together, which wait in turn; 0: as many as come."""
    openai_tokens_per_minute: int = Field(default=0, ge=0)
    """Prompt and reply; 0: as many as come."""
    known: tuple[KnownModelSettings, ...] = ()
    """`[[model.known]]` tables: windows and prices beside the published ones, or instead."""
    max_output_tokens: int = Field(default=16_000, ge=256)
    """The longest single reply; never more than a quarter of the model's window.

    What a model thinks beside it may take as much again."""
    context_tokens: int = Field(default=0, ge=0)
    """How much the model takes in; 0: as published, or 128,000 where it is not known."""
    suggest_repository: bool = True
    """Whether `default` is asked where nothing else says which repository is meant.

    A person still has to say so: nothing begins by a suggestion alone."""
    replay_delay_seconds: float = Field(default=0.0, ge=0)
    """How long recorded replies take, so that a demonstration can be watched."""

    @field_validator("fallback")
    @classmethod
    def _is_model(cls, value: str) -> str:
        return _checked(value) if value else value


def _checked(title: str) -> str:
    try:
        split_model(title)
    except ProviderError as error:
        raise ValueError(f"{error.brief} {error.resolution}") from error
    return title
