"""What a pull request says: pure, and harmless whatever the model or a person wrote."""

from __future__ import annotations

import re
import textwrap
import unicodedata

SUBJECT_CHARACTERS = 72
TITLE_CHARACTERS = 200
BODY_CHARACTERS = 20_000

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_PING = re.compile(r"(?<![\w`])@(?=[A-Za-z0-9])")
_CLOSING = re.compile(
    r"\b((?:close|fix|resolve)(?:s|d|es|ed)?:?\s+)(?=(?:[\w.-]+/[\w.-]+)?#\d|https?://)",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"^([A-Za-z-]+-by):", re.MULTILINE | re.IGNORECASE)
_WORD_JOINER = "\u2060"
"""Shows nothing, and keeps the forge from reading the text as a mention or a command."""


def branch_name(title: str, task_id: str) -> str:
    """`threadsmith/<words>-<end of the task's id>`: valid for git whatever the title is."""
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:40].rstrip("-")
    return f"threadsmith/{words or 'task'}-{task_id[-6:]}"


def harmless(text: str) -> str:
    """Without control characters, mentions that notify, or words that close issues."""
    text = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _PING.sub(f"@{_WORD_JOINER}", text)
    return _CLOSING.sub(lambda match: f"{match[1]}{_WORD_JOINER}", text)


def pull_title(title: str) -> str:
    """One line."""
    line = " ".join(harmless(title).split())
    return _shortened(line or "Change by Threadsmith", TITLE_CHARACTERS)


def pull_body(*, summaries: list[str], claimed: str, asked_by: str) -> str:
    """What was done, first to last, what was checked and by whom, and who asked."""
    first, *later = [_shortened(harmless(text).strip(), BODY_CHARACTERS) for text in summaries]
    parts = [first, *(f"**Follow-up:** {text}" for text in later if text)]
    if claimed.strip():
        quoted = textwrap.indent(harmless(claimed).strip(), "> ", lambda _: True)
        parts.append(f"**The agent says** (not checked by anybody else):\n\n{quoted}")
    parts.append(f"---\nAsked for by {_plain(asked_by)}. Written by Threadsmith.")
    return "\n\n".join(part for part in parts if part)


def commit_message(*, title: str, summary: str, co_author: tuple[str, str] | None = None) -> str:
    """Subject of at most 72 characters, wrapped body, trailers of our own only."""
    subject = _shortened(" ".join(harmless(title).split()) or "Change", SUBJECT_CHARACTERS)
    # A line of the model's must not pass for a trailer.
    body = _TRAILER.sub(rf"{_WORD_JOINER}\1:", harmless(summary).strip())
    wrapped = "\n".join(
        textwrap.fill(line, 72, break_long_words=False, break_on_hyphens=False)
        for line in body.splitlines()
    )
    parts = [subject, wrapped]
    if co_author is not None:
        name, email = co_author
        parts.append(f"Co-authored-by: {_plain(name)} <{_plain(email).replace(' ', '@')}>")
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"[<>\[\]()\s`*_@]+", " ", harmless(text)).strip()[:100]


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
