"""Where the work begins: a branch, a tag, a commit or a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatbot.request.mode import acts_of
from chatbot.request.ref_leads import (
    AFTER_KIND,
    AT_VERSION,
    BEFORE_KIND,
    BEHIND,
    CAUSED,
    DEFAULT,
    ELSEWHERE,
    KNOWN,
    LABEL,
    LEADING,
    LEFT,
    MERGING,
    MOVED,
    NAME,
    NEW_BRANCH,
    NEXT,
    NO_NAME,
    NOT_THAT,
    NOT_THERE,
    NUMBER,
    ON_KNOWN,
    ON_MAIN,
    PREFIXED,
    PREFIXES,
    PULL,
    QUOTED_NAME,
    REVIEWED,
    SHA,
    SOME_BRANCH,
    TARGET,
    VERSION,
    WAS_FINE,
    ZH,
)
from chatbot.request.words import END, Words

_FLAGS = re.IGNORECASE | re.ASCII


LABELLED, SURE, AIMED, UNSURE = range(4)
"""Said by its name, as in "branch: dev" · where the work is to begin · where its pull request is
to go · perhaps only spoken of."""


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    level: int
    start: int
    end: int
    said: str
    keep: bool = False
    """The sentence makes no sense without it."""


_Reader = Callable[[Words], Iterator[_Found]]


def read_ref(words: Words, unsure: list[str]) -> str | None:
    """The one place that is named to begin at; what only sounds so is told in ``unsure``."""
    if match := next(words.find(DEFAULT), None):
        words.take(*match.span())
    for match in words.find(NEW_BRANCH):
        # The change's own branch is made by the house; it is no place to begin.
        unsure.append(words.text[match.start() : match.end()])
        words.take(*match.span(), cut=False)
    found: list[_Found] = []
    rejected = _rejected(words)
    for reader in _READERS:
        for one in reader(words):
            if not any(one.start < other.end and other.start < one.end for other in found):
                found.append(one)
    found.sort(key=lambda one: one.start)
    unsure += [one.said for one in found if one.level == UNSURE]
    for level in (LABELLED, SURE, AIMED):
        named = [one for one in found if one.level == level]
        if len({one.name for one in named}) > 1:
            # Only the person knows which of them.
            unsure += [one.said for one in named]
            return None
        if named:
            for one in named:
                words.take(one.start, one.end, cut=not one.keep)
            for start, end in rejected:
                words.take(start, end)
            if level == AIMED:
                unsure += [match[0] for match in words.find(ON_KNOWN)]
            # Begun at one branch, and bound for another: only one of them is done.
            unsure += [
                one.said for one in found if one.level == AIMED and one.name != named[0].name
            ]
            return named[0].name
    unsure += [words.text[start:end].strip(" ,，—–-") for start, end in rejected]
    unsure += [words.text[match.start() : match.end()] for match in words.find(SOME_BRANCH)]
    if not found:
        unsure += [words.text[match.start() : match.end()] for match in words.find(LEFT)]
    return None


def _found(words: Words, match: re.Match[str], level: int, group: str = "name") -> _Found:
    start, end = match.span(f"{group}_cut" if group in {"zh", "off"} else "cut")
    said = words.text[match.start() : match.end()].strip(" ,")
    keep = False
    if level == SURE:
        level, keep = _weighed(words, start, end)
    return _Found(words.value(match, group), level, start, end, said, keep)


def _weighed(words: Words, start: int, end: int) -> tuple[int, bool]:
    """What is told of a branch says where something is wrong, or where it is not."""
    before = words.clause(start)
    behind = re.split(r"[.,;!?\n，。；]", words.seen[end : end + 80], maxsplit=1)[0]
    if ELSEWHERE.search(before) or MOVED.match(words.seen, end) or WAS_FINE.search(behind):
        return UNSURE, True
    sentence, at = words.sentence(start), start - words.sentence_start(start)
    opens = LEADING.fullmatch(words.clause(start)) is not None
    if opens or acts_of(sentence) & {"work", "answer", "review", "look"}:
        return SURE, False
    rest = sentence[:at] + sentence[at + end - start :]
    return SURE, len(re.findall(r"\w+", rest)) > _FEW


_FEW = 3


def _labelled(words: Words) -> Iterator[_Found]:
    for match in words.find(LABEL):
        group = next(
            name
            for name in ("name", "flagged", "bare", "behind", "stated", "there", "paren", "boxed")
            if match[name]
        )
        before = words.clause(_first_word(match))
        if group == "stated" and not (
            LEADING.fullmatch(before) and _is_branchy(match["stated"], "branch")
        ):
            continue
        if group in {"behind", "there", "paren"} and not BEHIND.search(words.near(match.start())):
            continue
        if group == "paren" and not _is_branchy(match["paren"], "branch"):
            continue
        if group == "boxed" and not _BOXED.fullmatch(match["boxed"]):
            continue
        branchy = _is_branchy(match[group], "branch")
        whole = match[group][0] in '`"“「' or re.match(END, words.seen[match.end() :])
        if group == "name" and not branchy and not whole:
            # "branch: add a command that lists them".
            continue
        if _fits(words.value(match, group)):
            yield _found(words, match, LABELLED, group)


def _of_kind(words: Words) -> Iterator[_Found]:
    for pattern in (BEFORE_KIND, AFTER_KIND):
        for match in words.find(pattern):
            name = words.value(match, "name")
            if not _fits(name):
                continue
            quoted = match["name"][0] in '`"“「'
            sure = quoted or _is_branchy(name, match["kind"])
            if pattern is AFTER_KIND and not sure:
                sure = re.match(NEXT, words.seen[match.end() :]) is not None
            clause = words.clause(match.start())
            if pattern is BEFORE_KIND and re.match(r"\s*(?:to|onto)\b", match[0], re.IGNORECASE):
                sure = (
                    sure and re.search(r"\b(?:switch|checkout|check\s+out)\b", clause) is not None
                )
            merging = MERGING.search(clause) is not None
            yield _found(words, match, SURE if sure and not merging else UNSURE)


def _chinese(words: Words) -> Iterator[_Found]:
    for match in words.find(ZH):
        group = next(name for name in "abcdefgh" if match[name])
        if not _fits(words.value(match, group)):
            continue
        merging = MERGING.search(words.clause(match.start())) or re.match(
            r"\s*(?:保护|名|策略|合并|管理|预测|切换|列表)", words.seen[match.end() :]
        )
        yield _found(words, match, UNSURE if merging else SURE, group)


def _pull(words: Words) -> Iterator[_Found]:
    for match in words.find(PULL):
        lead = (match["lead"] or "").strip()
        before = words.clause(match.start("number")) + lead
        opens = not re.search(r"\w", words.seen[: match.start()]) and not lead
        reviewed = "review" in acts_of(words.clause(match.end()))
        there = lead or opens or match["tail"] or reviewed
        passing = bool(NOT_THERE.search(before) or CAUSED.match(words.seen, match.end()))
        said = words.text[match.end("lead") : match.end()].strip()
        others = {one["number"] for one in words.find(NUMBER)} - {match["number"]}
        if others and not acts_of(words.clause(match.end())) & {"work", "review", "answer"}:
            # One of several that are told of.
            passing = True
        yield _Found(
            f"refs/pull/{match['number']}/head",
            SURE if there and not passing else UNSURE,
            *match.span(),
            said,
            keep=True,
        )


def _numbered(words: Words) -> Iterator[_Found]:
    """`owner/name#12`, or `#12`, where it is reviewed, or called a pull request: no issue is."""
    for match in words.find(NUMBER):
        called = re.match(
            r"\s*(?:这个|的)?\s*(?:PR|MR|pull\s+request)"
            r"|\s+(?:has|shows|got)\s+(?:\w+\s+){0,2}conflicts?\b|\s*有(?:合并)?冲突",
            words.seen[match.end() :],
            _FLAGS,
        )
        behind = re.split(r"[,.;!?\n，。；！？]", words.seen[match.end() : match.end() + 40])[0]
        clause = words.clause(match.end())
        if called or "review" in acts_of(clause) or "review" in acts_of(clause + behind):
            ref = f"refs/pull/{match['number']}/head"
            passing = NOT_THERE.search(clause) or CAUSED.match(words.seen, match.end())
            level = UNSURE if passing else SURE
            yield _Found(ref, level, *match.span(), match[0], keep=True)


def _reviewed(words: Words) -> Iterator[_Found]:
    """The branch is what is looked at: the words need its name."""
    for match in words.find(REVIEWED):
        name = words.value(match, "name")
        if _fits(name) and _is_branchy(name, "branch"):
            yield _Found(name, SURE, *match.span("name"), name, keep=True)


def _version(words: Words) -> Iterator[_Found]:
    for match in words.find(AT_VERSION):
        name = words.value(match, "name")
        lead = match[0].strip(" ,").lower()
        sha = re.fullmatch(SHA, name, _FLAGS) is not None
        version = re.fullmatch(VERSION, name, _FLAGS) is not None
        after = words.seen[match.end() :]
        clause = words.clause(match.start())
        if not (sha or (version and (name.lower().startswith("v") or "tag" in lead))):
            continue
        moves = re.match(r"\s*(?:to|→|->|till|until|through|onwards?)\b", after)
        of_another = re.match(r"\s+of\s+(?!(?:the\s+)?(?:repo|[\w-]+/))", after)
        if moves or (lead.startswith("on ") and not sha and not re.match(END, after)):
            continue
        elsewhere = of_another or MERGING.search(clause) or NOT_THERE.search(clause)
        yield _found(words, match, UNSURE if elsewhere else SURE)


def _prefixed(words: Words) -> Iterator[_Found]:
    for match in words.find(PREFIXED):
        name = words.value(match, "name")
        known = match["name"][0] in '`"“「' and name.lower() in KNOWN
        prefixed = re.fullmatch(rf"{PREFIXES}/{NAME}", name, _FLAGS) and not _FILE.search(name)
        if known or prefixed:
            merging = MERGING.search(words.clause(match.start()))
            yield _found(words, match, UNSURE if merging else SURE)


def _target(words: Words) -> Iterator[_Found]:
    for match in words.find(TARGET):
        group = next(name for name in ("name", "aim", "zh") if match[name])
        kind = match["kind" if group == "name" else f"{group}_kind"]
        name = words.value(match, group)
        if not (_fits(name) or (group == "zh" and kind)) or not (kind or _is_target(name)):
            continue
        start, end = match.span("cut" if group == "name" else f"{group}_cut")
        said = words.text[start:end].strip(" ,.;，")
        passing = _NEGATED.search(words.clause(start) + match[0]) or (
            group == "aim" and not LEADING.fullmatch(words.clause(_first_word(match)))
        )
        if group == "name" and match["last"] is None:
            # What it is to hold comes next.
            start, end = match.span("aside")
        yield _Found(name, UNSURE if passing else AIMED, start, end, said)


_NEGATED = re.compile(r"\b(?:not|never|no|without)\b|n't\b|不|别", _FLAGS)


def _first_word(match: re.Match[str]) -> int:
    """Behind the comma that a match may begin with."""
    return match.end() - len(match[0].lstrip(" ,"))


def _is_target(name: str) -> bool:
    return name.lower() in KNOWN or re.fullmatch(rf"{PREFIXES}[/-].+", name, _FLAGS) is not None


def _rejected(words: Words) -> list[tuple[int, int]]:
    """Branches that are not meant, as in "not on main"; no longer seen."""
    found = []
    for match in words.find(NOT_THAT):
        name = match["name"] or match["zh"]
        if name.lower() in KNOWN or re.fullmatch(rf"{PREFIXES}/.+", name, _FLAGS):
            found.append(match.span())
    for start, end in found:
        words.take(start, end, cut=False)
    return found


def _main(words: Words) -> Iterator[_Found]:
    for match in words.find(ON_MAIN):
        clause = words.clause(match.start())
        elsewhere = MERGING.search(clause) or NOT_THERE.search(clause)
        group = next(name for name in ("name", "off", "zh") if match[name])
        yield _found(words, match, UNSURE if elsewhere else SURE, group)


_READERS: tuple[_Reader, ...] = (
    _labelled,
    _target,
    _reviewed,
    _of_kind,
    _chinese,
    _pull,
    _numbered,
    _version,
    _prefixed,
    _main,
)
_BOXED = re.compile(rf"{PREFIXES}/.+|{'|'.join(sorted(KNOWN))}", _FLAGS)
_FILE = re.compile(
    r"\.(?:py|js|ts|tsx|jsx|go|rs|c|h|cc|java|rb|md|txt|toml|ya?ml|json|sh|css|html)$"
)


def _fits(name: str) -> bool:
    plain = name.lower()
    return bool(QUOTED_NAME.fullmatch(name)) and plain not in NO_NAME and not _FILE.search(plain)


def _is_branchy(name: str, kind: str) -> bool:
    """Whether the name is one that no English word looks like."""
    if name.lower() in KNOWN:
        return True
    return bool(re.search(r"[\d/_.-]", name)) or (kind.lower() in {"commit"} and len(name) >= 7)
