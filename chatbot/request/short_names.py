"""Repositories called by less than their whole name: "the api repo", "api 仓库", "in api"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from chatbot.request.lists import words_of
from chatbot.request.model import Vocabulary
from chatbot.request.sureness import CALLED, LED, STRAY
from chatbot.request.words import END, SPAN, Words

_FLAGS = re.IGNORECASE | re.ASCII
_WORD = r"[A-Za-z0-9](?:[\w.-]{0,100}\w)?"
_NO_NAMES = words_of(
    """
    a an the this that our my your his her their its same whole entire git github gitlab
    mono public private each every any which what some these those current main upstream
    source target local remote new empty in on of for from to and or with is it as at by
    into large big small monolithic open closed existing actual right correct bare own
    team company internal
    """
)
"""Words before "repo" that name none."""
_OTHERS = frozenset(["other", "another", "different", "second", "wrong"])

_BEFORE_REPO = re.compile(
    rf"(?P<lead>(?<![\w-])(?:in|for|of|on|from|to|at|inside|within|into|against)\s+)?"
    rf"(?P<article>(?<![\w-])(?:the|our|my|your)\s+)?"
    rf"(?P<name>{SPAN}|(?<![\w/.@-]){_WORD}(?:[ ]{_WORD}){{0,2}}?)\s+(?P<kind>repo|repository"
    rf"|codebase|project|service|app)(?![\w/-])(?!\s*[:=]\s*\w+/)",
    _FLAGS,
)
_AFTER_REPO = re.compile(
    rf"(?P<lead>(?<![\w-])(?:in|for|of|on|from|to|at|inside|within|into|against)\s+)?"
    rf"(?P<article>(?:the|our|my)\s+)?"
    rf"(?<![\w/-])repo(?:sitory)?(?P<mark>[ \t]*[:=][ \t]*|\s+(?:called\s+"
    rf"|named\s+|is\s+(?=[\w-]+(?:$|[.,;!\n])))?)(?P<name>{SPAN}"
    rf"|{_WORD})(?![\w/])",
    _FLAGS,
)
_CHINESE = re.compile(
    rf"(?:请)?(?P<lead>在|到|对|给|为|从|修复|看看|看一下|看下|检查)?\s*(?P<name>{SPAN}"
    rf"|(?<![\w/.@-]){_WORD})\s*"
    rf"(?:这个|的|那个)?\s*(?P<kind>仓库|代码库|代码仓|仓|项目|库|工程|服务)(?:\s*(?:里面的?"
    rf"|里的?|中的?|内的?|上的?|下的?|的))?"
    rf"|(?:请)?(?P<lead2>在|到|对|给|为)?\s*(?:仓库|代码库)\s*[:：]?\s*(?P<after>{SPAN}"
    rf"|{_WORD})(?![\w/])"
    rf"(?:\s*(?:里面的?|里的?|中的?))?"
    rf"|(?:请)?在\s*(?P<inside>{_WORD})\s*(?:里面|里|中|上)的?",
    _FLAGS,
)
_IN = re.compile(
    rf"(?<![\w-])(?P<lead>in|inside|within|on|for|of|into|to)\s+(?P<name>{SPAN}|{_WORD})(?![\w/])",
    _FLAGS,
)
_DISTINCT = re.compile(r"(?<![\w/.@-])[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)+(?![\w/@(-]|\.\w)", _FLAGS)
_ENDS = re.compile(
    rf"{END}|\s+(?:at|on\s+(?:the\s+)?branch|with|using|please|and|so|where|when|because|is|are|has"
    r"|there)\b",
    _FLAGS,
)
_OTHER = re.compile(r"(?:另一个|另外一个|别的|其他的?|其它的?)\s*(?:仓库|代码库|项目)")
_HEAD = re.compile(
    rf"(?:^|(?<=\n)|(?:^|(?<=\n))(?:hi|hey|hello|大家好|各位好|你好|hi all|hey all"
    rf"|hi team)[,，:：!！]\s?)"
    rf"\s*(?:\[(?P<boxed>{_WORD})\]\s*:?|(?P<name>{_WORD})\s*(?:[:：]\s|：|[—–]|-\s))\s*",
    _FLAGS,
)
_COLON = re.compile(r"\s*(?:[:：,，—–]|-\s)")
_AND_NAME = re.compile(
    rf"\s*(?:,|and|or|&|和|或|与|、)\s*(?:the\s+)?(?P<name>{_WORD})(?![\w/])", _FLAGS
)
_GENERIC = words_of(
    """
    web api app apps docs doc core server client test tests ui frontend backend mobile
    ios android site website data admin auth cli sdk lib infra ops tools common shared
    shop search worker gateway service
    """
)


@dataclass(frozen=True, slots=True)
class Short:
    said: str
    repositories: tuple[str, ...]
    """Those that are called so; none: nobody knows it."""
    tier: int
    """As of `chatbot.request.sureness`."""
    start: int
    end: int
    cut: bool


def find_short_names(words: Words, vocabulary: Vocabulary) -> list[Short]:
    found = [
        *_called(words, vocabulary),
        *_chinese(words, vocabulary),
        *_bare(words, vocabulary),
        *_distinct(words, vocabulary),
    ]
    return sorted([*found, *_joined(found, words, vocabulary)], key=lambda short: short.start)


def _joined(found: list[Short], words: Words, vocabulary: Vocabulary) -> list[Short]:
    """Known names that follow one with "and" between them."""
    more = []
    for short in found:
        at = short.end
        while (match := _AND_NAME.match(words.seen, at)) and (
            known := matching(match["name"], vocabulary)
        ):
            more.append(Short(match["name"], known, short.tier, *match.span("name"), cut=False))
            at = match.end()
    return more


def matching(said: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Known repositories by that name, whatever stands between its words; the very name wins."""
    found = _by_key(vocabulary.repositories).get(_key(said), ())
    plain = said.strip().lower()
    exact = tuple(name for name in found if name.rpartition("/")[2].lower() == plain)
    return exact or found


