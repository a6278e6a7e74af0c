"""How long a model may go on without getting anywhere. Pure."""

from __future__ import annotations

import re
from typing import List, Tuple

MAX_WORDS_ONLY = 3
"""Replies in a row without a tool call."""
WARN_REPEATS = 5
MAX_REPEATS = 8
"""The same calls with the same results, in a row; or the same two or three in turns."""
MAX_PERIOD = 3

# What differs from one run of a command to the next though nothing has changed.
_VARYING = re.compile(r"\d+\.\d+ ?s\b|\d+\.\d+ ?seconds\b|\b0x[0-9a-f]{6,}|\d\d:\d\d:\d\d\S*")

Done = Tuple[str, str, str]
"""A call's tool and arguments, and its result."""


class Patience:
    def __init__(self) -> None:
        self._words_only = 0
        self._done: List[List[Done]] = []

    def heard_words(self) -> bool:
        """A reply without a tool call; False when it was one too many."""
        self._words_only += 1
        return self._words_only < MAX_WORDS_ONLY

    def saw(self, done: List[Done]) -> int:
        """The calls of one reply with their results; how often the same came round."""
        self._words_only = 0
        plain = [(tool, arguments, _VARYING.sub("", text)) for tool, arguments, text in done]
        self._done.append(plain)
        del self._done[: -MAX_PERIOD * MAX_REPEATS]
        return max(self._rounds(period) for period in range(1, MAX_PERIOD + 1))

    def _rounds(self, period: int) -> int:
        """How often the newest replies, so many of them, came one after the other."""
        newest, rounds = self._done[-period:], 0
        for end in range(len(self._done), period - 1, -period):
            if self._done[end - period : end] != newest:
                break
            rounds += 1
        return rounds
