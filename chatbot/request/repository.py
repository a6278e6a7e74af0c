"""Which repository the words name; what only may be one is kept apart, to be asked about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chatbot.request import shapes
from chatbot.request.model import Vocabulary
from chatbot.request.short_names import find_short_names
from chatbot.request.sureness import CALLED, COMPARED, LABELLED, LED, LINKED, LOOSE, ORIGIN, STRAY
from chatbot.request.words import MARKS, QUOTED, SPAN, TAKEN, Words

_FLAGS = re.IGNORECASE | re.ASCII
_OWNER_NAME = (
    r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?/[A-Za-z0-9_.](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?"
)
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
    rf"|(?<![\w./@:~$%#+\\={{<-])(?P<name>{_OWNER_NAME})(?:@(?P<at>{_REF_NAME})"
    rf"|\#(?P<number>\d+))?(?![\w/\\(=+*])"
    rf"|(?P<span>{SPAN})",
    _FLAGS,
)
_REPO = r"(?:repo|repository|仓库|代码库)"
_ADDRESS = r"(?:the\s+|our\s+|my\s+|your\s+)?(?:whole\s+|entire\s+)?(?:github\s+|gitlab\s+|git\s+)?"
_SURE = re.compile(
    r"(?:(?<![\w-])repo(?:sitory)?|仓库|代码库)\s*(?:[:：=]|is|是|called|named)?\s*$|--repo[ =]$",
    _FLAGS,
)
_LABEL = re.compile(
    r"(?:(?<![\w-])repo(?:sitory)?|仓库|代码库)\s*(?:[:：=]|is|是)\s*$|--repo[ =]$", _FLAGS
)
_ORIGIN = re.compile(rf"(?:^|(?<=[^\w-]))(?:from|using|with|by)\s+{_ADDRESS}$|从\s*$", _FLAGS)
_STRONG = re.compile(
    rf"(?:^|(?<=[^\w-]))(?:in|on|inside|within|into|under|at)\s+{_ADDRESS}$|(?:在|到|于|进)\s*$",
    _FLAGS,
)
_WEAK = re.compile(
    rf"(?:^|(?<=[^\w-]))(?:for|of|from|to|against|using|with)\s+{_ADDRESS}$|(?:给|为|对|把|从|将|修"
    rf"|修复)\s*$",
    _FLAGS,
)
_LOOKED_AT = re.compile(
    r"(?:^|(?<=[^\w-]))(?:look\s+(?:at|into)|check(?:\s+out)?|clone|open|review|audit|work\s+"
    r"(?:on|in)|explain|understand"
    r"|summari[sz]e|describe|document|test|improve|refactor|fix|update|see\s+what)\s+"
    rf"{_ADDRESS}$|(?:看看|看一下|看下|看|审查|评审|检查|解释|介绍|打开|克隆|分析"
    r"|总结|概述|优化|重构|改进|完善|测试|让|使|整理|更新|梳理|部署)\s*(?:一下|下)?\s*$",
    _FLAGS,
)
_REFERENCE = re.compile(
    r"(?:^|(?<=[^\w-]))(?:like|as|than|unlike|because|since|while|whereas|similar\s+to|same\s+as"
    r"|as\s+in|like\s+in|see|cf\.?"
    r"|inspired\s+by|based\s+on"
    r"|copied\s+from|ported\s+from|port(?:ed)?\s+from|borrowed\s+from|compared?\s+(?:to|with)"
    r"|instead\s+of|fork\s+of|forked\s+from|upgrade|bump|install|import|use|uses"
    r"|depends\s+on|dependency\s+on|require|via|same\s+way\s+as|way\s+(?:it\s+is\s+done\s+)?in"
    r"|done\s+in|from\s+upstream|following|vs\.?|versus)\s+"
    rf"{_ADDRESS}$|(?:像|参考|类似|参照|照着|仿照|升级|对比|比)\s*$",
    _FLAGS,
)
_ALIKE = re.compile(
    r"\b(?:like|as|than|similar\s+to|as\s+in)\s+$|(?:像|参考|类似|参照)\s*$", _FLAGS
)
_PASSING = re.compile(
    r"\b(?:background|context|related|see\s+also|references?|similar|examples?|inspir\w+"
    r"|upstream|docs?|spec|design"
    r"|duplicate|fyi|cf|blocked|caused?|because|same|compare|copied|ported|discuss\w+)\b"
    r"|背景|参考|相关|类似|设计",
    _FLAGS,
)
_FOR_CONTEXT = re.compile(
    r"\s*(?:for|as)\s+(?:\w+\s+)?(?:context|background|reference|details|inspiration|examples?)\b",
    _FLAGS,
)
_TAKEN_AWAY = re.compile(
    r"\b(?:remov\w*|delet\w*|drop\w*|strip\w*|clean\w*|clear\w*|purge|删\w*|去掉|移除)", _FLAGS
)
_OF_THE_CODE = re.compile(
    r"[`\"]?\s+(?:handling|logic|paths?|pairs?|toggles?|flows?|methods?|functions?|tests?|split"
    r"|ratio"
    r"|buttons?|modes?|switch|events?|operations?|calls?|semantics|transitions?|components?|types?"
    r"|states?|values?|options?|fields?|directory|folder|dir|files?|imports?|races?|support)\b",
    _FLAGS,
)
_WORK_IN = re.compile(r"\bwork\s+(?:in|on)\s+$", _FLAGS)
_TO_THE_NEXT = re.compile(rf"[`\"]?\s+to\s+(?![`\"]?{_OWNER_NAME}(?![\w/]))", _FLAGS)
_SAYS = re.compile(
    r"\s+(?:is|are|has|have|does|do|doesn't|was|were|will|can|can't|cannot|fails?|crash(?:es)?"
    r"|returns?"
    r"|needs?|should|must|keeps?|gets?|still|shows?|times|takes?|calls?|throws?|sends?|logs|uses"
    r"|loads|hangs|leaks?|gives|reports|starts|stops|breaks|ignores"
    r"|drops|loses|expects|accepts|rejects|prints|writes|reads|depends|renders|runs|works|seems"
    r"|looks|says|won't|didn't|isn't)\b|'s\b",
    _FLAGS,
)
_AFTER_SURE = re.compile(
    r"[`\"”」]?\s*(?:'s\s+)?(?:repo(?:sitory)?(?![\w-])|仓库|代码库|项目)", _FLAGS
)
_AFTER_STRONG = re.compile(r"[`\"”」]?\s*(?:里面|里|中|内|上|下的|的)", _FLAGS)
_OPENS = re.compile(
    rf"(?:{MARKS}|{TAKEN})*(?:(?:please|hey|hi|hello|ok|so|请|请在|麻烦|帮忙|帮我"
    rf"|你好)(?:{MARKS}|{TAKEN})*)*",
    _FLAGS,
)
_LEAD_CUT = re.compile(
    rf"(?:(?:^|(?<=[^\w-]))(?:please\s+)?(?:in|on|inside|within|into|under|at|for|of|from|to"
    rf"|against)\s+{_ADDRESS}(?:repo(?:sitory)?\s*(?:called|named|:)?\s*)?"
    rf"|(?<![\w-])(?:the\s+)?repo(?:sitory)?\s*(?:[:：=]|is\b)?\s*|--repo[ =]"
    rf"|(?:请)?(?:在|到|于|给|为|对)?\s*(?:仓库|代码库)\s*(?:[:：]|是|为|叫)?\s*|(?:请)?(?:在|到"
    rf"|于|给|为|对)\s*)$",
    _FLAGS,
)
_TAIL_CUT = re.compile(
    r"[`\"”」]?(?:\s*(?:repo(?:sitory)?(?![\w-])|仓库|代码库|项目))?(?:\s*(?:里面的?|里的?|中的?"
    r"|内的?|上的?|的))?",
    _FLAGS,
)
_AND = re.compile(
    r"[\s`\"]*(?:,|、|，|/|&|\+|and|or|和|或者?|与|跟|及|以及|还有|and\s+also)[\s`\"]*", _FLAGS
)
_AT_HEAD = re.compile(r"\s*(?:[:：,，—–-]|$|\n)")
_SUBJECT = re.compile(r"(?:[.!?,:;，。；：！？]|^|\n)\s*$")
_IS_WIDE = re.compile(r"\s*[\u2e80-\uffff]")
_ASIDE = re.compile(r"(?:[,，;(（]|^|\n)\s*$")


@dataclass(frozen=True, slots=True)
class Named:
    """What the words say about the repository."""

    repository: str | None = None
    ref: str | None = None
    candidates: tuple[str, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class _Mention:
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


def read_repository(words: Words, vocabulary: Vocabulary) -> Named:
    found = [_mention(words, match, vocabulary) for match in words.find(_MENTIONED)]
    mentions = _joined(words, [mention for mention in found if mention is not None])
    shorts = find_short_names(words, vocabulary)
    for short in shorts:
        if len(short.repositories) != 1:
            continue
        mentions.append(
            _Mention(short.repositories[0], short.tier, short.start, short.end, None, not short.cut)
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
    if len(names) > 1 or _is_doubtful(chosen[0], best, vocabulary):
        return Named(candidates=tuple(dict.fromkeys(mention.name for mention in chosen)))
    first = chosen[0]
    for mention in mentions:
        if mention.name.lower() == names[0] and mention.tier >= LINKED:
            words.take(mention.start, mention.end, cut=not mention.keep)
    ref = next((mention.ref for mention in chosen if mention.ref), None)
    return Named(repository=first.name, ref=ref)


def _unlikely(mentions: list[_Mention], vocabulary: Vocabulary) -> tuple[str, ...]:
    """What may be a repository all the same, where nothing says so."""
    stray = [m for m in mentions if m.tier == STRAY]
    if vocabulary.has_default:
        stray = [
            m for m in stray if not m.folder and (_known(m.name, vocabulary) or _is_odd(m.name))
        ]
    if not all(m.folder for m in stray):
        stray = [m for m in stray if not m.folder]
    return tuple(dict.fromkeys(m.name for m in stray))


def _is_near(rival: _Mention, chosen: list[_Mention], vocabulary: Vocabulary) -> bool:
    """Whether it is one of those that are worked on here, rather than a package's name."""
    owners = {_owner(one.name) for one in chosen} | {_owner(n) for n in vocabulary.repositories}
    return _owner(rival.name) in owners


