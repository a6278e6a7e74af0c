"""Whether a change, an answer or a review is asked for."""

from __future__ import annotations

import re

from chatbot.request.acts import PROPOSED, Act, english_acts
from chatbot.request.acts_chinese import chinese_acts
from chatbot.request.clauses import Clause, sentences_of
from chatbot.request.words import Words
from sandbox.spec import Mode

_FLAGS = re.IGNORECASE | re.ASCII
_WIDE = re.compile(r"[\u2e80-\ud7ff\uf900-\uffff]")
_ONLY_ANSWER = re.compile(
    r"(?<![\w-])(?:(?:do\s+not|don't|dont|without|no\s+need\s+to|not\s+to"
    r"|never)\s+(?:actually\s+|yet\s+)?"
    r"(?:chang(?:e|ing)|touch(?:ing)?|modify(?:ing)?|edit(?:ing)?|fix(?:ing)?|implement(?:ing)?"
    r"|writ(?:e|ing)|do(?:ing)?|commit(?:ting)?|open(?:ing)?)"
    r"(?:\s+(?:any(?:thing)?|the|a|it|this|that))?(?:\s+(?:code|files?|PR|pull\s+request|fix))?"
    r"(?:\s+(?:yet|for\s+now|now|here|please))*(?=\s*(?:$|[.,;:!?)\n—–-]|just|only|and|but))"
    r"|(?:no|nothing)\s+(?:code\s+)?(?:changes?|fix|patch|PR|to\s+change"
    r"|to\s+fix)(?:\s+(?:please|needed|yet|required))?"
    r"|just\s+(?:answer|explain|tell\s+(?:me|us)|curious|asking|wondering|(?:an?\s+)?(?:question"
    r"|comments|answer|explanation))"
    r"|only\s+(?:answer|explain|asking|tell\s+(?:me|us))"
    r"|(?:explain|answer|report)\s+only|read[ -]only\s+(?:please|mode|task|question))(?![\w-])"
    r"|(?:不要|不用|别|无需|不需要|先不|先别|不必)(?:去|急着)?(?:改|修改|动|修|修复|写|实现"
    r"|提交)(?:任何)?(?:代码|东西|它|PR)?(?=\s*(?:$|[，。,.；！!\n])|只|先)"
    r"|只(?:需要?|要|想|用)?(?:解释|回答|分析|说明|看|知道|了解|告诉)|仅(?:解释|分析|回答)",
    _FLAGS,
)
_TAKEN_BACK = re.compile(
    r"\b(?:actually|wait|scratch\s+that|on\s+second\s+thoughts?|never\s?mind|(?:no|sorry),)"
    r"(?:[\s,.—–-]+(?:no|don'?t|do\s+not|wait|please|not\s+yet|it|that))*[\s,.:;—–-]+"
    r"(?:just|only)\s+(?:explain|answer|tell\s+(?:me|us)|describe|summari[sz]e)\b"
    r"|(?:算了|还是算了|先别改了?|等等)[^。！？\n]{0,6}(?:只|先)(?:需要?|要)?(?:解释|回答|分析|说明|告诉)",
    _FLAGS,
)
"""The last word is for an answer."""
_OF_PULL = re.compile(
    r"/(?:pull|merge_requests)/\d+|(?<!\w)(?:PR|MR|pull\s+request|merge\s+request)\s*[#!]?\s*\d+",
    _FLAGS,
)
_OPINION = re.compile(
    r"(?:^|[\s,.;:!])(?:(?:any|your)\s+)?(?:thoughts|opinions?|feedback|concerns|red\s+flags)\s*\?"
    r"|\blgtm\s*\?|\b(?:anything|something)\s+(?:that\s+(?:would|could|will|might)|wrong|off|risky)\b"
    r"|有没有问题|有什么问题|有啥问题|怎么样\s*[?？]",
    _FLAGS,
)
"""Asked of a pull request, it is a review."""
_LABEL = re.compile(
    r"(?<![\w-])(?:--)?(?:mode|模式)\s*[=:：]\s*(?P<mode>change|explain|review)(?![\w-])", _FLAGS
)
_HAND_NAMED = re.compile(
    r"(?<![\w-])(?:in|as)\s+(?P<mode>change|explain|review)\s+mode(?![\w-])|用?(?P<zh>解释|审查"
    r"|评审"
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
    """What is plainly to be done makes it a change; else it is a review, else a question.

    Where things are only told, what is wrong with them is to be changed.
    """
    seen = Words(task).seen
    if _ONLY_ANSWER.search(seen):
        seen = PROPOSED.sub("explain", seen)
    acts = acts_of(seen)
    if _TAKEN_BACK.search(seen):
        return "explain"
    if "work" in acts:
        return "change"
    if "review" in acts or (_OF_PULL.search(seen) and _OPINION.search(seen)):
        return "review"
    if "answer" in acts or _ONLY_ANSWER.search(seen):
        return "explain"
    return "change"


def acts_of(seen: str) -> set[Act]:
    """All that is asked for."""
    acts: set[Act] = set()
    for sentence in sentences_of(seen):
        acts.update(_acts(sentence))
    return acts


def _acts(sentence: list[Clause]) -> list[Act]:
    if any(_WIDE.search(clause.said) for clause in sentence):
        return chinese_acts(sentence)
    return english_acts(sentence)
