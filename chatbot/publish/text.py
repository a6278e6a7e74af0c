"""What a pull request says: pure, and harmless whatever the model or a person wrote."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass

from chatbot.publish import template
from chatbot.verified import Verified

SUBJECT_CHARACTERS = 72
TITLE_CHARACTERS = 200
BODY_CHARACTERS = 20_000
BRANCH_CHARACTERS = 100

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_PING = re.compile(r"(?<![\w`])@(?=[A-Za-z0-9])")
_CLOSING = re.compile(
    r"\b((?:close|fix|resolve)(?:s|d|es|ed)?:?\s+)(?=(?:[\w.-]+/[\w.-]+)?#\d|https?://)",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"^([A-Za-z-]+-by):", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--")
_WORD_JOINER = "\u2060"
"""Shows nothing, and keeps the forge from reading the text as a mention or a command."""
_BEGIN, _END = "<!-- threadsmith -->", "<!-- /threadsmith -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullText:
    """Of what a pull request's text is made."""

    summaries: tuple[str, ...]
    """Of each approved run, first to last."""
    claimed: str
    verified: Verified
    """What the host itself saw of the newest change."""
    asked_by: str
    closes: str = ""
    """The issue, `#12` or `owner/name#12`."""
    thread_url: str = ""
    page_url: str = ""


def branch_name(
    pattern: str, *, title: str, task_id: str, person: str = "", issue: str = ""
) -> str:
    """The pattern's words filled in: valid for git whatever the title is."""
    name = pattern.format(
        words=_slug(title)[:40].rstrip("-") or "task",
        id=task_id[-6:],
        person=_slug(person)[:20] or "somebody",
        issue=_slug(issue) or "0",
    )
    return re.sub(r"/+", "/", name)[:BRANCH_CHARACTERS]


def _slug(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")


def harmless(text: str) -> str:
    """Without control characters, mentions that notify, or words that close issues."""
    text = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _PING.sub(f"@{_WORD_JOINER}", text)
    # A comment of the model's could hide what follows, or pass for a mark of ours.
    text = _COMMENT.sub(f"<{_WORD_JOINER}!--", text)
    return _CLOSING.sub(lambda match: f"{match[1]}{_WORD_JOINER}", text)


def pull_title(title: str) -> str:
    """One line."""
    line = " ".join(harmless(title).split())
    return _shortened(line or "Change by Threadsmith", TITLE_CHARACTERS)


def pull_body(given: PullText, form: str = "") -> str:
    """What was done, what was checked and by whom, and who asked; in the repository's ``form``.

    Ours stands between two marks, so that an update leaves alone what people wrote around it.
    """
    parts = [part for part in (*_summary(given), _verification(given), _footer(given)) if part]
    if not form.strip():
        return _marked("\n\n".join(parts))
    closes = f"Closes {given.closes}" if given.closes else ""
    filled = template.fill(
        form,
        {
            "summary": "\n\n".join(_summary(given)),
            "verification": _verification(given),
            "issue": closes,
        },
    )
    return _marked("\n\n".join(part for part in (filled, _footer(given, in_form=True)) if part))


def updated_body(existing: str, fresh: str) -> str:
    """The pull request's text with our part of it renewed; without our marks it is left alone."""
    before, begin, rest = existing.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return f"{before}{fresh}{after}" if begin and end else existing


def commit_message(
    *,
    title: str,
    summary: str,
    co_author: tuple[str, str] | None = None,
    signed_off_by: tuple[str, str] | None = None,
) -> str:
    """Subject of at most 72 characters, wrapped body, trailers of our own only."""
    subject = _shortened(" ".join(harmless(title).split()) or "Change", SUBJECT_CHARACTERS)
    # A line of the model's must not pass for a trailer.
    body = _TRAILER.sub(rf"{_WORD_JOINER}\1:", harmless(summary).strip())
    wrapped = "\n".join(
        textwrap.fill(line, 72, break_long_words=False, break_on_hyphens=False)
        for line in body.splitlines()
    )
    trailers = [
        f"{name}: {_plain(person[0])} <{_address(person[1])}>"
        for name, person in (("Co-authored-by", co_author), ("Signed-off-by", signed_off_by))
        if person is not None
    ]
    parts = [subject, wrapped, "\n".join(trailers)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(given: PullText) -> list[str]:
    first, *later = [
        _shortened(harmless(text).strip(), BODY_CHARACTERS) for text in given.summaries
    ]
    return [first, *(f"**Follow-up:** {text}" for text in later if text)]


def _verification(given: PullText) -> str:
    parts = [_verified(given.verified)]
    if given.claimed.strip():
        parts.append(_claimed(given.claimed))
    return "\n\n".join(parts)


def _verified(verified: Verified) -> str:
    headline = harmless(verified.headline) or "Not verified: nobody has run it"
    lines = [f"- {_code(check.command)}: {_plain(check.said)}" for check in verified.checks]
    by = " by Threadsmith, apart from the agent" if verified.state == "verified" else ""
    return "\n".join([f"**{_plain(headline)}**{by}", *([""] if lines else []), *lines])


def _code(text: str) -> str:
    line = " ".join(harmless(text).replace("`", "'").split())
    return f"`{_shortened(line, 200)}`"


def _claimed(claimed: str) -> str:
    quoted = textwrap.indent(harmless(claimed).strip(), "> ", lambda _: True)
    return f"**The agent says:**\n\n{quoted}"


def _footer(given: PullText, *, in_form: bool = False) -> str:
    links = [
        f"[{words}]({url})"
        for words, url in (("thread", given.thread_url), ("task page", given.page_url))
        if url
    ]
    line = f"Asked for by {_plain(given.asked_by)}. Written by Threadsmith."
    closes = f"Closes {given.closes}\n\n" if given.closes and not in_form else ""
    return f"---\n{closes}{' · '.join([line, *links])}"


def _marked(text: str) -> str:
    return f"{_BEGIN}\n{text}\n{_END}"


def _plain(text: str) -> str:
    return re.sub(r"[<>\[\]()\s`*_@]+", " ", harmless(text)).strip()[:100]


def _address(email: str) -> str:
    """What stands between the angle brackets of a trailer."""
    return re.sub(r"[^\w.+@\[\]-]+", "", email)[:200]


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
