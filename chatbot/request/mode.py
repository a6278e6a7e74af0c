"""Whether a change, an answer or a review is asked for."""

from __future__ import annotations

import re

from chatbot.request.words import MARKS, Words
from sandbox.spec import Mode

_FLAGS = re.IGNORECASE | re.ASCII
_POLITE = re.compile(
    rf"(?:{MARKS}+|(?:please|pls|hey|hi|hello|ok|okay|so|and|also|quick\s+question|question|team"
    r"|thanks"
    r"|(?:can|could|would|will)\s+(?:you|u|someone|somebody|anyone)(?:\s+(?:please|pls|kindly))?"
    r"(?:\s+(?:help\s+(?:me|us)(?:\s+to)?))?"
    r"|i(?:'d|\s+would)\s+(?:like|love)\s+(?:you\s+)?to|i\s+(?:want|need)\s+(?:you\s+)?to|let's"
    r"|just|help\s+(?:me|us)(?:\s+to)?"
    r"|i(?:'m|\s+am)\s+(?:curious|wondering))(?![\w'])"
    r"|请问|请|麻烦|帮忙|帮我们|帮我|能不能|可以|能否|可否|你好|大家好|您好|你|我想知道|想问一下|想问下|问一下|问下|想|先|大佬|老师|一下|下)+",
    _FLAGS,
)
_EXPLAIN = re.compile(
    r"(?:explain|describe|summari[sz]e|tell\s+(?:me|us)|walk\s+(?:me|us)\s+through|show\s+(?:me"
    r"|us)\s+(?:where|how|which|what)"
    r"|give\s+(?:me|us)\s+(?:an?\s+)?(?:\w+\s+)?(?:overview|summary|explanation|rundown)"
    r"|overview\s+of|understand"
    r"|(?:check|see|investigate|find\s+out|figure\s+out|look\s+up|work\s+out|know|wondering)\s+"
    r"(?:if|whether|why|how|where|what|which|who|when)"
    r"|what(?:'s|\s+(?:is|are|was|were|does|do|did|would|will|happens|happened|has|have|can"
    r"|should|kind|version|test|tests|file|files|part|parts|[\w-]+\s+(?:does|do|is|are)))"
    r"|how(?:'s|\s+(?:is|are|was|were|does|do|did|would|will|can|could|should|come|much|many"
    r"|long|often|to|exactly))"
    r"|why(?:'s|\s+(?!not\b|don't\b))|where(?:'s|\s+(?:is|are|was|were|does|do|did|can|should|in"
    r"|exactly|would|have|has))"
    r"|which|who(?:'s|\s)|compare|list|trace)(?![\w-])?",
    _FLAGS,
)
_QUESTION = re.compile(
    r"(?:(?:is|are|was|were|does|do|did|has|should|must|may|when|any\s+idea)|have\s+(?:we|you|they|i)\b)\s[^.!\n]*\?",
    _FLAGS,
)
_REVIEW = re.compile(
    r"(?:(?:code[ -]?)?review|audit|security\s+review|(?:do|give|make)\s+(?:me\s+)?(?:an?\s+)?"
    r"(?:\w+\s+)?(?:code\s+)?(?:review|audit)"
    r"|find\s+(?:the\s+)?(?:bugs|problems|issues|vulnerabilities)|look\s+for\s+(?:bugs|problems"
    r"|issues|vulnerabilities)"
    r"|(?:take\s+a\s+look|have\s+a\s+look|look)\s+(?:at|over)\s+(?:this\s+|the\s+|my\s+)?(?:PR"
    r"|pull\s+request|MR|diff)|look\s+over|critique|check\s+(?:this\s+|the\s+|my\s+)?(?:PR"
    r"|pull\s+request|diff))(?![\w-])",
    _FLAGS,
)
_NO_REVIEW = re.compile(
    r"review\s+(?:app|apps|comments?|page|form|queue|screen|button|system|feature)\b", _FLAGS
)
_CHANGE_TOO = re.compile(
    r"(?:\band\b|\bthen\b|[,.;?!\n])\s*(?:(?:then|also|please|just|can\s+you|could\s+you)\s+)*"
    r"(?:fix|change|add|remove|update|implement|refactor|rewrite|improve|correct|repair|write"
    r"|create|make|replace|rename|delete|apply|resolve|address|patch|clean|bump|migrate|move|copy|port|adopt|extend)"
    r"(?:\s+(?:it|them|this|that|the|any|all|whatever|what|a|an|my|our)\b|\s+[\w-]+|[.!]?\s*$)",
    _FLAGS,
)
_ZH_EXPLAIN = re.compile(
    r"(?:解释|说明一下|讲讲|讲一下|讲下|说说|介绍|总结|概述|描述|梳理|分析|看看为什么|看一下为什么|看下为什么|查一下为什么|查查为什么|看看是不是|看看有没有|告诉我|了解)"
    r"|(?:为什么|为啥|怎么|如何|什么|哪|是否|有没有|谁)",
)
_ZH_QUESTION = re.compile(
    r"(?:为什么|为啥|怎么(?!办)|如何|是什么|什么是|什么意思|在哪|哪里|哪个|哪些|是不是|有没有|是否|吗|么|呢|多少|怎样|干嘛|干什么|干啥|(?:找出|查明|定位|查一下|找一下|分析)(?:一下)?原因)[^。！\n]*[?？]?\s*$"
)
_ZH_REVIEW = re.compile(
    r"(?:做|来|进行|跑)?(?:一次|一个|个|一下)?(?:安全|代码)?(?:审查|评审|审核|审计|走查|代码检查|code\s*review|review|检查(?:一下|下)?(?:代码|安全|这个\s*PR|PR))",
    _FLAGS,
)
_ZH_CHANGE_TOO = re.compile(
    r"(?:并|并且|然后|再|顺便|同时|，|。|,|；)\s*(?:请)?(?:把|将|帮我|直接|一起)?[^，。]{0,6}?(?:修复|修好|修一下|修掉|修改|改掉|改好"
    r"|改成|改为|改一下|加上|添加|增加|补充|删除|删掉|更新|实现|重构|优化|解决|提交|写)"
)
_ONLY_ANSWER = re.compile(
    r"(?<![\w-])(?:(?:do\s+not|don't|dont|without)\s+(?:chang(?:e|ing)|touch(?:ing)?|modify"
    r"(?:ing)?|edit(?:ing)?)\s+(?:any(?:thing)?|the|code|it)(?:\s+(?:code|files?))?"
    r"|no\s+(?:code\s+)?changes(?:\s+(?:please|needed|yet))?|just\s+(?:answer|explain|tell\s+me)"
    r"|(?:explain|answer)\s+only|read[ -]only)(?![\w-])"
    r"|不要(?:改|修改|动)(?:任何)?(?:代码|东西)?|不用改(?:代码)?|别改(?:代码)?|别动代码|只(?:需要?|要)?(?:解释|回答|分析|说明)",
    _FLAGS,
)
_LABEL = re.compile(
    r"(?<![\w-])(?:--)?(?:mode|模式)\s*[=:：]\s*(?P<mode>change|explain|review)(?![\w-])", _FLAGS
)
_HAND_NAMED = re.compile(
    r"(?<![\w-])(?:in|as)\s+(?P<mode>change|explain|review)\s+mode(?![\w-])|用?(?P<zh>解释|审查|评审"
    r"|修改)模式",
    _FLAGS,
)
_ZH_MODES: dict[str, Mode] = {
    "解释": "explain",
    "审查": "review",
    "评审": "review",
    "修改": "change",
}
_MODES: dict[str, Mode] = {"change": "change", "explain": "explain", "review": "review"}


