"""List prices of well-known models, in USD per million tokens, as published on PRICED_ON, and how
much each takes in.

Standard tier, cache kept for as short as can be. The configuration adds to the table
and corrects it; what stands in neither has no known price, and its cost is unknown rather than
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sandbox.llm.provider import Reply, Usage

PRICED_ON: Final = "2026-11-23"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One model's prices per million tokens, and how much it can take in."""

    input: float | None = None
    """None: not known."""
    output: float | None = None
    cache_read: float | None = None
    """None: as all other input."""
    cache_write: float | None = None
    context_tokens: int = 0
    """0: not known."""
    long_from: int = 0
    """Longer prompts than this cost more, in every token of the request; 0: they do not."""
    long_input: float = 1.0
    """By what: a factor of all input."""
    long_output: float = 1.0


def _price(
    input_: float, output: float, cache_read: float, cache_write: float, context_tokens: int
) -> Price:
    return Price(
        input=input_,
        output=output,
        cache_read=cache_read,
        cache_write=cache_write,
        context_tokens=context_tokens,
    )


_OPUS_5 = _price(5, 25, 0.5, 6.25, 1_000_000)
_OPUS_4 = _price(5, 25, 0.5, 6.25, 200_000)


def _gpt_6(input_: float, output: float, cache_read: float, cache_write: float) -> Price:
    price = _price(input_, output, cache_read, cache_write, 922_000)
    return replace(price, long_from=272_000, long_input=2.0, long_output=1.5)


_FABLE_5 = _price(10, 50, 1, 12.5, 1_000_000)
_FABLE_5_1 = _price(10, 50, 0.25, 12.5, 1_000_000)
_HAIKU_5_5 = replace(
    _price(0.1, 0.5, 0.01, 0.125, 1_000_000), long_from=100_000, long_input=5.0, long_output=5.0
)
_GPT_5 = _price(1.25, 10, 0.125, 1.25, 400_000)

_PRICES: Final[dict[str, dict[str, Price]]] = {
    "anthropic": {
        "claude-fable-5-1": _FABLE_5_1,
        "claude-fable-5": _FABLE_5,
        "claude-mythos-5-1": _FABLE_5_1,
        "claude-mythos-5": _FABLE_5,
        "claude-opus-5-5": _price(4, 20, 0.2, 5, 1_000_000),
        "claude-opus-5": _OPUS_5,
        "claude-opus-4-8": _OPUS_4,
        "claude-opus-4-7": _OPUS_4,
        "claude-opus-4-6": _OPUS_4,
        "claude-opus-4-5": _OPUS_4,
        "claude-sonnet-5-5": _price(2, 10, 0.1, 2.5, 1_000_000),
        "claude-sonnet-5": _price(2, 10, 0.2, 2.5, 1_000_000),
        "claude-sonnet-4-6": _price(3, 15, 0.3, 3.75, 200_000),
        "claude-sonnet-4-5": _price(3, 15, 0.3, 3.75, 200_000),
        "claude-haiku-5-5": _HAIKU_5_5,
        "claude-haiku-4-5": _price(1, 5, 0.1, 1.25, 200_000),
    },
    "openai": {
        "gpt-6.2-astra": _gpt_6(8, 40, 0.4, 10),
        "gpt-6.2-sol": _gpt_6(2, 10, 0.1, 2.5),
        "gpt-6.1-sol": _gpt_6(2, 10, 0.1, 2.5),
        "gpt-6.1-terra": _gpt_6(1, 5, 0.05, 1.25),
        "gpt-6-astra": _gpt_6(10, 50, 1, 12.5),
        "gpt-6-sol": _gpt_6(2, 10, 0.2, 2.5),
        "gpt-6-luna": _gpt_6(0.1, 0.5, 0.01, 0.125),
        "gpt-5.2": _price(1.75, 14, 0.175, 1.75, 400_000),
        "gpt-5.1": _GPT_5,
        "gpt-5": _GPT_5,
        "gpt-5-mini": _price(0.25, 2, 0.025, 0.25, 400_000),
        "gpt-5-nano": _price(0.05, 0.4, 0.005, 0.05, 400_000),
        "gpt-4.1": _price(2, 8, 0.5, 2, 1_047_576),
        "gpt-4.1-mini": _price(0.4, 1.6, 0.1, 0.4, 1_047_576),
        "gpt-4.1-nano": _price(0.1, 0.4, 0.025, 0.1, 1_047_576),
        "gpt-4o": _price(2.5, 10, 1.25, 2.5, 128_000),
        "gpt-4o-mini": _price(0.15, 0.6, 0.075, 0.15, 128_000),
    },
}

_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")


class Prices:
    """The published table, with what the configuration says."""

    def __init__(self, more: Mapping[tuple[str, str], Price] | None = None) -> None:
        """``more`` by provider and model's name; it wins."""
        self._more = dict(more or {})

    def find(self, provider: str, model: str) -> Price | None:
        """The price of a model; a dated name goes by its plain one."""
        plain = _DATE.sub("", model)
        for name in (model, plain):
            if (price := self._more.get((provider, name))) is not None:
                return price
        return _PRICES.get(provider, {}).get(plain)

    def cost_usd(self, provider: str, model: str, usage: Usage) -> float | None:
        """What these tokens cost; None where the price is not known."""
        if provider == "replay":
            return 0.0
        price = self.find(provider, model)
        if price is None or price.input is None or price.output is None:
            return None
        read = price.input if price.cache_read is None else price.cache_read
        write = price.input if price.cache_write is None else price.cache_write
        plain = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
        asked = (
            plain * price.input + usage.cache_read_tokens * read + usage.cache_write_tokens * write
        )
        answered = usage.output_tokens * price.output
        if price.long_from and usage.input_tokens > price.long_from:
            asked, answered = asked * price.long_input, answered * price.long_output
        return (asked + answered) / 1_000_000

    def reply_usd(self, provider: str, asked: str, reply: Reply) -> float | None:
        """By the name of the model that answered, or by the one that it was ``asked`` by."""
        cost = self.cost_usd(provider, reply.model, reply.usage)
        return self.cost_usd(provider, asked, reply.usage) if cost is None else cost


PUBLISHED: Final = Prices()
find_price = PUBLISHED.find
cost_usd = PUBLISHED.cost_usd
