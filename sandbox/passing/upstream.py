"""Where the pass-through goes on to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.llm.failures import Peer
from sandbox.llm.pace import Pace
from sandbox.llm.prices import PUBLISHED, Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A provider's address, and the key that never leaves the host."""

    provider: str
    base_url: str
    key: str = field(repr=False)
    pace: Pace = field(default_factory=Pace, repr=False)
    prices: Prices = field(default=PUBLISHED, repr=False)

    def headers(self, given: Mapping[str, str]) -> dict[str, str]:
        """The key, and of what the client sent only what the protocol needs."""
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self.provider == "anthropic":
            headers["x-api-key"] = self.key
            headers["anthropic-version"] = given.get("anthropic-version", "2023-06-01")
            if beta := given.get("anthropic-beta"):
                headers["anthropic-beta"] = beta
        else:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers

    def url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}{path}"

    @property
    def peer(self) -> Peer:
        """Whom the requests go to, as people know it."""
        name = self.provider
        return Peer(
            label="Anthropic" if name == "anthropic" else "OpenAI",
            key_source=f"{name.upper()}_API_KEY or `model.{name}_api_key`",
            key=self.key,
        )