def read_named_mode(words: Words) -> Mode | None:
    """What is said outright: "mode: review", "in explain mode"."""
    for match in words.find(_LABEL):
        words.take(*match.span())
        return _MODES[match["mode"].lower()]
    for match in words.find(_HAND_NAMED):
        words.take(*match.span())
        return _ZH_MODES[match["zh"]] if match["zh"] else _MODES[match["mode"].lower()]
    return None


def mode_of(task: str) -> Mode:
    """From how the task is put."""
    seen = Words(task).seen
    first = seen[_begin(seen) :]
    changes = _CHANGE_TOO.search(first) is not None or _ZH_CHANGE_TOO.search(first) is not None
    if _ONLY_ANSWER.search(seen):
        return "review" if _is_review(first) else "explain"
    if _is_review(first):
        return "change" if changes else "review"
    asks = (
        _EXPLAIN.match(first)
        or _QUESTION.match(first)
        or _ZH_EXPLAIN.match(first)
        or (
            re.search(r"[\u2e80-\uffff]", first)
            and _ZH_QUESTION.search(first.strip().partition("\n")[0])
        )
    )
    return "explain" if asks and not changes else "change"


def _is_review(first: str) -> bool:
    if _NO_REVIEW.match(first):
        return False
    return _REVIEW.match(first) is not None or _ZH_REVIEW.match(first) is not None


def _begin(seen: str) -> int:
    match = _POLITE.match(seen)
    return match.end() if match else 0
