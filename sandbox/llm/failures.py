"""What a provider's failures are called, so that a thread can be told what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sandbox.errors import ContextTooLong, ProviderError, ProviderUnavailable
from sandbox.redaction import Redactor

_CONTEXT_WORDS = re.compile(
    r"context.length|context.window|maximum context|prompt is too long|too many tokens"
    r"|exceeds? the (?:available |model'?s )?context",
    re.IGNORECASE,
)
_QUOTA_WORDS = re.compile(r"insufficient_quota|exceeded your current quota|billing", re.IGNORECASE)
_MESSAGE_CHARACTERS = 300
_NEVER_CONTEXT = frozenset({401, 402, 403, 404, 429})
_UNAVAILABLE = frozenset({402, 408, 409, 425, 429})
"""Where another model may help; from 500 on, too. What is set wrongly must be told instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Whom a request goes to, as people know it."""

    label: str
    key_source: str
    """Where its key is configured."""
    key: str = field(repr=False)

    def failure(self, status: int, message: str, *, model: str) -> ProviderError:
        """The error for an HTTP status and the provider's own words."""
        words = self._hide(message)
        if status == 413 or (status not in _NEVER_CONTEXT and _CONTEXT_WORDS.search(words)):
            return ContextTooLong(details=f"HTTP {status}: {words}")
        brief, resolution = self._explain(status, words, model)
        kind = ProviderUnavailable if status in _UNAVAILABLE or status >= 500 else ProviderError
        return kind(brief, details=f"HTTP {status}: {words}", resolution=resolution)

    def unreachable(self, reason: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"{self.label} cannot be reached.",
            details=self._hide(reason),
            resolution="Check the network of the host and the provider's base URL.",
        )

    def silent(self, seconds: float) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"{self.label} did not answer within {seconds:.0f} seconds.",
            resolution="Try again later, or name another model.",
        )

    def broke_off(self, reason: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"{self.label} broke off in the middle of its answer.",
            details=self._hide(reason),
            resolution="Try again; if it goes on, check what stands between the host and it.",
        )

    def _hide(self, text: str) -> str:
        return Redactor([self.key]).text(text)

    def _explain(self, status: int, words: str, model: str) -> tuple[str, str]:
        short = words.strip()[:_MESSAGE_CHARACTERS]
        match status:
            case 401 | 403:
                return f"{self.label} refused the key.", f"Check {self.key_source}."
            case 404:
                return (
                    f"{self.label} does not know the model `{model}`.",
                    "Name another model, or correct `model.default`.",
                )
            case 402:
                return (
                    f"{self.label} refuses for want of payment.",
                    f"Check {self.label}'s billing.",
                )
            case 429 if _QUOTA_WORDS.search(words):
                return f"The quota at {self.label} is used up.", f"Check {self.label}'s billing."
            case 429:
                return (
                    f"The rate limit of {self.label} held through every retry.",
                    "Try again later, or run fewer tasks at a time (`sandbox.max_runs`).",
                )
            case _ if status >= 500:
                return (
                    f"{self.label} is overloaded or failing (HTTP {status}).",
                    "Try again later, or name another model.",
                )
            case _:
                return f"{self.label} refused the request: {short}", "See the log for the details."
