"""Every repository that the words may name, and how surely each is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbot.request import shapes
from chatbot.request.leads import (
    AFTER_STRONG,
    AFTER_SURE,
    ALIKE,
    ASIDE,
    ASKED_OF,
    AT_HEAD,
    CARRIED_HERE,
    CHANGED_THERE,
    COMPARING,
    FOR_CONTEXT,
    FROM_THERE,
    HEADS,
    IS_WIDE,
    LABEL,
    LEAD_CUT,
    LOOKED_AT,
    NEGATED,
    OF_THE_CODE,
    OPENS,
    OWNER_NAME,
    OWNS,
    PASSING,
    REFERENCE,
    SAYS,
    SET_APART,
    SO_TOO,
    STRONG,
    SUBJECT,
    SURE,
    TAIL_CUT,
    TAKEN_AWAY,
    TO_THE_NEXT,
    WEAK,
    WORK_IN,
)
from chatbot.request.mode import acts_of
from chatbot.request.model import Vocabulary
from chatbot.request.sureness import CALLED, COMPARED, LABELLED, LED, LINKED, LOOSE, ORIGIN, STRAY
from chatbot.request.words import QUOTED, SPAN, Words

_FLAGS = re.IGNORECASE | re.ASCII
_URL = (
    r"(?:https?|ssh|git)://[^\s<>\"'`,;，。；）)\]\u2e80-\uffff]+"
    r"|(?<![\w.])[A-Za-z0-9_][\w.-]*@[A-Za-z0-9.-]+:[^\s<>\"'`,;，。；）)]+"
)
_HOSTED = (
    r"(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|gitee\.com)"
    r"/[A-Za-z0-9][\w-]*/[\w.-]*\w"
)
_REF_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?"
_MENTIONED = re.compile(
    rf"(?P<url>{_URL})"
    rf"|(?<![\w./@:~$%#+\\=-])(?P<hosted>{_HOSTED})(?![\w/])"
    rf"|(?<![\w./@:~$%#+\\={{<-])(?P<name>{OWNER_NAME})(?:@(?P<at>{_REF_NAME})"
    rf"|\#(?P<number>\d+)(?!\w)|\#(?P<hash>{_REF_NAME}))?(?![\w/\\(=+*])"
    rf"|(?P<span>{SPAN})",
    _FLAGS,
)


@dataclass(frozen=True, slots=True)
class Mention:
    name: str
    tier: int
    """How surely it is the one: see the constants above."""
    start: int
    end: int
    ref: str | None
    keep: bool
    """The words make no sense without it."""
    linked: bool = False
    """Its address was given."""
    folder: bool = False
    """It may as well be one."""
    passing: bool = False
    """The words tell of it, and may ask for work elsewhere."""


def find_mentions(words: Words, vocabulary: Vocabulary) -> list[Mention]:
    found = (_read(words, match, vocabulary) for match in words.find(_MENTIONED))
    return [mention for mention in found if mention is not None]


def _read(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> Mention | None:
    before = words.near(match.start())
    if match["span"]:
        return _spanned(words, match, vocabulary)
    if match["url"] or match["hosted"]:
        return _address(words, match, vocabulary)
    name = match["name"]
    owner, _, tail = name.partition("/")
    known = known_as(name, vocabulary)
    after = words.seen[match.end("name") :]
    called = SURE.search(before) is not None or AFTER_SURE.match(after) is not None
    tier = _tier(words, match.start(), match.end(), known=known is not None)
    if known is None and not called:
        if shapes.is_pair(owner, tail):
            return None
        if shapes.is_path(owner, tail):
            if tier != LED or not shapes.may_be_repository(owner, tail):
                return None
            return Mention(name, STRAY, match.start(), match.end(), None, keep=True, folder=True)
    if match["number"]:
        tier = max(tier, LED) if tier else COMPARED
        keep = True
    else:
        keep = not _can_cut(before, words.seen[match.end() :], tier)
    if match["at"] and re.fullmatch(r"v?\d+", match["at"]) and tier < LOOSE:
        # A dependency: actions/checkout@v4.
        tier = COMPARED
    start, end = _extent(words, match.start(), match.end(), keep=keep)
    return Mention(
        known or name,
        tier,
        start,
        end,
        match["at"] or match["hash"],
        keep,
        passing=CHANGED_THERE.match(words.seen, match.end()) is not None,
    )


def _spanned(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> Mention | None:
    """A repository's name in quotes counts where something leads to it."""
    inner = words.value(match, "span")
    form = re.fullmatch(rf"(?P<name>{OWNER_NAME})(?:@(?P<at>{_REF_NAME}))?", inner, _FLAGS)
    if form is None:
        page = shapes.read_page(inner, vocabulary.forge_url) if "://" in inner else None
        if page is None or page.kind:
            return None
        name, at = page.repository, None
    else:
        name, at = form["name"], form["at"]
        owner, _, tail = name.partition("/")
    known = known_as(name, vocabulary)
    before = words.near(match.start())
    after = words.seen[match.end() :]
    called = SURE.search(before) is not None or AFTER_SURE.match(after) is not None
    odd = form is not None and (shapes.is_pair(owner, tail) or shapes.is_path(owner, tail))
    if odd and known is None and not called:
        return None
    tier = _tier(words, match.start(), match.end(), known=known is not None)
    if tier < LOOSE:
        return None
    keep = not _can_cut(before, after, tier)
    start, end = _extent(words, match.start(), match.end(), keep=keep)
    return Mention(known or name, tier, start, end, at, keep)


