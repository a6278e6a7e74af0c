"""Which providers there are, and how each is made from the settings.

An SDK is imported only when its provider is made: the imports cost 0.5 to 1.1 seconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from pydantic import SecretStr

from sandbox.errors import ProviderError, ProviderKeyMissing
from sandbox.llm.pace import Pace
from sandbox.llm.prices import Price, Prices
from sandbox.llm.provider import Provider, ReplyTokens
from sandbox.passing.upstream import Upstream

PROVIDERS: Final = ("anthropic", "openai", "replay")
_LABELS: Final = {"anthropic": "Anthropic", "openai": "OpenAI"}
_ADDRESSES: Final = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
}
"""As the SDKs have them."""
REPLY_SHARE: Final = 0.25
"""Of a model's window, at the most."""
_NO_KEY: Final = "none"
"""Sent to a server of one's own that asks for no key; the SDK insists on some value."""


class KnownModel(Protocol):
    """A model as the configuration describes it."""

    @property
    def model(self) -> str: ...
    def price(self) -> Price: ...


class ProviderSettings(Protocol):
    """What the providers need to be told; keys win over the SDKs' own environment variables."""

    @property
    def anthropic_api_key(self) -> SecretStr | None: ...
    @property
    def anthropic_base_url(self) -> str | None: ...
    @property
    def openai_api_key(self) -> SecretStr | None: ...
    @property
    def openai_base_url(self) -> str | None: ...
    @property
    def openai_api(self) -> Literal["auto", "responses", "chat"]: ...
    @property
    def anthropic_requests_per_minute(self) -> int: ...
    @property
    def anthropic_tokens_per_minute(self) -> int: ...
    @property
    def openai_requests_per_minute(self) -> int: ...
    @property
    def openai_tokens_per_minute(self) -> int: ...
    @property
    def known(self) -> Sequence[KnownModel]: ...
    @property
    def context_tokens(self) -> int: ...
    @property
    def max_output_tokens(self) -> int: ...
    @property
    def replay_delay_seconds(self) -> float: ...


class Model(NamedTuple):
    """Whom a run speaks to."""

    provider: Provider
    name: str
    pace: Pace = Pace()

    @property
    def title(self) -> str:
        return f"{self.provider.name}:{self.name}"


class Providers:
    """The providers of this process, each made when it is first needed."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        environment: Mapping[str, str] = os.environ,
        made: Mapping[str, Provider] | None = None,
    ) -> None:
        """``made`` holds providers that stand in the place of those made from the settings."""
        self._settings = settings
        self._environment = environment
        self._made = dict(made or {})
        self._making = asyncio.Lock()
        self.prices = known_prices(settings)
        self._paces = {
            "anthropic": Pace(
                requests=settings.anthropic_requests_per_minute,
                tokens=settings.anthropic_tokens_per_minute,
            ),
            "openai": Pace(
                requests=settings.openai_requests_per_minute,
                tokens=settings.openai_tokens_per_minute,
            ),
            "replay": Pace(),
        }

    def check(self, model: str) -> None:
        """Raise where `provider:name` is none, or its provider has no key."""
        name, _ = split_model(model)
        if name not in self._made and not is_configured(name, self._settings, self._environment):
            raise key_missing(name)

    async def get(self, name: str) -> Provider:
        """The provider of that name; raises what ``make_provider`` raises."""
        async with self._making:
            if name not in self._made:
                # In a thread: the import of an SDK would hold up every run for a second.
                self._made[name] = await asyncio.to_thread(
                    make_provider, name, self._settings, self._environment
                )
        return self._made[name]

    def pace(self, name: str) -> Pace:
        """One for all runs that speak to that provider."""
        return self._paces[name]

    async def model(self, title: str) -> Model:
        """`provider:name`, ready to be asked."""
        provider, name = split_model(title)
        return Model(await self.get(provider), name, self.pace(provider))

    def upstream(self, name: str) -> Upstream | None:
        """Where requests in that provider's own protocol go; None where it has none."""
        key = _key(name, self._settings, self._environment) if name in _ADDRESSES else None
        if key is None:
            return None
        base_url = _base_url(name, self._settings, self._environment)
        return Upstream(
            provider=name,
            base_url=base_url or _ADDRESSES[name],
            key=key,
            pace=self.pace(name),
            prices=self.prices,
        )

    async def close(self) -> None:
        for provider in self._made.values():
            await provider.close()
        self._made.clear()


