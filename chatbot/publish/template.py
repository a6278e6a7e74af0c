"""A repository's own form for pull requests, filled in where its headings ask for what we know."""

from __future__ import annotations

import re
from collections.abc import Mapping

PATHS = tuple(
    f"{folder}{name}"
    for folder in (".github/", "", "docs/")
    for name in (
        "pull_request_template.md",
        "PULL_REQUEST_TEMPLATE.md",
        "pull_request_template.txt",
        "PULL_REQUEST_TEMPLATE.txt",
    )
)
"""Where GitHub looks for it."""
MAX_BYTES = 32 * 1024

_HEADING = re.compile(r"^(#{1,6}\s+\S.*|\*\*[^*\n]+\*\*:?)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ASKS = {
    "summary": re.compile(
        r"\b(?:summary|descri\w+|what|changes?|overview|proposed)\b", re.IGNORECASE
    ),
    "verification": re.compile(r"\b(?:test\w*|verif\w+|how .*tested|qa)\b", re.IGNORECASE),
    "issue": re.compile(
        r"\b(?:issues?|tickets?|closes|fixes|related|references?)\b", re.IGNORECASE
    ),
}
_ORDER = ("verification", "issue", "summary")
"""A heading is asked in this order: "What was tested" is about testing."""


def fill(form: str, given: Mapping[str, str]) -> str:
    """Each answer once, under the first heading that asks for it; what nobody asked for, first.

    Boxes to tick stay as they are: they are people's to tick.
    """
    form = _COMMENT.sub("", form.replace("\r\n", "\n")).replace("<!--", "").strip()
    parts = _HEADING.split(form)
    head, sections = parts[0].strip(), list(zip(parts[1::2], parts[2::2], strict=True))
    left = {name: text for name, text in given.items() if text}
    filled = []
    for heading, content in sections:
        asked = next((n for n in _ORDER if n in left and _ASKS[n].search(heading)), None)
        answer = left.pop(asked) if asked is not None else ""
        filled.append("\n\n".join(part for part in (heading, answer, content.strip()) if part))
    return "\n\n".join(part for part in (*left.values(), head, *filled) if part)
