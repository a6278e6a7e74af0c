"""How long a model may go on without getting anywhere. Pure."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

MAX_WORDS_ONLY = 3
"""Replies in a row without a tool call."""
WARN_REPEATS = 5
MAX_REPEATS = 8
"""The same calls with the same results, in a row."""

# What differs from one run of a command to the next though nothing has changed.
_VARYING = re.compile(r"\d+\.\d+ ?s\b|\d+\.\d+ ?seconds\b|\b0x[0-9a-f]{6,}|\d\d:\d\d:\d\d\S*")

Done = Tuple[str, str, str]
"""A call's tool and arguments, and its result."""


class Patience:
    def __init__(self) -> None:
        self._words_only = 0
        self._repeats = 0
        self._last: Optional[List[Done]] = None

    def heard_words(self) -> bool:
        """A reply without a tool call; False when it was one too many."""
        self._words_only += 1
        return self._words_only < MAX_WORDS_ONLY

    def saw(self, done: List[Done]) -> int:
        """The calls of one reply with their results; how often the same came in a row."""
        self._words_only = 0
        plain = [(tool, arguments, _VARYING.sub("", text)) for tool, arguments, text in done]
        self._repeats = self._repeats + 1 if plain == self._last else 1
        self._last = plain
        return self._repeats
