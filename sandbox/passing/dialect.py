"""What the pass-through must know of one native protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.llm.provider import Message, Reply, Tool, Usage

Json = dict[str, Any]


class NotPassed(Exception):
    """The request asks for what no run may have; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A native request in the neutral form."""

    system: tuple[str, ...]
    """In its parts: some clients change a small one with each request."""
    tools: tuple[Tool, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A native request as it may go on."""

    body: Json
    left_out: tuple[str, ...] = ()
    """Tools that would be carried out at the provider, beyond the run's walls."""


class Answer(Protocol):
    """The neutral form of a native answer, put together as it comes."""

    is_whole: bool
    """Nothing that counts comes after it."""
    problem: str
    """What the provider says went wrong within the answer."""

    @property
    def usage(self) -> Usage | None:
        """None: the provider did not come to say it."""

    def take(self, event: Json) -> None:
        """One event of the stream."""

    def take_whole(self, body: Json) -> None:
        """An answer that came in one piece."""

    def reply(self) -> Reply:
        """What there is of it by now."""


class Dialect(Protocol):
    """One native protocol's way to ask for a reply."""

    provider: str
    path: str
    """Below the provider's base URL."""

    def admit(self, body: Json, *, model: str) -> Admitted:
        """For that model, and only what stays within the walls; raises NotPassed."""

    def read(self, body: Json) -> Asked:
        """What it says, for the transcript."""

    def add_words(self, body: Json, words: str) -> Json:
        """The same request with words behind its last message."""

    def answer(self, model: str) -> Answer: ...


def items(value: Any) -> list[Json]:
    """The objects of a list; of anything else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: Any) -> str:
    """A text, or the empty one."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def count(data: Any, *names: str) -> int:
    """A count, at the end of that way through the data."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, int) and not isinstance(data, bool) and data > 0 else 0


def only(body: Json, names: frozenset[str]) -> Json:
    return {name: value for name, value in body.items() if name in names and value is not None}


_ADDRESSES = frozenset({"image_url", "file_url", "file_id"})


def check_addresses(value: Any) -> None:
    """Raise NotPassed for what OpenAI would fetch by itself: that would be a way out."""
    level = [value]
    while level:
        inner = level.pop()
        if isinstance(inner, list):
            level += inner
        elif isinstance(inner, dict):
            level += inner.values()
            for name in _ADDRESSES & inner.keys():
                address = inner[name]
                if isinstance(address, dict):
                    address = address.get("url")
                if isinstance(address, str) and not address.startswith("data:"):
                    raise NotPassed("Images and files are sent whole, not by address or name.")