def _is_doubtful(mention: _Mention, tier: int, vocabulary: Vocabulary) -> bool:
    """Where the place has a repository of its own, a stranger's name may be a folder's."""
    if tier == ORIGIN:
        return True
    if not vocabulary.has_default or tier not in {LOOSE, LED} or mention.linked:
        return False
    if _known(mention.name, vocabulary):
        return False
    owners = {_owner(name) for name in vocabulary.repositories}
    return tier == LOOSE or (mention.ref is None and _owner(mention.name) not in owners)


def _owner(name: str) -> str:
    return name.partition("/")[0].lower()


def _joined(words: Words, mentions: list[_Mention]) -> list[_Mention]:
    """What is joined to another by "and" or "or" is meant as surely as that."""
    joined: list[_Mention] = []
    for mention in sorted(mentions, key=lambda mention: mention.start):
        if joined and mention.tier < joined[-1].tier:
            between = words.seen[joined[-1].end : mention.start]
            if _AND.fullmatch(between):
                mention = replace(mention, tier=joined[-1].tier)
        joined.append(mention)
    return joined


def _is_odd(name: str) -> bool:
    """More a name than two words with a slash between them."""
    return re.search(r"[\d_.-]|[A-Z]", name) is not None


def _mention(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> _Mention | None:
    before = words.near(match.start())
    if match["span"]:
        return _spanned(words, match, vocabulary)
    if match["url"] or match["hosted"]:
        return _address(words, match, vocabulary)
    name = match["name"]
    owner, _, tail = name.partition("/")
    known = _known(name, vocabulary)
    after = words.seen[match.end("name") :]
    called = _SURE.search(before) is not None or _AFTER_SURE.match(after) is not None
    tier = _tier(words, match.start(), match.end(), known=known is not None)
    if known is None and not called:
        if shapes.is_pair(owner, tail):
            return None
        if shapes.is_path(owner, tail):
            if tier != LED or not shapes.may_be_repository(owner, tail):
                return None
            return _Mention(name, STRAY, match.start(), match.end(), None, keep=True, folder=True)
    if match["number"]:
        tier = max(tier, LED) if tier else COMPARED
        keep = True
    else:
        keep = not _can_cut(before, words.seen[match.end() :], tier)
    if match["at"] and re.fullmatch(r"v?\d+", match["at"]) and tier < LOOSE:
        # A dependency: actions/checkout@v4.
        tier = COMPARED
    start, end = _extent(words, match.start(), match.end(), keep=keep)
    return _Mention(known or name, tier, start, end, match["at"], keep)


def _spanned(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> _Mention | None:
    """A repository's name in quotes counts where something leads to it."""
    inner = words.value(match, "span")
    form = re.fullmatch(rf"(?P<name>{_OWNER_NAME})(?:@(?P<at>{_REF_NAME}))?", inner, _FLAGS)
    if form is None:
        page = shapes.read_page(inner, vocabulary.forge_url) if "://" in inner else None
        if page is None or page.kind:
            return None
        name, at = page.repository, None
    else:
        name, at = form["name"], form["at"]
        owner, _, tail = name.partition("/")
    known = _known(name, vocabulary)
    before = words.near(match.start())
    after = words.seen[match.end() :]
    called = _SURE.search(before) is not None or _AFTER_SURE.match(after) is not None
    odd = form is not None and (shapes.is_pair(owner, tail) or shapes.is_path(owner, tail))
    if odd and known is None and not called:
        return None
    tier = _tier(words, match.start(), match.end(), known=known is not None)
    if tier < LOOSE:
        return None
    keep = not _can_cut(before, after, tier)
    start, end = _extent(words, match.start(), match.end(), keep=keep)
    return _Mention(known or name, tier, start, end, at, keep)


def _address(words: Words, match: re.Match[str], vocabulary: Vocabulary) -> _Mention | None:
    before = words.near(match.start())
    group = "url" if match["url"] else "hosted"
    raw = words.value(match, group).rstrip(".,:;!?")
    end = match.start() + len(raw)
    url = raw if match["url"] else f"https://{raw.removeprefix('www.')}"
    page = shapes.read_page(url, vocabulary.forge_url)
    if page is None:
        # A stranger's host: only what is plainly called a repository is one.
        called = _SURE.search(before) or re.search(r"\bclone\s+$", before, _FLAGS)
        if not re.fullmatch(r"https?://[^/]+/[^/]+/[^/?#]+/?", url):
            return None
        if not called and not (_STRONG.search(before) and shapes.may_be_forge(url)):
            return None
        tier = CALLED if called else STRAY
        start, end = _extent(words, match.start(), end, keep=False)
        return _Mention(url.rstrip("/"), tier, start, end, None, keep=False)
    passing = _PASSING.search(words.clause(match.start())) or _FOR_CONTEXT.match(words.seen, end)
    spoken_of = page.kind in {"issues", "pull", "commit"} and not _ALIKE.search(before)
    if _REFERENCE.search(before) and not spoken_of:
        tier = COMPARED
    elif passing and page.kind:
        tier = STRAY
    elif match["hosted"] and not (
        _STRONG.search(before) or _SURE.search(before) or not before.strip()
    ):
        # It may be an import path.
        tier = STRAY
    elif page.kind not in {"", "tree"}:
        # It is spoken of, and says in passing which repository is meant.
        tier = LINKED
    else:
        tier = CALLED if _STRONG.search(before) or _SURE.search(before) else LED
    keep = page.kind not in {"", "tree"} or tier < LINKED
    name = _known(page.repository, vocabulary) or page.repository
    start, end = _extent(words, match.start(), end, keep=keep)
    return _Mention(name, tier, start, end, page.ref, keep, linked=True)


def _known(name: str, vocabulary: Vocabulary) -> str | None:
    """As it is written where it is known."""
    return next((one for one in vocabulary.repositories if one.lower() == name.lower()), None)


def _tier(words: Words, start: int, end: int, *, known: bool) -> int:
    before, after = words.near(start), words.seen[end:]
    before = before.rstrip('`"“「') if before.endswith(("`", '"', "“", "「")) else before
    if _REFERENCE.search(before):
        return COMPARED
    if _LABEL.search(before):
        return LABELLED
    if _SURE.search(before) or _AFTER_SURE.match(after):
        return CALLED
    if not known and _OF_THE_CODE.match(after):
        return STRAY
    if _LOOKED_AT.search(before) and not _WORK_IN.search(before):
        return LOOSE
    if _STRONG.search(before):
        return CALLED if known else LED
    if _OPENS.fullmatch(before) and QUOTED not in before:
        return LED
    if _ORIGIN.search(before) and not _TAKEN_AWAY.search(words.sentence(start)):
        if _TO_THE_NEXT.match(after) and not known:
            # From one way of doing it to another.
            return STRAY
        return ORIGIN
    if _WEAK.search(before):
        of_it = re.search(r"\b(?:for|of)\s+(?:the\s+)?$", before, _FLAGS)
        return LED if known and of_it else LOOSE
    if _AFTER_STRONG.match(after):
        return LOOSE
    if _ASIDE.search(before) and _AT_HEAD.match(after):
        return LOOSE
    if _SUBJECT.search(before) and (_SAYS.match(after) or _IS_WIDE.match(after)):
        return LOOSE
    return LOOSE if known else STRAY


def _can_cut(before: str, after: str, tier: int) -> bool:
    if tier < LOOSE:
        return False
    if _SAYS.match(after) and not _STRONG.search(before):
        # It is what the sentence speaks of.
        return False
    if _AFTER_STRONG.match(after):
        return True
    if _LOOKED_AT.search(before) and not _WORK_IN.search(before):
        return False
    return bool(
        _STRONG.search(before)
        or _WEAK.search(before)
        or _SURE.search(before)
        or _OPENS.fullmatch(before)
        or _ASIDE.search(before)
    )


def _extent(words: Words, start: int, end: int, *, keep: bool) -> tuple[int, int]:
    """With the words around that lead to it."""
    if keep:
        return start, end
    near = words.near(start)
    lead = _LEAD_CUT.search(near)
    tail = _TAIL_CUT.match(words.seen, end)
    return (start - len(near) + lead.start() if lead else start), (tail.end() if tail else end)
