"""How a stream may end badly, whichever protocol it is of."""

from __future__ import annotations

import re
from typing import Final


class BrokeOff(Exception):
    """The stream ended before the message did."""


_STATUSES: Final = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 402,
    "server_error": 500,
    "vector_store_timeout": 500,
}
_OWN_FAULTS: Final = re.compile(r"invalid|context_length|policy|image|unsupported|not_found")


class Failed(Exception):
    """The server says within the stream that it failed; ``status`` is what HTTP would have said."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status

    @classmethod
    def coded(cls, code: object, message: str) -> Failed:
        """By the error's code: some servers give a status, others a word."""
        word = str(code or "")
        if word.isdigit() and 400 <= int(word) < 600:
            return cls(int(word), message)
        own = 400 if _OWN_FAULTS.search(word) else 500
        return cls(_STATUSES.get(word, own), f"{word} {message}".strip())