def _address(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> Mention | None:
    before = words.near(match.start())
    group = "url" if match["url"] else "hosted"
    raw = words.value(match, group).rstrip(".,:;!?")
    end = match.start() + len(raw)
    url = raw if match["url"] else f"https://{raw.removeprefix('www.')}"
    page = shapes.read_page(url, vocabulary.forge_url)
    if page is None:
        # A stranger's host: only what is plainly called a repository is one.
        called = SURE.search(before) or re.search(r"\bclone\s+$", before, _FLAGS)
        if not re.fullmatch(r"https?://[^/]+/[^/]+/[^/?#]+/?", url):
            return None
        if not called and not (STRONG.search(before) and shapes.may_be_forge(url)):
            return None
        tier = CALLED if called else STRAY
        start, end = _extent(words, match.start(), end, keep=False)
        return Mention(url.rstrip("/"), tier, start, end, None, keep=False)
    in_passing = PASSING.search(words.clause(match.start())) or FOR_CONTEXT.match(words.seen, end)
    spoken_of = page.kind in {"issues", "pull", "commit"} and not ALIKE.search(before)
    if REFERENCE.search(before) and not spoken_of:
        tier = COMPARED
    elif in_passing and page.kind:
        tier = STRAY
    elif match["hosted"] and not (
        STRONG.search(before) or SURE.search(before) or not before.strip()
    ):
        # It may be an import path.
        tier = STRAY
    elif page.kind not in {"", "tree"}:
        # It is spoken of, and says in passing which repository is meant.
        tier = LINKED
    else:
        tier = CALLED if STRONG.search(before) or SURE.search(before) else LED
    keep = page.kind not in {"", "tree"} or tier < LINKED
    name = known_as(page.repository, vocabulary) or page.repository
    start, end = _extent(words, match.start(), end, keep=keep)
    passing = tier == LINKED and not _is_asked_of(words, match.start(), end)
    return Mention(name, tier, start, end, page.ref, keep, linked=True, passing=passing)


def _is_asked_of(words: Words, start: int, end: int) -> bool:
    """Whether the page itself is what work is wanted on, or an answer."""
    if ASKED_OF.search(words.near(start)) or "work" not in acts_of(words.seen):
        return True
    return OPENS.fullmatch(words.seen[:start]) is not None and bool(
        SET_APART.match(words.seen, end)
    )


def known_as(name: str, vocabulary: Vocabulary) -> str | None:
    """As it is written where it is known."""
    return next((one for one in vocabulary.repositories if one.lower() == name.lower()), None)


def _tier(words: Words, start: int, end: int, *, known: bool) -> int:
    before, after = words.near(start), words.seen[end:]
    before = before.rstrip('`"“「') if before.endswith(("`", '"', "“", "「")) else before
    if (HEADS.search(before) or OPENS.fullmatch(before)) and re.match(
        r"[`\"”」]?\s*[:：](?!\w)", after
    ):
        return LABELLED
    compared = COMPARING.search(words.clause(start)) or SO_TOO.match(after)
    if before.rstrip().endswith("把") and CARRIED_HERE.match(after):
        return ORIGIN
    led = OPENS.fullmatch(before)
    if NEGATED.search(before) or REFERENCE.search(before) or (compared and not led):
        return COMPARED
    if LABEL.search(before):
        return LABELLED
    if SURE.search(before) or AFTER_SURE.match(after):
        return CALLED
    if (not known and OF_THE_CODE.match(after)) or re.match(r":\w", after):
        # Words of the code, or an image with its tag.
        return STRAY
    if LOOKED_AT.search(before) and not WORK_IN.search(before):
        return LOOSE
    if STRONG.search(before):
        return CALLED if known else LED
    if OPENS.fullmatch(before) and QUOTED not in before:
        return LED
    if FROM_THERE.search(before) and not TAKEN_AWAY.search(words.sentence(start)):
        if TO_THE_NEXT.match(after) and not known:
            # From one way of doing it to another.
            return STRAY
        return ORIGIN
    if WEAK.search(before):
        of_it = re.search(r"\b(?:for|of)\s+(?:the\s+)?$", before, _FLAGS)
        return LED if known and of_it else LOOSE
    if AFTER_STRONG.match(after):
        return LOOSE
    if ASIDE.search(before) and AT_HEAD.match(after):
        return LOOSE
    if SUBJECT.search(before) and (
        SAYS.match(after)
        or IS_WIDE.match(after)
        or before.endswith(("does ", "is ", "has "))
        or "work" in acts_of(after[:80])
    ):
        return LOOSE
    return LOOSE if known else STRAY


def _can_cut(before: str, after: str, tier: int) -> bool:
    if tier < LOOSE or OWNS.match(after):
        return False
    if SAYS.match(after) and not STRONG.search(before):
        # It is what the sentence speaks of.
        return False
    if AFTER_STRONG.match(after):
        return True
    if LOOKED_AT.search(before) and not WORK_IN.search(before):
        return False
    return bool(
        STRONG.search(before)
        or WEAK.search(before)
        or SURE.search(before)
        or OPENS.fullmatch(before)
        or ASIDE.search(before)
    )


def _extent(words: Words, start: int, end: int, *, keep: bool) -> tuple[int, int]:
    """With the words around that lead to it."""
    if keep:
        return start, end
    near = words.near(start)
    lead = LEAD_CUT.search(near)
    tail = TAIL_CUT.match(words.seen, end)
    return (start - len(near) + lead.start() if lead else start), (tail.end() if tail else end)