@lru_cache(maxsize=16)
def _by_key(repositories: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in repositories:
        key = _key(name.rpartition("/")[2])
        found[key] = (*found.get(key, ()), name)
    return found


def _key(name: str) -> str:
    return re.sub(r"[ _.-]+", "-", name.strip().lower())


def _called(words: Words, vocabulary: Vocabulary) -> list[Short]:
    found = []
    for match in words.find(_BEFORE_REPO):
        kind = match["kind"].lower()
        said, start = _longest(words, match, vocabulary)
        known = matching(said, vocabulary)
        plain = said.lower()
        if not known and (kind not in {"repo", "repository"} or "/" in said):
            continue
        if not known and plain in _OTHERS:
            found.append(Short(f"{said} {kind}", (), 5, start, match.end(), cut=False))
            continue
        if not known and (plain in _NO_NAMES or not (match["lead"] or match["article"])):
            continue
        cut = bool(match["lead"]) or (
            not words.seen[: match.start()].strip()
            and _COLON.match(words.seen, match.end()) is not None
        )
        found.append(
            Short(said, known, CALLED, match.start() if cut else start, match.end(), cut=cut)
        )
    for match in words.find(_AFTER_REPO):
        said = words.value(match, "name")
        known = matching(said, vocabulary)
        marked = match["mark"].strip() != "" or match["name"][0] in '`"'
        if (not known and not marked) or "/" in said or said.lower() in _NO_NAMES:
            continue
        found.append(Short(said, known, CALLED, *match.span(), cut=bool(match["lead"]) or marked))
    return found


def _longest(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> tuple[str, int]:
    """Of the words before "repo" as many as a known repository has, else the last."""
    said = words.value(match, "name")
    parts = said.split(" ")
    for first in range(len(parts)):
        name = " ".join(parts[first:])
        if matching(name, vocabulary):
            return name, match.start("name") + len(said) - len(name)
    return parts[-1], match.start("name") + len(said) - len(parts[-1])


def _chinese(words: Words, vocabulary: Vocabulary) -> list[Short]:
    found = [Short(match[0], (), CALLED, *match.span(), cut=False) for match in words.find(_OTHER)]
    for match in words.find(_CHINESE):
        group = next(name for name in ("name", "after", "inside") if match[name])
        said = words.value(match, group)
        known = matching(said, vocabulary)
        called = group == "after" or match["kind"] in {"仓库", "代码库", "代码仓"}
        if "/" in said or (not known and (not called or said.lower() in _NO_NAMES)):
            continue
        lead = match["lead"] or match["lead2"] or ("在" if group == "inside" else "")
        cut = lead in {"在", "到", "对", "给", "为", "从"}
        tier = LED if group == "inside" else CALLED
        found.append(Short(said, known, tier, *match.span(), cut=cut or not lead))
    return found


def _bare(words: Words, vocabulary: Vocabulary) -> list[Short]:
    """A known name alone, where only a repository can stand."""
    found = []
    for match in words.find(_HEAD):
        group = "boxed" if match["boxed"] else "name"
        said = words.value(match, group)
        if known := matching(said, vocabulary):
            found.append(Short(said, known, LED, *match.span(), cut=True))
    for match in words.find(_IN):
        said = words.value(match, "name")
        known = matching(said, vocabulary)
        if not known or not _is_spelt(said, known):
            continue
        sure = said.lower() not in _GENERIC or (
            match["lead"].lower() in {"in", "inside", "within"}
            and _ENDS.match(words.seen, match.end()) is not None
        )
        if not sure or (vocabulary.default and said.isalpha()):
            # "docs for web" is as likely about the web; "in checkout" about a part of the default.
            found.append(Short(said, known, STRAY, *match.span(), cut=False))
            continue
        found.append(Short(said, known, LED, *match.span(), cut=True))
    return found


def _distinct(words: Words, vocabulary: Vocabulary) -> list[Short]:
    """Known names that are no words of any language, wherever they stand: they may be meant."""
    found = []
    for match in words.find(_DISTINCT):
        known = matching(match[0], vocabulary)
        if known and _is_spelt(match[0], known):
            found.append(Short(match[0], known, STRAY, *match.span(), cut=False))
    return found


def _is_spelt(said: str, known: tuple[str, ...]) -> bool:
    """Letter for letter: "in API" speaks of an interface, "in api" of the repository."""
    return any(name.rpartition("/")[2] == said for name in known)
