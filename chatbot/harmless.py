"""Text of containers, models and strangers, made harmless for a terminal or a page: one line, no
control characters, nothing that turns the reading direction.
"""

from __future__ import annotations

import re

LINE_CHARACTERS = 200

# C0 and C1 controls, and what turns or hides text: bidi marks, zero-width characters.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def visible(text: str) -> str:
    """The text with every hidden character written out, as `<U+202E>`."""
    return _HIDDEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def one_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """The text in one harmless line of at most that many characters."""
    line = " ".join(_HIDDEN.sub(" ", text[: limit * 8]).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def seconds_text(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