def split_model(model: str) -> tuple[str, str]:
    """`provider:name` -> (provider, name); raises ProviderError for anything else."""
    provider, colon, name = model.partition(":")
    if not colon or not name.strip() or provider not in PROVIDERS:
        raise ProviderError(
            f"There is no model `{model[:100]}`.",
            resolution=f"Name it `provider:name`; providers: {', '.join(PROVIDERS)}.",
        )
    return provider, name.strip()


def key_source(name: str) -> str:
    """Where the key of that provider is configured, in words."""
    return f"{name.upper()}_API_KEY or `model.{name}_api_key`"


def key_missing(name: str) -> ProviderKeyMissing:
    return ProviderKeyMissing(
        f"No key for {_LABELS.get(name, name)} is configured.",
        resolution=f"Set {key_source(name)} on the host, or name a model of another provider.",
    )


def is_configured(
    name: str, settings: ProviderSettings, environment: Mapping[str, str] = os.environ
) -> bool:
    """Whether that provider can be made."""
    return name == "replay" or _key(name, settings, environment) is not None


def make_provider(
    name: str, settings: ProviderSettings, environment: Mapping[str, str] = os.environ
) -> Provider:
    """The provider of that name; raises ProviderKeyMissing, or ProviderError for an unknown one."""
    if name == "replay":
        from sandbox.llm.replay import ReplayProvider

        return ReplayProvider(delay_seconds=settings.replay_delay_seconds)
    if name not in PROVIDERS:
        split_model(f"{name}:")
    key = _key(name, settings, environment)
    if key is None:
        raise key_missing(name)
    base_url = _base_url(name, settings, environment)
    if name == "anthropic":
        from sandbox.llm.anthropic import AnthropicProvider

        return AnthropicProvider(key, base_url=base_url, reply_tokens=reply_tokens(name, settings))
    from sandbox.llm.openai import OpenAIProvider

    api = settings.openai_api
    return OpenAIProvider(
        key,
        base_url=base_url,
        api=None if api == "auto" else api,
        reply_tokens=reply_tokens(name, settings),
    )


def known_prices(settings: ProviderSettings) -> Prices:
    """The published ones with the configuration's."""
    return Prices({split_model(known.model): known.price() for known in settings.known})


def reply_tokens(name: str, settings: ProviderSettings) -> ReplyTokens:
    """The longest reply of each model: a small window must have room for more than that."""
    prices = known_prices(settings)

    def limit(model: str) -> int:
        price = prices.find(name, model)
        window = settings.context_tokens or (price.context_tokens if price is not None else 0)
        longest = settings.max_output_tokens
        return min(longest, int(window * REPLY_SHARE)) if window else longest

    return limit


def _key(name: str, settings: ProviderSettings, environment: Mapping[str, str]) -> str | None:
    secret = settings.anthropic_api_key if name == "anthropic" else settings.openai_api_key
    given = secret.get_secret_value() if secret else ""
    key = (given or environment.get(f"{name.upper()}_API_KEY", "")).strip()
    if not key and name == "openai" and _base_url(name, settings, environment):
        return _NO_KEY
    return key or None


def _base_url(name: str, settings: ProviderSettings, environment: Mapping[str, str]) -> str | None:
    given = settings.anthropic_base_url if name == "anthropic" else settings.openai_base_url
    return given or environment.get(f"{name.upper()}_BASE_URL") or None
