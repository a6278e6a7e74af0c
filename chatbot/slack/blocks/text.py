"""Words in Slack: escaped, cut, and never able to ping anybody or to hide where a link leads.

Whatever a repository, a model or a person wrote is untrusted. It reaches Slack either as rich
text, which is never parsed, or through `escape`, or, as Markdown, through `tame`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

Block: TypeAlias = dict[str, Any]
"""Block Kit as it goes over the wire."""

BREAK = "\u200b"
"""A zero-width space: seen by Slack's parser, not by people."""
MINUS = "\u2212"
_LAST_DAY = 4_000_000_000
_NO_BACKTICK = "\u02cb"

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029"
    "\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_MARKDOWN_TRAPS = re.compile(r"<(?=[!@#/A-Za-z])|](?=[(\[:])|!(?=\[)|@(?=channel|here|everyone)")


def visible(text: str) -> str:
    """Control and direction marks written out: they could make a diff read as what it is not."""
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, as Slack counts them, the last an ellipsis where it was cut."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """The text as one line."""
    return cut(visible(" ".join(text.split())), limit)


def escape(text: str) -> str:
    """For mrkdwn: no link, mention or command can begin."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped(text: str, limit: int) -> str:
    """One escaped line whose escaped form keeps the limit."""
    line = one_line(text, limit)
    while len(escape(line)) > limit:
        line = cut(line, len(line) - max(1, (len(escape(line)) - limit) // 5))
    return escape(line)


def code(text: str, limit: int = 200) -> str:
    """A name as mrkdwn code; backticks would end it early."""
    return f"`{escaped(text.replace('`', _NO_BACKTICK), limit) or '?'}`"


def tame(markdown: str) -> str:
    """Untrusted Markdown for a markdown block: words keep their form, links show their address.

    Wherever Slack's parser may see it, inside code too, no control sequence, link text or image
    survives: an unseen space parts what would start one.
    """
    text = _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", markdown.replace("\r\n", "\n"))
    return _MARKDOWN_TRAPS.sub(lambda match: match[0] + BREAK, text)


def person(person_id: str, name: str) -> str:
    """Whoever acted, for mrkdwn: a mention for Slack's users, else the escaped name."""
    if _SLACK_USER.fullmatch(person_id):
        return f"<@{person_id}>"
    return escaped(name, 80) or "somebody"


def link(url: str, label: str) -> str:
    """A mrkdwn link to an address of ours or of the forge."""
    if not url.startswith(("https://", "http://")):
        return escaped(label, 200)
    safe = quote(url, safe=":/?#[]@!$&'()*+,;=%~-._").replace("&", "&amp;")
    return f"<{safe}|{escaped(label, 200).replace('|', '/')}>"


def clock(at: float) -> str:
    """A time of day, shown in each reader's own time zone."""
    from_epoch = int(at)
    hours, minutes = from_epoch // 3600 % 24, from_epoch // 60 % 60
    return f"<!date^{from_epoch}^{{time}}|{hours:02}:{minutes:02} UTC>"


def moment(at: float) -> str:
    """A day and its time, shown in each reader's own time zone."""
    whole = max(0, min(int(at), _LAST_DAY))
    told = datetime.fromtimestamp(whole, UTC).strftime("%-d %b, %H:%M UTC")
    return f"<!date^{whole}^{{date_short_pretty}} at {{time}}|{told}>"


def duration(seconds: float) -> str:
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def dollars(amount: float) -> str:
    """What was spent; never nothing where it was something."""
    return f"${amount:,.2f}" if amount >= 0.005 else "under $0.01"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(blocks: tuple[Block, ...]) -> int:
    """Roughly what Slack counts of a message: every character of its words."""
    return sum(_words(block) for block in blocks)


def _words(value: object) -> int:
    match value:
        case str():
            return len(value)
        case dict():
            return sum(_words(item) for item in value.values())
        case list() | tuple():
            return sum(_words(item) for item in value)
        case _:
            return 0


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen; Slack refuses blank words."""
    return not any(unicodedata.category(char)[0] not in "ZC" for char in text)
