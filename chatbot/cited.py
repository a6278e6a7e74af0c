"""Places in the code that an answer names as path:line, and their pages on the forge. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from chatbot.story_fields import mapping, sequence, string

MAX_PATHS = 200
MAX_LINKS = 60
_SEGMENT = r"\.?[\w@+-][\w.@+-]*"
_PLACE = (
    rf"(?<![\w./@:+-])(?P<path>(?:{_SEGMENT}/)*{_SEGMENT})"
    r":(?P<line>\d{1,6})(?:-(?P<end>\d{1,6}))?(?![\w/-]|:\d)"
)
_ALONE = re.compile(_PLACE)
# What a place is not looked for in: fenced code, code with more in it, links.
_MARKDOWN = re.compile(
    r"(?P<fence>^ {0,3}(?P<marks>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^ {0,3}(?P=marks)|\Z))"
    r"|(?P<code>(?<!`)(?P<ticks>`{1,2})(?!`)(?P<inner>[^`\n]{1,400})(?P=ticks)(?!`))"
    r"|(?P<link>\[[^\]\n]{0,400}\]\u200b?\([^)\n]{0,2000}\))"
    rf"|(?:{_PLACE})",
    re.MULTILINE | re.DOTALL,
)


def find_paths(texts: Iterable[str]) -> list[str]:
    """Every path that a text names with a line, once; whether there is such a file is not known."""
    found = (match["path"] for text in texts for match in _ALONE.finditer(text))
    return list(dict.fromkeys(path for path in found if len(path) <= 400))[:MAX_PATHS]


def find_places(text: str) -> list[tuple[str, str, int, int]]:
    """Each place as it stands there, its path, line and last line (0: only one)."""
    return [
        (match[0], match["path"], int(match["line"]), int(match["end"] or 0))
        for match in _ALONE.finditer(text)
    ]


def page_of(url: str, commit: str) -> str:
    """Where a repository's files stand at a commit, on a forge like GitHub."""
    return f"{url.rstrip('/').removesuffix('.git')}/blob/{commit}"


@dataclass(frozen=True, slots=True)
class Places:
    """The files that are there, and the page they are under."""

    base: str = ""
    paths: frozenset[str] = field(default=frozenset())
    lines: Mapping[str, int] = field(default_factory=dict)
    """How many each file has, as far as they were counted."""

    def url(self, path: str, line: int = 0, end: int = 0) -> str:
        """Of a line, or lines; empty where there is no such file, or no page.

        Beyond the file's end it is the file's own.
        """
        if not self.base or path not in self.paths:
            return ""
        last = self.lines.get(path, max(line, end))
        line, end = (line if line <= last else 0), min(end, last)
        lines = f"#L{line}" + (f"-L{end}" if end > line else "") if line else ""
        return f"{self.base}/{quote(path)}{lines}"

    def link(self, markdown: str, room: int = 100_000) -> str:
        """The text with each place as a link; at most so many characters longer."""
        left, count = room, 0

        def linked(match: re.Match[str]) -> str:
            nonlocal left, count
            place = match if match["path"] else _ALONE.fullmatch((match["inner"] or "").strip())
            if place is None:
                return match[0]
            url = self.url(place["path"], int(place["line"]), int(place["end"] or 0))
            made = f"[`{place[0]}`]({url})"
            if not url or count >= MAX_LINKS or len(made) > left:
                return match[0]
            left, count = left - len(made), count + 1
            return made

        return _MARKDOWN.sub(linked, markdown) if self.paths else markdown


def read_places(ended: dict[str, Any]) -> Places:
    """Out of a `run_finished`, whatever it holds."""
    held = mapping(ended, "places")
    base = string(held, "base", 1000)
    paths = (path for path in sequence(held, "paths")[:MAX_PATHS] if isinstance(path, str))
    counts = zip(sequence(held, "paths"), sequence(held, "lines"), strict=False)
    lines = {str(path): count for path, count in counts if isinstance(count, int)}
    known = base.startswith(("https://", "http://"))
    return Places(base, frozenset(paths), lines) if known else Places()
