"""Words that people in a thread say past the bot, and the ones that keep it out."""

from __future__ import annotations

import re

_ASIDE = re.compile(
    r"\s*(!aside\b|[(（]aside[)）]|aside\s*[:：,，]|aside\s+(?!from\b))", re.IGNORECASE
)
_MUTE = re.compile(r"\s*(un)?mute\s*[.!]?\s*", re.IGNORECASE)


def is_aside(words: str) -> bool:
    """Said to the others: `aside …`, `(aside) …` or `!aside …`; "aside from …" is no aside."""
    return _ASIDE.match(words) is not None or words.strip().lower() == "aside"


def find_mute(words: str) -> bool | None:
    """True: do not listen until you are named; False: listen again; None: neither."""
    found = _MUTE.fullmatch(words)
    return None if found is None else found[1] is None
