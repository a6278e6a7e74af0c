"""Takes secrets out of a native request, and leaves what only its provider can read as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_OPAQUE: Final = frozenset({"signature", "encrypted_content", "file_data"})
_ENCODED: Final = frozenset({"base64", "redacted_thinking", "input_audio"})
"""Blocks whose `data` is no text."""


def hide(value: Any, change: Callable[[str], str]) -> Any:
    """The same data with every readable text changed so, keys too."""
    match value:
        case str():
            return value if value.startswith("data:") else change(value)
        case list():
            return [hide(inner, change) for inner in value]
        case dict():
            kept = _kept(value)
            return {
                change(name): inner if name in kept else hide(inner, change)
                for name, inner in value.items()
            }
        case _:
            return value


def _kept(value: dict[str, Any]) -> frozenset[str]:
    """Reasoning is signed, and its provider refuses it where a sign is changed."""
    kind = value.get("type")
    if kind == "thinking":
        return _OPAQUE | {"thinking"}
    # In a schema it may be anything.
    return _OPAQUE | {"data"} if isinstance(kind, str) and kind in _ENCODED else _OPAQUE
