"""Model, image, agent, attempts and draft: what is asked of the run, not of the code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbot.models import MAX_ATTEMPTS
from chatbot.request.model import Vocabulary
from chatbot.request.named_model import read_agent, read_model
from chatbot.request.words import END, MARKS, SPAN, TAKEN, Words

_FLAGS = re.IGNORECASE | re.ASCII

_NUMBER_WORDS = {
    "one": 1,
    "once": 1,
    "two": 2,
    "twice": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "一": 1,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "几": 0,
}


@dataclass(slots=True)
class Options:
    """Filled while the words are read."""

    model: str | None = None
    image: str | None = None
    agent: str | None = None
    count: int = 1
    draft: bool | None = None


def read_options(words: Words, vocabulary: Vocabulary, unsure: list[str]) -> Options:
    options = Options()
    options.image = _read_image(words, unsure)
    options.agent = read_agent(words, vocabulary, unsure)
    options.model = read_model(words, vocabulary, unsure)
    options.count = _read_count(words, unsure)
    options.draft = _read_draft(words, unsure)
    return options


_IMAGE_NAME = r"[A-Za-z0-9][\w.-]*(?:(?::\d+)?/[\w./-]+)?"
_TAGGED = rf"{_IMAGE_NAME}:[\w][\w.-]*"
_IMAGE = re.compile(
    rf"(?:(?<!\w)(?:with|using|in)\s+(?:the\s+)?)?(?<!\w)(?:--)?image=`?(?P<any>{_IMAGE_NAME}"
    rf"(?::[\w.-]*\w)?)`?"
    rf"|(?:^|(?<=[\n,;(（。，.]))[ \t]*(?:docker\s+)?image\s*[:：]\s*`?(?P<labelled>{_TAGGED})`?"
    rf"|(?<!\w)(?:with|using|in|on|use|under)\s+(?:(?:the|a|an)\s+)?(?:docker\s+)?(?:image|container)"
    rf"(?:\s*:)?\s+(?:`?(?P<tagged>{_TAGGED})`?|(?P<span>{SPAN}))"
    rf"|(?<!\w)(?:with|using|in|on|use|under)\s+(?:(?:the|a|an)\s+)?(?:docker\s+)?"
    rf"(?:`?(?P<before>{_TAGGED})`?|(?P<span_before>{SPAN}))\s+(?:docker\s+)?(?:image|container)\b"
    rf"|(?:用|使用|在)?\s*(?:镜像|容器)\s*(?:[:：=]|使用|用|为"
    rf"|是)?\s*`?(?P<zh>{_TAGGED})`?(?:\s*(?:里|中|来))?"
    rf"|(?:用|使用|在)\s*`?(?P<zh_before>{_TAGGED})`?\s*(?:这个)?(?:的)?\s*(?:镜像"
    rf"|容器)(?:\s*(?:里|中|来))?",
    _FLAGS,
)
_FAULT = re.compile(
    r"\b(?:fails?|failed|breaks?|broken|crash\w*|hangs?|errors?|works?|missing|slow|since"
    r"|currently|dies)\b|失败|报错|崩溃|挂了|出错",
    _FLAGS,
)
_OF_THE_WORK = re.compile(
    r"\s+(?:in|for|as|instead|everywhere)\b(?!\s+[\w.-]+/[\w.-]+(?:\s|$|[.,;:]))", _FLAGS
)
_IMAGE_FORM = re.compile(_TAGGED, re.ASCII)


def _read_image(words: Words, unsure: list[str]) -> str | None:
    for match in words.find(_IMAGE):
        group = match.lastgroup or ""
        name = words.value(match, group).rstrip(".")
        if group.startswith("span") and not _IMAGE_FORM.fullmatch(name):
            continue
        lead = match[0].lstrip().lower()
        if not lead.startswith(("image", "--image")) and _fails(words, match):
            # It is told where something goes wrong.
            unsure.append(words.text[match.start() : match.end()])
            continue
        if lead.startswith(("镜像", "容器")) and re.search(r"\w", words.clause(match.start())):
            unsure.append(words.text[match.start() : match.end()])
            continue
        if lead.startswith("use ") and (
            re.search(r"\w", words.clause(match.start()))
            or _OF_THE_WORK.match(words.seen, match.end())
        ):
            unsure.append(words.text[match.start() : match.end()])
            continue
        words.take(*match.span())
        return name
    for match in words.find(_OF_THE_RUN):
        group = match.lastgroup or ""
        name = words.value(match, group).rstrip(".")
        fails = _FAULT.search(match[0]) or _fails(words, match)
        if _VERSIONED.search(name) and not _ADDRESS.search(name) and not fails:
            start = match.start() if group == "use" else match.start(group)
            words.take(start, match.end(), cut=group == "use")
            return name
    for match in words.find(_SOUNDS_SO):
        said = words.value(match, match.lastgroup or "")
        if not _ADDRESS.search(said):
            unsure.append(said)
    return None


_OF_THE_RUN = re.compile(
    rf"(?<!\w)(?:run(?:ning)?|use|test(?:ing)?|do\s+(?:it|this))\s+(?:[^.,;\n]{{0,60}}?\s)?(?:in|with|inside|on"
    rf"|under)\s+(?P<in>{_TAGGED})(?=\s+(?:and|please|pls)\b|{END})"
    rf"|(?<!\w)use\s+(?P<use>{_TAGGED})\s+(?:for\s+(?:this|that|it)\b(?:\s+one)?"
    rf"|as\s+(?:the|an?)\s+(?:container|docker)(?:\s+image)?{END})",
    _FLAGS,
)
"""What has a tag like an image, where something is to run."""
_SOUNDS_SO = re.compile(
    rf"(?<!\w)(?:images?|containers?|docker|镜像|容器)[^.,;，。；\n]{{0,40}}?(?P<behind>{_TAGGED})"
    rf"|(?<![\w/])(?P<before>{_TAGGED})[^.,;，。；\n]{{0,20}}?(?:image|container|docker|镜像|容器)"
    rf"|(?<!\w)(?:in|with|inside|under|using|use|on)\s+(?P<led>[a-z][\w./-]*:\d[\w.-]*)",
    _FLAGS,
)
_ADDRESS = re.compile(r"\w+://|(?:localhost|[\w.-]*\.[a-z]+):\d+$|:\d{4,5}$", _FLAGS)
_VERSIONED = re.compile(r":(?:v?\d{1,3}(?:\.\d+)*(?:[.-][\w.-]+)?|latest|stable)$", _FLAGS)


def _fails(words: Words, match: re.Match[str]) -> bool:
    behind = re.split(r"[.,;!?\n，。；]|\band\b", words.seen[match.end() :], maxsplit=1)[0]
    return _FAULT.search(words.clause(match.start()) + behind) is not None


_N = r"(?P<{0}>\d{{1,3}}|one|two|three|four|five|six|once|twice|[一两二三四五六几])"
_THEN = rf"(?:{END}|(?=\s+(?:with|please|in|on|using)\b))"
_COUNT = re.compile(
    rf"(?<!\w)(?:try|run|do|attempt|give)\s+(?:(?:it|this|that|the\s+task)\s+)?(?:for\s+)?"
    rf"(?:up\s+to\s+)?"
    rf"(?:{_N.format('a')}\s*(?:parallel\s+|independent\s+|separate\s+)?(?:×|x|times?|attempts?|tries|runs|shots)|(?P<twice>twice))(?![\w-])"
    rf"|(?<!\w)(?:with|in|make|using|as|do|give\s+(?:me|us|it)|run"
    rf"|get\s+me)\s+(?:up\s+to\s+)?{_N.format('b')}\s+(?:parallel\s+"
    rf"|independent\s+|separate\s+)?"
    rf"(?:attempts|tries|runs)(?![\w-])"
    rf"|(?:^|(?<=[\n,;:(，；：（])|(?<={TAKEN})|(?<=[\w.-]\s))\s*[x×]\s?{_N.format('h')}{_THEN}"
    rf"|(?:^|(?<=\n))\s*{_N.format('i')}\s?[x×]\s*(?=[:：-])"
    rf"|(?<!\w)best[ -]of[ -]{_N.format('c')}(?![\w-])"
    rf"|(?<!\w)(?:--)?(?:attempts|count|n)\s*[=:]\s*{_N.format('d')}(?!\w)"
    rf"|(?:请)?(?:分别|各)?(?:试|跑|尝试|做|来|执行)(?:上)?\s*{_N.format('e')}\s*(?:次|遍|回)"
    rf"|(?<![\w.]){_N.format('f')}\s*(?:次|个)(?:独立的?|并行的?|不同的?)?(?:方案)?(?:尝试|试验)"
    rf"|(?:^|(?<=[.!?;:(\n])|(?<=[^\d],\s))\s*{_N.format('j')}\s+(?:parallel\s+|independent\s+|separate\s+)?"
    rf"(?:tries|attempts|runs|shots)(?:\s+(?:please|pls|plz|max|at\s+most|is\s+fine|are\s+fine"
    rf"|will\s+do|would\s+be\s+(?:good|fine|nice)))*{END}"
    rf"|(?<!\w){_N.format('g')}\s+(?:parallel\s+|independent\s+"
    rf"|separate\s+)?attempts(?:\s+please)?{END}",
    _FLAGS,
)
_AT_HEAD = re.compile(rf"(?:^|[\n,;:(，；：（]|{TAKEN}|[\w.-]/[\w.-]{{1,40}})\s*$", _FLAGS)
_BEHIND_OPTION = re.compile(rf"{TAKEN}\s*[,;，；]?\s*$", _FLAGS)
_NO_ATTEMPTS = re.compile(
    r"\b(?:retr\w*|login|log\s?in|limit\w*|max\w*|after"
    r"|fail\w*(?!\s+(?:\w+\s+)?(?:tests?|checks?|builds?|CI)\b)"
    r"|lock\w*|block\w*|allow\w*|should|must"
    r"|when\w*|if|client|users?|job|request\w*|back\s?off|poll\w*|throttl\w*|rate)\b"
    r"|重试|登录|登陆|失败(?!的(?:测试|检查|构建|用例))|最多|限制|锁定|超时|如果|连续|输错"
    r"|轮询|用户|请求|每",
    _FLAGS,
)
_GOES_ON = re.compile(
    r"\s*(?:before|if|when|until|per|each|every|to\s+(?:make|be|confirm|check|verify|see|prove"
    r"|reproduce|get)"
    r"|and\s+(?:report|check|compare|see|take\s+the\s+(?:mean|median|average))|locally|in\s+CI"
    r"|a\b|in\s+a\s+row|with\b.*backoff|and\s+(?:fail|log)"
    r"|后|再|才|之后|以后|就)",
    _FLAGS,
)


_SEVERAL = re.compile(
    r"(?<![\w.])(?:[2-9]|two|three|four|five|several|multiple)\s+(?:\w+\s+)?(?:attempts|tries"
    r"|variants|approaches"
    r"|alternatives|candidates|solutions)(?!\w)|[两二三四五几多2-9]\s*[种个](?:不同的?"
    r"|独立的?)?(?:方案|方法|思路"
    r"|实现|版本)",
    _FLAGS,
)


def _read_count(words: Words, unsure: list[str]) -> int:
    for match in words.find(_COUNT):
        number = _number(match)
        if match["h"] and not _AT_HEAD.search(words.near(match.start())):
            continue
        said = words.text[match.start() : match.end()].strip()
        after = words.seen[match.end() :]
        alone = (match["g"] or match["j"]) and not re.search(r"pl(?:ease|s|z)\b", match[0], _FLAGS)
        alone = alone and not _BEHIND_OPTION.search(words.near(match.start()))
        if alone and _NO_ATTEMPTS.search(words.sentence(match.start())):
            unsure.append(said)
            continue
        if _NO_ATTEMPTS.search(words.clause(match.start())) or _GOES_ON.match(after):
            if re.search(r"\b(?:try|attempt)", match[0], _FLAGS) or "试" in match[0]:
                unsure.append(said)
            continue
        if number == 1:
            continue
        if not 1 <= number <= MAX_ATTEMPTS:
            unsure.append(said)
            continue
        words.take(*match.span())
        return number
    unsure += [
        match[0]
        for match in words.find(_SEVERAL)
        if not _NO_ATTEMPTS.search(words.clause(match.start()))
    ]
    return 1


def _number(match: re.Match[str]) -> int:
    word = next((match[name] for name in "abcdefghij" if match[name]), match["twice"] or "")
    return int(word) if word.isdecimal() else _NUMBER_WORDS.get(word.lower(), 0)


_PR = r"(?:PRs?|pull[ -]?requests?|MRs?|merge[ -]?requests?)"
_ZH_PR = rf"(?:{_PR}|拉取请求|合并请求)"
_NO_DRAFT = re.compile(
    rf"(?<!\w)(?:(?:and|but)\s+)?(?:please\s+|pls\s+)?(?:do\s+not|don'?t|never|no\s+need\s+to)\s+"
    rf"(?:open|create|make|raise|submit|send|put|mark|leave|keep|want|need|use)\s+(?:up\s+)?"
    rf"(?:(?:it|this|that|me|the\s+{_PR}|a\s+{_PR})\s+)?(?:up\s+)?(?:(?:as|in|into|to\s+be|be)\s+)?"
    rf"(?:an?\s+|the\s+)?draft(?:\s+{_PR}|\s+mode)?(?:,?\s+(?:please|pls|this\s+time))?{END}"
    rf"|(?<!\w)without\s+(?:an?\s+)?draft(?:\s+{_PR})?{END}"
    rf"|(?<!\w)(?:(?:but\s+)?(?:not|no"
    rf"|non)[ -](?:as\s+)?(?:an?\s+)?draft(?:\s+{_PR})?(?:,?\s+please)?"
    rf"|(?:isn't|is\s+not)\s+a\s+draft"
    rf"|ready[ -]for[ -]review\s+{_PR})(?![\w-])"
    rf"|(?:不要|不用|不需要|无需|不是|别|先不|非)(?:再|先)?(?:开|提|建|发|用|弄|设)?(?:成|为"
    rf"|个)?\s*(?:草稿|draft)(?:\s*{_ZH_PR})?",
    _FLAGS,
)
_DRAFT = re.compile(
    rf"(?<!\w)(?:(?:and\s+)?(?:then\s+)?(?:please\s+|thank\s+you\s+to\s+)?(?:just\s+|only\s+)?(?:open|create|make"
    rf"|raise|submit|send|put\s+up|publish|push|file|do|want)"
    rf"(?:\s+(?:it|this|that|me|us|the\s+{_PR}|a\s+{_PR}|the\s+result))?(?:\s+up)?(?:\s+(?:as|in"
    rf"|into|with|for|to))?\s+(?:an?\s+|the\s+)?"
    rf"|(?:but\s+)?(?:as|in|into|via|with)\s+(?:an?\s+)?(?:the\s+)?)(?P<lead_draft>draft"
    rf"(?:\s+{_PR})?)(?:\s+(?:only|first|for\s+now|please|mode))?{END}"
    rf"|(?:^|(?<=[,.;:(!，。；（\n]))\s*(?:just\s+"
    rf"|only\s+)?(?:an?\s+)?(?P<alone>draft(?:\s+{_PR}|(?=\s+please)|(?=[.!)]?\s*$)))"
    rf"(?:\s+(?:only|first|for\s+now|please))*{END}"
    rf"|(?:^|(?<=[,.;:(!\n]))\s*(?:keep\s+it\s+(?:as\s+)?)?(?:an?\s+)?draft(?:\s+{_PR})?\s+(?:until"
    rf"|till)\s+(?:I|we)\b[^.,;\n]{{0,40}}{END}"
    rf"|(?:^|(?<=[,.;:(!\n]))\s*(?:an?\s+)?draft(?:\s+{_PR})?\s+(?:is|would\s+be)\s+(?:fine|ok"
    rf"|okay|enough|good|great|perfect)"
    rf"(?:\s+(?:for\s+now|too|here))?{END}"
    rf"|(?<!\w)(?:--)?draft\s*[=:]\s*(?:true|yes|on|1)(?!\w)|(?<!\S)--draft(?!\S)"
    rf"|(?<!\w)(?:keep|leave|mark)\s+(?:it|the\s+{_PR}|this)\s+(?:(?:as|in)\s+)?(?:an?\s+)?draft"
    rf"(?:\s+(?:mode|state|for\s+now))?{END}"
    rf"|(?:并|先|请|然后|最后|帮我)*(?:开|提|发|建|创建|提交|打开|作为|以|用|设为|标为|做成|开成"
    rf"|开个|提个|发个)(?:一个|个|成|为)?\s*(?:草稿"
    rf"|draft)(?:\s*(?:状态|形式)?(?:的)?\s*{_ZH_PR})?(?:\s*(?:的)?(?:形式|状态"
    rf"|方式)?(?:来)?(?:提交|打开|提出|提|发)?)?{END}"
    rf"|(?:^|(?<=[,.;:(，。；（\n]))\s*{_ZH_PR}\s*(?:先|请|要)*(?:开成|设为|标为|标成|做成|作为"
    rf"|是|用)?\s*(?:草稿"
    rf"|draft)(?:状态|形式)?(?:就行|即可|就好)?{END}"
    rf"|(?:^|(?<=[,.;:(，。；（\n]))\s*(?:草稿|draft)\s*{_ZH_PR}\s*(?:就行|即可|就好|就可以|吧)?(?:了)?{END}"
    rf"|(?:^|(?<=[,.;:(，。；（\n]))\s*(?:(?:先)?草稿(?:就行|即可|就好|吧)(?:了)?"
    rf"|先\s*(?:草稿|draft)){END}",
    _FLAGS,
)
_APART = re.compile(rf"(?:{TAKEN}|[.!?\n]|^)\s*[,;(，、（]?\s*(?:an?\s+)?$", _FLAGS)
"""Behind another option, or a sentence of its own."""
_ASKED_FOR = re.compile(
    rf"(?<!\w)(?:open|create|make|raise|submit|send|put\s+up)\s+(?:me\s+)?an?\s+draft\s+{_PR}(?!\w)",
    _FLAGS,
)
"""The sentence goes on, as in "open a draft PR that ...", and needs the words."""
_AMONG_OPTIONS = re.compile(
    rf"(?:{TAKEN}|\bbranch\s+[\w./-]+)\s*[,;(，、（]\s*(?P<draft>draft|草稿){END}", _FLAGS
)
_NEGATED = re.compile(r"\b(?:not|never|no|without)\b|n't\b|\bdont\b|不|别|无需", _FLAGS)
_BEFORE_ASKING = re.compile(
    rf"(?:{MARKS}|{TAKEN}|(?:please|pls|and|then|can|could|would|you|hi|hey|just|thanks)\b)*",
    _FLAGS,
)
_ABOUT_DRAFTS = re.compile(
    r"\b(?:users?|should|must|button|when\w*|if|posts?|emails?|articles?|save\w*|editor|label"
    r"|bot)\b"
    r"|用户|文章|邮件|保存|编辑器|按钮|如果",
    _FLAGS,
)
_DRAFT_WORD = re.compile(
    rf"(?<!\w)draft\s+{_PR}(?!\w)|草稿\s*{_ZH_PR}|{_PR}[^.\n]{{0,20}}\bdraft\b"
    rf"|[.,(:;!?]\s*draft\s*[,.;!?)]|(?<!\w)draft\s+(?:is|would|will)\b|(?:^"
    rf"|[,.;:(，。；（\n])\s*草稿\s*{END}",
    _FLAGS,
)


def _read_draft(words: Words, unsure: list[str]) -> bool | None:
    for pattern, wanted in ((_NO_DRAFT, False), (_DRAFT, True)):
        for match in words.find(pattern):
            has_pr = re.search(_ZH_PR, match[0], _FLAGS)
            if (
                match.re is _DRAFT
                and match["alone"] == "draft"
                and "please" not in match[0]
                and not _APART.search(words.seen[: match.start("alone")])
            ):
                unsure.append("draft")
                continue
            if match.re is _DRAFT and _NEGATED.search(words.clause(match.start())):
                unsure.append(words.clause(match.start()).strip() + match[0])
                continue
            if not has_pr and _ABOUT_DRAFTS.search(words.clause(match.start())):
                unsure.append("draft")
                continue
            words.take(*match.span())
            return wanted
    for match in words.find(_AMONG_OPTIONS):
        words.take(*match.span("draft"))
        return True
    for match in words.find(_ASKED_FOR):
        if _BEFORE_ASKING.fullmatch(words.clause(match.start())):
            words.take(*match.span(), cut=False)
            return True
    if _DRAFT_WORD.search(words.seen):
        unsure.append("draft")
    return None
