"""A text that is read piece by piece: what is code or quoted is not seen, what was read is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

QUOTED = "\ue000"
"""Stands for each character that a reader must not take as the person's own word."""
TAKEN = "\ue001"
"""Stands for what was read already."""
SPAN = rf"[`\"“「]{QUOTED}+[`\"”」]"
"""A short quotation; as the value of an option it may be read all the same."""
END = rf"(?=\s*(?:$|[.:](?!\w)|[,;!?)\n，。；：！？、）]|{TAKEN}))"
"""Where a clause ends."""

MARKS = r"[\s.,;:!?()\[\]'\"*_~，。；：！？、（）…—–-]"
"""What stands between words; unlike \\W it holds no letters of any language."""

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CITED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_QUOTES = re.compile(
    r"`([^`\n]+)`|\"([^\"\n]+)\"|“([^”\n]+)”|「([^」\n]+)」|(?<![^\s(])'([^'\n]+)'(?![^\s).,;:!?])"
)
_FEW_WORDS = 300
"""Characters; what leads to a name stands no farther from it."""
_CLAUSE_STOP = re.compile(r"[.;!?\n，。；！？、]|,\s|\band\b|\bthen\b")
_STOP = re.compile(r"[.!?](?:\s|$)|[\n。！？]")
_EMAIL = re.compile(r"(?<![\w/.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?![\w.-]*:)", re.ASCII)
_LOG = re.compile(
    r"^\s*(?:File \"|Traceback|at [\w.$<>]+ ?\(|\$ |>>> |[+-]{3} [ab]/|@@ |E   ).*$", re.MULTILINE
)


class Words:
    """``seen`` has the length of ``text``: a place in the one is the place in the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen = _hide(text)
        self._cuts: list[tuple[int, int]] = []

    def find(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches in what is seen now."""
        return pattern.finditer(self.seen)

    def value(self, match: re.Match[str], group: str) -> str:
        """What was written there, without its quotes; empty where the group has no part in it."""
        start, end = match.span(group)
        return "" if start < 0 else self.text[start:end].strip("`\"“”「」'")

    def take(self, start: int, end: int, *, cut: bool = True) -> None:
        """This was read; no other reader sees it, and it is no part of the task unless kept."""
        self.seen = self.seen[:start] + TAKEN * (end - start) + self.seen[end:]
        if cut:
            self._cuts.append((start, end))

    def near(self, at: int) -> str:
        """What is seen of the few words before a place."""
        return self.seen[max(0, at - _FEW_WORDS) : at]

    def clause(self, at: int) -> str:
        """What is seen of the clause before a place."""
        return _CLAUSE_STOP.split(self.near(at))[-1]

    def sentence_start(self, at: int) -> int:
        """Where the sentence around a place begins, as far back as is looked."""
        first = max(0, at - _FEW_WORDS)
        return max((m.end() for m in _STOP.finditer(self.seen, first, at)), default=first)

    def sentence(self, at: int) -> str:
        """What is seen of the sentence around a place."""
        last = at + _FEW_WORDS
        stop = _STOP.search(self.seen, at, last)
        return self.seen[self.sentence_start(at) : stop.start() if stop else last]

    def rest(self) -> str:
        """The text without what was cut, mended where it was."""
        text = self.text
        for start, end in reversed(self._merged()):
            text = _join(text[:start], text[end:])
        return _mend(text)

    def _merged(self) -> list[tuple[int, int]]:
        """Readers may have claimed the same words, or such with only a mark between them."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(self._cuts):
            if merged and re.fullmatch(r"[ \t,，、]*", self.text[merged[-1][1] : start]):
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def _hide(text: str) -> str:
    for pattern in (_FENCE, _CITED, _LOG):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", QUOTED, match[0]), text)
    text = _QUOTES.sub(lambda m: m[0][0] + QUOTED * (len(m[0]) - 2) + m[0][-1], text)
    return _EMAIL.sub(lambda match: QUOTED * len(match[0]), text)


def _join(before: str, after: str) -> str:
    head, tail = before.rstrip(" \t"), after.lstrip(" \t")
    if re.search(r"[,，、(（]$", head) and re.match(r"[.,;:!?)，。；：！？）]|$", tail):
        head = re.sub(r"[ \t]*[,，、]$", "", head)
    if re.search(r"[(（\[]$", head) and re.match(r"[)）\]]", tail):
        return _join(head[:-1], tail[1:])
    if re.fullmatch(r"(?:.*\n)?(?:please|pls|请|hi|hey)?", head, re.DOTALL | re.IGNORECASE):
        # It began a line: what parted it from the rest goes too.
        tail = re.sub(r"^[ \t]*(?:[,:;，：；、—–-]|and\b|please\b(?=\s*$))+[ \t]*", "", tail)
    if re.search(r"[(（]$", head):
        tail = re.sub(r"^[,;，；、]\s*", "", tail)
        if tail == "" or tail[:1] not in ")）":
            return head + tail
    if re.search(r"[.!?。！？]$", head) and re.match(r"[.,;:!。，；：！]", tail):
        # A whole sentence was cut.
        tail = tail[1:].lstrip(" \t")
    if _EMOJI.match(tail) and head:
        return f"{head} {tail}"
    if not tail or not head or head[-1:] == "\n" or tail[:1] in "\n.,;:!?)，。；：！？、）":
        return head + tail
    if _is_wide(head[-1]) and _is_wide(tail[0]):
        return head + tail
    apart = before[-1:] == " " or after[:1] == " "
    return (
        f"{head} {tail}" if apart or not (_is_wide(head[-1]) or _is_wide(tail[0])) else head + tail
    )


def _is_wide(character: str) -> bool:
    return character >= "\u2e80"


_EMOJI = re.compile(r"(?<!\w):[a-z0-9_+-]+:(?!\w)")
_POLITE = re.compile(
    r"(?:[\W_]|(?:hi|hey|hello|yo|good|morning|afternoon|evening|team|all|folks|everyone|everybody"
    r"|guys|there|please|pls|plz|thanks|thank|thx|ty|you|a|lot|cheers|cc|fyi)(?![^\W_])"
    r"|大家|各位|你|您|好|早|谢谢|多谢|辛苦了?|麻烦|请)*",
    re.IGNORECASE,
)
"""Nothing is asked for by these alone."""
_LOST_TAIL = re.compile(
    r"(?:[ \t]*(?:[,，、;；:：]|\s[—–-]|\b(?:and|then|please and)|并且|并|然后))+[ \t]*([.!。！]*)$"
)


def _mend(text: str) -> str:
    """A task that ends in an "and" or a comma lost what stood behind."""
    kept = text.strip()
    if _POLITE.fullmatch(_EMOJI.sub("", kept)):
        return ""
    mended = (
        kept
        if _EMOJI.search(kept[-50:] + " ") and kept.endswith(":")
        else (_LOST_TAIL.sub(r"\1", kept))
    )
    mended = re.sub(r"^(?:[,;，：；、。]|[.:](?=\s))+\s*", "", mended).strip()
    return mended if re.search(r"\w", mended) else kept
