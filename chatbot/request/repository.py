"""Which repository the words name; what only may be one is kept apart, to be asked about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chatbot.request.leads import AND, HERE, NEGATED, SAYS
from chatbot.request.mentions import Mention, find_mentions, known_as
from chatbot.request.model import Vocabulary
from chatbot.request.short_names import find_short_names
from chatbot.request.sureness import COMPARED, LABELLED, LED, LINKED, LOOSE, ORIGIN, STRAY
from chatbot.request.words import Words


@dataclass(frozen=True, slots=True)
class Named:
    """What the words say about the repository."""

    repository: str | None = None
    ref: str | None = None
    candidates: tuple[str, ...] = ()
    unknown: str | None = None


def read_repository(words: Words, vocabulary: Vocabulary) -> Named:
    mentions = _corrected(words, _joined(words, find_mentions(words, vocabulary)))
    shorts = find_short_names(words, vocabulary)
    for short in shorts:
        if len(short.repositories) != 1:
            continue
        mentions.append(
            Mention(short.repositories[0], short.tier, short.start, short.end, None, not short.cut)
        )
    best = max((mention.tier for mention in mentions), default=0)
    vague = [short for short in shorts if len(short.repositories) != 1]
    if best < LED and vague:
        # "the payments repo", which nobody knows or several are called.
        several = tuple(dict.fromkeys(name for short in vague for name in short.repositories))
        return Named(candidates=several, unknown=vague[0].said)
    if best < LINKED:
        return Named(candidates=_unlikely(mentions, vocabulary))
    chosen = [mention for mention in mentions if mention.tier == best]
    if best < LABELLED:
        chosen += [
            one
            for one in mentions
            if ORIGIN <= one.tier < best and _is_near(one, chosen, vocabulary)
        ]
    names = list(dict.fromkeys(mention.name.lower() for mention in chosen))
    if len(names) > 1 or _is_doubtful(words, chosen[0], best, vocabulary):
        return Named(candidates=tuple(dict.fromkeys(mention.name for mention in chosen)))
    first = chosen[0]
    for mention in mentions:
        if mention.name.lower() == names[0] and mention.tier >= LINKED:
            words.take(mention.start, mention.end, cut=not mention.keep)
    ref = next((mention.ref for mention in chosen if mention.ref), None)
    return Named(repository=first.name, ref=ref)


def _unlikely(mentions: list[Mention], vocabulary: Vocabulary) -> tuple[str, ...]:
    """What may be a repository all the same, where nothing says so."""
    stray = [m for m in mentions if m.tier == STRAY]
    if vocabulary.default:
        owners = {_owner(name) for name in vocabulary.repositories}
        stray = [m for m in stray if not m.folder and (_owner(m.name) in owners or _is_odd(m.name))]
    elif not stray:
        # Somebody is asked in any case.
        stray = [m for m in mentions if m.tier == COMPARED]
    if not all(m.folder for m in stray):
        stray = [m for m in stray if not m.folder]
    return tuple(dict.fromkeys(m.name for m in stray))


def _is_near(rival: Mention, chosen: list[Mention], vocabulary: Vocabulary) -> bool:
    """Whether it is one of those that are worked on here, rather than a package's name."""
    owners = {_owner(one.name) for one in chosen} | {_owner(n) for n in vocabulary.repositories}
    return _owner(rival.name) in owners


def _is_doubtful(words: Words, mention: Mention, tier: int, vocabulary: Vocabulary) -> bool:
    """Where the place has a repository of its own, a stranger's name may be a folder's."""
    if tier == ORIGIN:
        return True
    if not vocabulary.default or tier == LABELLED:
        return False
    if mention.name.lower() == vocabulary.default.lower():
        return False
    if mention.passing or HERE.search(words.seen):
        # What is there may have to come here.
        return True
    if tier not in {LOOSE, LED} or mention.linked:
        return False
    if known_as(mention.name, vocabulary):
        return False
    owners = {_owner(name) for name in vocabulary.repositories}
    return tier == LOOSE or (mention.ref is None and _owner(mention.name) not in owners)


def _owner(name: str) -> str:
    return name.partition("/")[0].lower()


def _joined(words: Words, mentions: list[Mention]) -> list[Mention]:
    """What is joined to another by "and" or "or" is meant as surely as that."""
    joined: list[Mention] = []
    for mention in sorted(mentions, key=lambda mention: mention.start):
        if joined and mention.tier < joined[-1].tier:
            between = words.seen[joined[-1].end : mention.start]
            if AND.fullmatch(between):
                mention = replace(mention, tier=joined[-1].tier)
        joined.append(mention)
    return joined


_CORRECTION = (
    r"sorry|no|wait|oops|i\s+meant?|actually|make\s+(?:that|it)|correction|哦?不对|说错了|错了|不好意思"
    r"|我是说|应该是"
)
_CORRECTS = re.compile(
    rf"[`\"]?\s*(?:里|中)?[\s,，.。;—–()-]*(?:(?:{_CORRECTION}|oh|uh|hmm|哦|啊)[\s,，.:—–-]*)+"
    r"(?:(?:it'?s|that'?s|in|是|在)\s*)*[`\"]?",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"[`\"]?[\s,，]*(?:but|而?是|在)\s*(?:rather\s+)?(?:in\s+|在)?[`\"]?", re.IGNORECASE
)


def _corrected(words: Words, mentions: list[Mention]) -> list[Mention]:
    """ "In acme/web, sorry, acme/api", "not acme/web but acme/api": the latter is meant alone."""
    for at in range(len(mentions) - 1, 0, -1):
        wrong, right = mentions[at - 1], mentions[at]
        between = words.seen[wrong.end : right.start]
        near = words.near(wrong.start)
        negated = NEGATED.search(near)
        if not (_CORRECTS.fullmatch(between) or (negated and _INSTEAD.fullmatch(between))):
            continue
        start = wrong.start - (len(near) - negated.start() if negated else 0)
        others = {one.name for one in mentions} - {wrong.name, right.name}
        if others or SAYS.match(words.seen, right.end):
            # More is told of it, or of a third: which one is meant is for the person to say.
            return [replace(one, tier=LABELLED) for one in mentions]
        meant = replace(right, tier=LABELLED, start=start, keep=False)
        return [meant, *(one for one in mentions[at + 1 :] if one.name == right.name)]
    return mentions


def _is_odd(name: str) -> bool:
    """More a name than two words with a slash between them."""
    return re.search(r"[\d_.-]", name) is not None
