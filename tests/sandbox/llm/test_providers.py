"""Which provider a model's name means, with whose key, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import pytest
from pydantic import SecretStr

from chatbot.model_settings import KnownModelSettings
from sandbox.errors import ProviderError, ProviderKeyMissing
from sandbox.llm.prices import cost_usd, find_price
from sandbox.llm.provider import Usage
from sandbox.llm.providers import Providers, is_configured, make_provider, reply_tokens, split_model


@dataclass(frozen=True)
class Settings:
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_api: Literal["auto", "responses", "chat"] = "auto"
    anthropic_requests_per_minute: int = 0
    anthropic_tokens_per_minute: int = 0
    openai_requests_per_minute: int = 0
    openai_tokens_per_minute: int = 0
    known: tuple[KnownModelSettings, ...] = ()
    context_tokens: int = 0
    max_output_tokens: int = 1000
    replay_delay_seconds: float = 0.0


def test_split_model() -> None:
    assert split_model("openai:qwen3:30b") == ("openai", "qwen3:30b")
    assert split_model("replay:/a/b.json") == ("replay", "/a/b.json")


@pytest.mark.parametrize("model", ["", "gpt-5", "google:gemini", "openai:", ":x", "OpenAI:x"])
def test_split_model_refuses_what_is_none(model: str) -> None:
    with pytest.raises(ProviderError) as caught:
        split_model(model)
    assert "anthropic, openai, replay" in caught.value.resolution


def test_a_missing_key_is_named_with_what_to_do() -> None:
    with pytest.raises(ProviderKeyMissing) as caught:
        make_provider("anthropic", Settings(), {})
    assert caught.value.brief == "No key for Anthropic is configured."
    assert "ANTHROPIC_API_KEY" in caught.value.resolution
    assert "model.anthropic_api_key" in caught.value.resolution


@pytest.mark.parametrize(
    ("name", "settings", "environment", "expected"),
    [
        ("anthropic", Settings(), {}, False),
        ("anthropic", Settings(), {"ANTHROPIC_API_KEY": "k"}, True),
        ("anthropic", Settings(), {"ANTHROPIC_API_KEY": " "}, False),
        ("anthropic", Settings(anthropic_api_key=SecretStr("k")), {}, True),
        ("openai", Settings(), {"ANTHROPIC_API_KEY": "k"}, False),
        ("openai", Settings(openai_base_url="http://localhost:11434/v1"), {}, True),
        ("openai", Settings(), {"OPENAI_BASE_URL": "http://localhost:8000/v1"}, True),
        ("replay", Settings(), {}, True),
    ],
)
def test_is_configured(
    name: str, settings: Settings, environment: dict[str, str], expected: bool
) -> None:
    assert is_configured(name, settings, environment) is expected


async def test_providers_are_made_once_and_when_needed() -> None:
    providers = Providers(Settings(openai_api_key=SecretStr("k")), environment={})
    providers.check("openai:gpt-5")
    with pytest.raises(ProviderKeyMissing):
        providers.check("anthropic:claude-sonnet-5-5")
    with pytest.raises(ProviderKeyMissing):
        await providers.get("anthropic")
    assert await providers.get("openai") is await providers.get("openai")
    assert (await providers.get("replay")).name == "replay"
    await providers.close()


def test_no_sdk_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, sandbox.runner, sandbox.llm.providers;"
        "sys.exit(any(name in sys.modules for name in ('anthropic', 'openai')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_cost() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=100_000,
        cache_read_tokens=500_000,
        cache_write_tokens=100_000,
    )
    assert cost_usd("anthropic", "claude-haiku-4-5-20251001", usage) == pytest.approx(
        0.4 * 1 + 0.5 * 0.1 + 0.1 * 1.25 + 0.1 * 5
    )
    assert cost_usd("openai", "qwen3:30b", usage) is None
    assert cost_usd("replay", "r.json", usage) == 0.0


def test_a_dated_name_has_the_price_of_the_plain_one() -> None:
    assert find_price("openai", "gpt-5.2-2025-12-11") == find_price("openai", "gpt-5.2")
    assert find_price("openai", "gpt-5-mini") != find_price("openai", "gpt-5")
    assert find_price("anthropic", "gpt-5") is None


def test_long_prompts_cost_more_where_the_provider_says_so() -> None:
    def cost(model: str, tokens: int) -> float | None:
        usage = Usage(input_tokens=tokens, cache_read_tokens=tokens // 2, output_tokens=1000)
        return cost_usd("openai" if model[0] == "g" else "anthropic", model, usage)

    assert cost("gpt-6.2-sol", 272_000) == pytest.approx(0.136 * 2 + 0.136 * 0.1 + 0.01)
    assert cost("gpt-6.2-sol", 300_000) == pytest.approx((0.15 * 2 + 0.15 * 0.1) * 2 + 0.015)
    assert cost("claude-haiku-5-5", 200_000) == pytest.approx((0.01 + 0.001) * 5 + 0.0025)
    assert cost("claude-opus-5-5", 500_000) == pytest.approx(0.25 * 4 + 0.25 * 0.2 + 0.02)


def test_a_reply_leaves_room_in_a_small_window() -> None:
    known = (KnownModelSettings(model="openai:small", context_tokens=8192),)
    limit = reply_tokens("openai", Settings(known=known, max_output_tokens=16_000))
    assert [limit(model) for model in ("small", "gpt-4o", "unknown")] == [2048, 16_000, 16_000]
    limit = reply_tokens("openai", Settings(context_tokens=32_768, max_output_tokens=16_000))
    assert limit("unknown") == 8192
