"""Takes secrets out of a native request, and leaves what only its provider can read as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

_SEALED: Final = {
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "reasoning": frozenset({"encrypted_content"}),
    "compaction": frozenset({"encrypted_content"}),
    "base64": frozenset({"data"}),
    "input_audio": frozenset({"data"}),
}
"""What is no text, by the kind of block: reasoning is signed, and refused where it was changed."""
_NOTHING: Final[frozenset[str]] = frozenset()
_DATA: Final = re.compile(r"data:[\w.+/-]{1,100};base64,[A-Za-z0-9+/]*={0,2}")


def hide(value: Any, change: Callable[[str], str]) -> Any:
    """The same data with every readable text changed so, keys too."""
    match value:
        case str():
            return value if _DATA.fullmatch(value) else change(value)
        case list():
            return [hide(inner, change) for inner in value]
        case dict():
            kind = value.get("type")
            # In a schema it may be anything.
            sealed = _SEALED.get(kind, _NOTHING) if isinstance(kind, str) else _NOTHING
            return {
                change(name): inner
                if name in sealed and isinstance(inner, str)
                else hide(inner, change)
                for name, inner in value.items()
            }
        case _:
            return value
