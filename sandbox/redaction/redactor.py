"""Takes out of texts, data and patches what must never be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sandbox.redaction.known import KnownValues
from sandbox.redaction.patches import redact_patch
from sandbox.redaction.shapes import shape_spans
from sandbox.redaction.spans import Span, merge, without
from sandbox.redaction.stream import StreamRedactor


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """JSON's data with every text of it changed so, keys too."""
    match value:
        case str():
            return change(value)
        case dict():
            return {change(key): map_texts(inner, change) for key, inner in value.items()}
        case list() | tuple():
            return [map_texts(inner, change) for inner in value]
        case _:
            return value


class Redactor:
    """Knows secret values, and what secrets look like; it never changes.

    Values shorter than six characters are not looked for.
    """

    __slots__ = ("_known",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = KnownValues(secrets)

    def text(self, text: str) -> str:
        return self.counted(text)[0]

    def counted(self, text: str) -> tuple[str, int]:
        """The text, and how many places in it were hidden."""
        spans = self.spans(text)
        return without(text, spans), len(spans)

    def spans(self, text: str) -> list[Span]:
        """The places to be hidden, in order."""
        return merge(self._known.spans(text) + shape_spans(text))

    def value(self, value: Any) -> Any:
        """JSON's data with every text of it redacted, keys too."""
        return map_texts(value, self.text)

    def patch(self, data: bytes) -> tuple[bytes, int]:
        """A git patch with its added lines redacted, and in how many places; it still applies.

        Raises PatchRefused where a known value stands in what cannot be altered.
        """
        return redact_patch(self._known, data)

    def stream(self) -> StreamRedactor:
        """For a text that comes in pieces."""
        return StreamRedactor(self._known)


NO_SECRETS: Final = Redactor()
"""Knows what secrets look like, and no values."""
