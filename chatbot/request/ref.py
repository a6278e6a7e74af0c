"""Where the work begins: a branch, a tag, a commit or a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatbot.request.lists import words_of
from chatbot.request.mode import acts_of
from chatbot.request.words import END, MARKS, SPAN, TAKEN, Words

_FLAGS = re.IGNORECASE | re.ASCII
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,200}[A-Za-z0-9_])?"
_TO = (
    r"(?:(?:start(?:ing)?|begin|branch(?:ing)?|base[ds]?|work(?:ing)?)(?:\s+(?:it|this))?"
    r"\s+(?:on|off(?:\s+of)?|from)|on|at|from|in|against|off(?:\s+of)?|of|check\s*out"
    r"|switch\s+to|use|take)"
)
_KIND = r"(?:branch|tag|commit|ref|revision|release)"
_PREFIXES = (
    r"(?:feature|feat|fix|bugfix|hotfix|release|releases|chore|dependabot|renovate|refactor|docs"
    r"|users?|dev|experiment|spike|wip|threadsmith|topic|task|improvement)"
)
_NO_NAME = words_of(
    """
    pls plz thx thanks asap pr
    a an the this that my our your new same separate different another own other default
    current fresh single each every feature release which what any some these those
    wrong right correct base target head local remote upstream stale old merged and or
    for with to in on of is are it protection protections coverage name names naming
    prediction predictor deletion policy policies rule rules creation switching filter
    list selector point office offices manager cleanup cutting level logic cache message
    messages hash hashes hook hooks history id ids notes note page date statement
    statements instruction number numbers version versions where when if as so then from
    please but instead only also without not main-like long-lived protected working
    """
)
_KNOWN = words_of(
    """
    main master develop development dev staging production prod trunk next stable beta
    canary edge nightly qa preview integration
    """
)
_VERSION = r"v?\d+\.\d+(?:\.\d+)*(?:[.-]?(?:rc|alpha|beta|dev|post)[\w.]*)?|v\d+"
_SHA = r"(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,40}"
_QUOTED_NAME = re.compile(NAME, re.ASCII)
_NEXT = (
    rf"(?:{END}|(?=\s*[\u2e80-\uffff])|(?=\s+(?:in|for|of|and|with|please|using|then|but|fix|add|to"
    r"|instead|via|by|where|because|so|since|again|now|today|after|when|every|branch|do|make|run"
    r"|try|use|open|as)\b))"
)

_AFTER_KIND = re.compile(
    rf"(?P<cut>,?\s*\b{_TO}\s+(?:the\s+)?(?:git\s+)?(?P<kind>{_KIND})(?:\s+(?:called"
    rf"|named))?\s*:?\s*"
    rf"(?P<name>{SPAN}|{NAME}))",
    _FLAGS,
)
_BEFORE_KIND = re.compile(
    rf"(?P<cut>\b(?:{_TO}|to|onto)\s+(?:the\s+|our\s+)?(?P<name>{SPAN}|{NAME})\s+(?:git\s+)?"
    rf"(?P<kind>branch|tag|ref)(?![\w-]))",
    _FLAGS,
)
_LABELLED = re.compile(
    rf"(?P<cut>(?<![\w-])(?:--)?(?:base[ -]?branch|branch|ref|tag"
    rf"|base)[ \t]*[:=][ \t]*(?P<name>{SPAN}"
    rf"|{NAME})"
    rf"|(?<!\S)--(?:branch|ref|base)\s+(?P<flagged>{NAME})"
    rf"|(?:(?<=[,(;] )|(?<=[,(;\n])|^)(?:branch|ref|tag)\s+(?P<bare>{NAME})(?:{END}"
    rf"|(?=\s+please\b))"
    rf"|(?<=[\w.-] )branch\s+(?P<behind>{NAME}){END}"
    rf"|(?<=[\w.-])\s?[(（](?:branch\s+)?(?P<paren>{NAME})(?:\s*分支|\s+branch)?[)）])",
    _FLAGS,
)
_AT_VERSION = re.compile(
    rf"(?P<cut>,?\s*(?<![\w-])(?:at|from|@|on)\s+(?:(?:the\s+)?(?:tag|release|version)\s+)?"
    rf"(?P<name>{SPAN}|{_VERSION}|{_SHA}))(?![\w/-]|\.\d)",
    _FLAGS,
)
_PREFIXED = re.compile(
    rf"(?P<cut>(?<![\w-])(?:(?:start|begin|branch|base)(?:\s+it)?\s+(?=on|off|from))?(?:on|from"
    rf"|off(?:\s+of)?|against|continue(?:\s+on)?)\s+(?P<name>{SPAN}"
    rf"|{_PREFIXES}/{NAME}))(?![\w/])",
    _FLAGS,
)
_ON_MAIN = re.compile(
    rf"(?P<cut>(?<![\w-])(?:(?:start|begin|branch|base)(?:\s+it)?\s+(?=on|off|from))?(?:on|from"
    rf"|off(?:\s+of)?|against)\s+(?P<name>main|master|develop|trunk)){_NEXT}"
    rf"|(?P<zh_cut>(?:在|基于|从)[ \t]*(?P<zh>main|master|develop|dev"
    rf"|trunk)(?![\w./-])[ \t]*(?:上面?|开始)?)",
    _FLAGS,
)
_PULL = re.compile(
    r"(?P<lead>(?:(?<![\w-])(?:on|at|from|of|in|for|review|check|checkout|check\s+out|update"
    r"|continue"
    r"(?:\s+with|\s+on)?|finish|rework|rebase|fix(?:\s+up)?|polish|explain|summari[sz]e|into"
    r"|look\s+at|over|pick\s+up|take\s+(?:over|up)|resume|unblock|get|bring|test|extend|improve"
    r"|refactor|split|simplify"
    r"|document|clean\s+up|address|push\s+to)\s+"
    r"(?:the\s+)?(?:code\s+(?:in|of)\s+)?(?:tests?\s+(?:in|of|on)\s+)?|^\s*|(?:在|看|看下|看看"
    r"|审查|评审"
    r"|检查|基于|修复|解释|总结|给|为|对|review)\s*(?:一下|下)?\s*)?)"
    r"(?<![\w/-])(?:PR|pull[ -]?request|MR|merge[ -]?request|拉取请求|合并请求)\s*(?:\#|!|no\.?\s*"
    r"|number\s+)?\s*(?P<number>\d{1,6})(?!\w|\.\d)"
    r"(?P<tail>\s*(?:上|里|中|的分支|分支))?",
    _FLAGS,
)
_CALLED_PULL = re.compile(r"\s*(?:这个|的)?\s*(?:PR|MR|pull\s+request)(?!\w)", _FLAGS)
_NUMBER = re.compile(r"(?<!&)\#(?P<number>\d{1,6})(?!\w|\.\d)")
_NOT_THERE = re.compile(
    r"\b(?:revert|introduced|since|like|as|similar|caused|broken|broke|after|before|backport"
    r"|cherry[ -]?pick"
    r"|merged?|follow[ -]?up|same|unlike|closed|undo|regress\w*|duplicates?|supersed\w*|came)\b"
    r"|引入|回滚|还原|同步|移植|类似|参考|之后|以前|导致|像|撤销",
    _FLAGS,
)
_CAUSED = re.compile(
    r"\s*(?:引入|导致|造成|带来|合(?:并(?!冲突)|进|入)|上线|之后|以后|introduced|broke|caused"
    r"|added)",
    _FLAGS,
)
_MERGING = re.compile(
    r"\b(?:merge\w*|rebas\w*|pull\w*|sync\w*|cherry[ -]?pick\w*|diff\w*|compar\w*|differ\w*"
    r"|upgrad\w*|migrat\w*|mov\w*"
    r"|bump\w*|port\w*|updat\w*|regress\w*)\b|合并|变基|同步|升级|迁移|对比",
    _FLAGS,
)

_ZH_FROM = r"(?:在|基于|从|到|切到|切换到|针对|用|对|拉取|检出)"
_ZH_KIND = r"(?:分支|标签|版本|提交|(?<![A-Za-z])(?:tag|branch|commit)(?![A-Za-z]))"
_ZH_THERE = r"(?:[ \t]*(?:上面|之上|上|里|中|来|开始|出发)的?)?"
_ZH = re.compile(
    rf"(?P<cut>{_ZH_FROM}[ \t]*{_ZH_KIND}[ \t]*(?P<a>{SPAN}|{NAME})"
    rf"(?:[ \t]*(?:分支|标签))?{_ZH_THERE}"
    rf"|{_ZH_FROM}[ \t]*(?P<b>{SPAN}|{NAME})[ \t]*(?:这个|这条)?[ \t]*{_ZH_KIND}{_ZH_THERE}"
    rf"|(?:分支|标签)[ \t]*[:：=]?[ \t]*(?P<c>{SPAN}|{NAME}){_ZH_THERE}"
    rf"|提交[ \t]*[:：=]?[ \t]*(?P<f>{_SHA})(?![\w.-]){_ZH_THERE}"
    rf"|(?<![\w./-])(?P<d>{SPAN}|{NAME})[ \t]*分支(?![ \t]*[:：]?[ \t]*[A-Za-z0-9`]){_ZH_THERE}"
    rf"|(?<![\w./-])(?P<g>{_VERSION})[ \t]*(?:标签|tag(?![A-Za-z])){_ZH_THERE}"
    rf"|基于[ \t]*(?P<e>{_VERSION}|{_SHA}|{_PREFIXES}/{NAME})(?![\w.-]))",
    _FLAGS,
)
_NEW_BRANCH = re.compile(
    rf"(?<!\w)(?:new|separate|fresh|another|different)\s+branch(?:\s+(?:called|named)?\s*"
    rf"(?P<name>{SPAN}|{NAME}))?|(?:新建?|另一个|另开)(?:一个|个)?分支",
    _FLAGS,
)
_DEFAULT = re.compile(
    r"\s*\b(?:on|from|at|off)\s+(?:the\s+)?default\s+branch\b|(?:在|基于|从)\s*默认分支\s*(?:上"
    r"|里)?",
    _FLAGS,
)
_ELSEWHERE = re.compile(
    r"\b(?:not|never|isn't|doesn't|don't|except|works?|worked|fine|ok|passes|green|should|must"
    r"|whenever"
    r"|if)\b|\b(?:only\s+)?(?:runs?|builds?|deploys?|triggers?|triggered|happens\s+only)\s*$"
    r"|(?:不是|不在|没问题|正常)",
    _FLAGS,
)
_WAS_FINE = re.compile(
    r"\b(?:passe[ds]|worked|works|(?:is|was)\s+(?:fine|ok|green))\b|没问题|正常|是好的", _FLAGS
)
_LEADING = re.compile(
    rf"(?:{MARKS}|{TAKEN}|{NAME}/{NAME}|`|please\b|hi\b|hey\b|in\b|the\b|of\b|repo\b|so\b|and\b"
    rf"|请|在|的|里|仓库|中|对|给)*",
    _FLAGS,
)
_BEHIND = re.compile(rf"(?<![\w/.-])(?!{_PREFIXES}/){NAME}/{NAME}\s*$|{TAKEN}\s*$", _FLAGS)
_MOVED = re.compile(r"\s+(?:to|into|onto)\b|\s*(?:→|->)", _FLAGS)
_LEFT = re.compile(
    rf"(?<![\w./-])(?:(?:hot)?fix\s+(?:for|on|in)\s+(?:{_VERSION})(?![\w.-])|(?:feature|feat|fix"
    rf"|bugfix|hotfix|release|releases|chore)/{NAME}(?![\w/])"
    rf"|(?:on|from|off|onto|into|against|to)\s+(?:main|master|develop|trunk)(?![\w/.-])"
    rf"|到[ \t]*(?:main|master|develop|trunk)(?![\w/.-])|(?:on"
    rf"|of)\s+(?:top\s+of\s+)?\#\d{{1,6}}(?!\w)|commit\s+{_SHA}(?!\w)|(?:base"
    rf"|target)\s+branch(?:\s+is|\s*[:=])?\s+{NAME}|(?:the|our|my)\s+{NAME}\s+branch(?!\w))",
    _FLAGS,
)
_SOME_BRANCH = re.compile(
    r"(?<!\w)(?:on|from|in|against|off|at)\s+(?P<said>(?:a|my|your|that|the|this|his|her|their"
    r"|our|\w+'s)\s+(?:[\w./-]+\s+){0,2}branch)(?![\w-])"
    r"|(?:在|基于|从)(?P<zh>我的|那个|这个|他的|她的|另一个)\s*分支",
    _FLAGS,
)


LABELLED, SURE, UNSURE = range(3)
"""Said by its name, as in "branch: dev" · where the work is to begin · perhaps only spoken of."""


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
    if match := next(words.find(_DEFAULT), None):
        words.take(*match.span())
    for match in words.find(_NEW_BRANCH):
        # The change's own branch is made by the house; it is no place to begin.
        unsure.append(words.text[match.start() : match.end()])
        words.take(*match.span(), cut=False)
    found: list[_Found] = []
    for reader in _READERS:
        for one in reader(words):
            if not any(one.start < other.end and other.start < one.end for other in found):
                found.append(one)
    found.sort(key=lambda one: one.start)
    unsure += [one.said for one in found if one.level == UNSURE]
    for level in (LABELLED, SURE):
        named = [one for one in found if one.level == level]
        if len({one.name for one in named}) > 1:
            # Only the person knows which of them.
            unsure += [one.said for one in named]
            return None
        if named:
            for one in named:
                words.take(one.start, one.end, cut=not one.keep)
            return named[0].name
    unsure += [words.text[match.start() : match.end()] for match in words.find(_SOME_BRANCH)]
    if not found:
        unsure += [words.text[match.start() : match.end()] for match in words.find(_LEFT)]
    return None


def _found(words: Words, match: re.Match[str], level: int, group: str = "name") -> _Found:
    start, end = match.span("zh_cut" if group == "zh" else "cut")
    said = words.text[match.start() : match.end()].strip(" ,")
    keep = False
    if level == SURE:
        level, keep = _weighed(words, start, end)
    return _Found(words.value(match, group), level, start, end, said, keep)


def _weighed(words: Words, start: int, end: int) -> tuple[int, bool]:
    """What is told of a branch says where something is wrong, or where it is not."""
    before = words.clause(start)
    behind = re.split(r"[.,;!?\n，。；]", words.seen[end : end + 80], maxsplit=1)[0]
    if _ELSEWHERE.search(before) or _MOVED.match(words.seen, end) or _WAS_FINE.search(behind):
        return UNSURE, True
    sentence, at = words.sentence(start), start - words.sentence_start(start)
    opens = _LEADING.fullmatch(sentence[:at]) is not None
    if opens or acts_of(sentence) & {"work", "answer", "review", "look"}:
        return SURE, False
    rest = sentence[:at] + sentence[at + end - start :]
    return SURE, len(re.findall(r"\w+", rest)) > _FEW


_FEW = 3


def _labelled(words: Words) -> Iterator[_Found]:
    for match in words.find(_LABELLED):
        group = next(name for name in ("name", "flagged", "bare", "behind", "paren") if match[name])
        if group in {"behind", "paren"} and not _BEHIND.search(words.near(match.start())):
            continue
        if group == "paren" and not _is_branchy(match["paren"], "branch"):
            continue
        branchy = _is_branchy(match[group], "branch")
        whole = match[group][0] in '`"“「' or re.match(END, words.seen[match.end() :])
        if group == "name" and not branchy and not whole:
            # "branch: add a command that lists them".
            continue
        if _fits(words.value(match, group)):
            yield _found(words, match, LABELLED, group)


def _of_kind(words: Words) -> Iterator[_Found]:
    for pattern in (_BEFORE_KIND, _AFTER_KIND):
        for match in words.find(pattern):
            name = words.value(match, "name")
            if not _fits(name):
                continue
            quoted = match["name"][0] in '`"“「'
            sure = quoted or _is_branchy(name, match["kind"])
            if pattern is _AFTER_KIND and not sure:
                sure = re.match(_NEXT, words.seen[match.end() :]) is not None
            clause = words.clause(match.start())
            if pattern is _BEFORE_KIND and re.match(r"\s*(?:to|onto)\b", match[0], re.IGNORECASE):
                sure = (
                    sure and re.search(r"\b(?:switch|checkout|check\s+out)\b", clause) is not None
                )
            merging = _MERGING.search(clause) is not None
            yield _found(words, match, SURE if sure and not merging else UNSURE)


def _chinese(words: Words) -> Iterator[_Found]:
    for match in words.find(_ZH):
        group = next(name for name in "abcdefg" if match[name])
        if not _fits(words.value(match, group)):
            continue
        merging = _MERGING.search(words.clause(match.start())) or re.match(
            r"\s*(?:保护|名|策略|合并|管理|预测|切换|列表)", words.seen[match.end() :]
        )
        yield _found(words, match, UNSURE if merging else SURE, group)


def _pull(words: Words) -> Iterator[_Found]:
    for match in words.find(_PULL):
        lead = (match["lead"] or "").strip()
        before = words.clause(match.start("number")) + lead
        opens = not re.search(r"\w", words.seen[: match.start()]) and not lead
        reviewed = "review" in acts_of(words.clause(match.end()))
        there = lead or opens or match["tail"] or reviewed
        passing = bool(_NOT_THERE.search(before) or _CAUSED.match(words.seen, match.end()))
        said = words.text[match.end("lead") : match.end()].strip()
        others = {one["number"] for one in words.find(_NUMBER)} - {match["number"]}
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
    for match in words.find(_NUMBER):
        called = re.match(
            r"\s*(?:这个|的)?\s*(?:PR|MR|pull\s+request)", words.seen[match.end() :], _FLAGS
        )
        clause = words.clause(match.end())
        if called or "review" in acts_of(clause):
            ref = f"refs/pull/{match['number']}/head"
            passing = _NOT_THERE.search(clause) or _CAUSED.match(words.seen, match.end())
            level = UNSURE if passing else SURE
            yield _Found(ref, level, *match.span(), match[0], keep=True)


def _version(words: Words) -> Iterator[_Found]:
    for match in words.find(_AT_VERSION):
        name = words.value(match, "name")
        lead = match[0].strip(" ,").lower()
        sha = re.fullmatch(_SHA, name, _FLAGS) is not None
        version = re.fullmatch(_VERSION, name, _FLAGS) is not None
        after = words.seen[match.end() :]
        clause = words.clause(match.start())
        if not (sha or (version and (name.lower().startswith("v") or "tag" in lead))):
            continue
        moves = re.match(r"\s*(?:to|→|->|till|until|through|onwards?)\b", after)
        of_another = re.match(r"\s+of\s+(?!(?:the\s+)?(?:repo|[\w-]+/))", after)
        if moves or (lead.startswith("on ") and not sha and not re.match(END, after)):
            continue
        elsewhere = of_another or _MERGING.search(clause) or _NOT_THERE.search(clause)
        yield _found(words, match, UNSURE if elsewhere else SURE)


def _prefixed(words: Words) -> Iterator[_Found]:
    for match in words.find(_PREFIXED):
        name = words.value(match, "name")
        if re.fullmatch(rf"{_PREFIXES}/{NAME}", name, _FLAGS) and not _FILE.search(name):
            merging = _MERGING.search(words.clause(match.start()))
            yield _found(words, match, UNSURE if merging else SURE)


def _main(words: Words) -> Iterator[_Found]:
    for match in words.find(_ON_MAIN):
        clause = words.clause(match.start())
        elsewhere = _MERGING.search(clause) or _NOT_THERE.search(clause)
        group = "zh" if match["zh"] else "name"
        yield _found(words, match, UNSURE if elsewhere else SURE, group)


_READERS: tuple[_Reader, ...] = (
    _labelled,
    _of_kind,
    _chinese,
    _pull,
    _numbered,
    _version,
    _prefixed,
    _main,
)
_FILE = re.compile(
    r"\.(?:py|js|ts|tsx|jsx|go|rs|c|h|cc|java|rb|md|txt|toml|ya?ml|json|sh|css|html)$"
)


def _fits(name: str) -> bool:
    plain = name.lower()
    return bool(_QUOTED_NAME.fullmatch(name)) and plain not in _NO_NAME and not _FILE.search(plain)


def _is_branchy(name: str, kind: str) -> bool:
    """Whether the name is one that no English word looks like."""
    if name.lower() in _KNOWN:
        return True
    return bool(re.search(r"[\d/_.-]", name)) or (kind.lower() in {"commit"} and len(name) >= 7)
