"""What stands around the name of a branch, a tag, a commit or a pull request."""

from __future__ import annotations

import re

from chatbot.request.lists import words_of
from chatbot.request.words import END, MARKS, SPAN, TAKEN

_FLAGS = re.IGNORECASE | re.ASCII
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,200}[A-Za-z0-9_])?"
_TO = (
    r"(?:(?:start(?:ing)?|begin|branch(?:ing)?|base[ds]?|work(?:ing)?)(?:\s+(?:it|this))?"
    r"\s+(?:on|off(?:\s+of)?|from)|on|at|from|in|against|off(?:\s+of)?|of|check\s*out"
    r"|switch\s+to|use|take)"
)
_KIND = r"(?:branch|tag|commit|ref|revision|release)"
PREFIXES = (
    r"(?:feature|feat|fix|bugfix|hotfix|release|releases|chore|dependabot|renovate|refactor|docs"
    r"|users?|dev|experiment|spike|wip|threadsmith|topic|task|improvement)"
)
NO_NAME = words_of(
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
KNOWN = words_of(
    """
    main master develop development dev staging production prod trunk next stable beta
    canary edge nightly qa preview integration
    """
)
VERSION = r"v?\d+\.\d+(?:\.\d+)*(?:[.-]?(?:rc|alpha|beta|dev|post)[\w.]*)?|v\d+"
SHA = r"(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,40}"
QUOTED_NAME = re.compile(NAME, re.ASCII)
NEXT = (
    rf"(?:{END}|(?=\s*[\u2e80-\uffff])|(?=\s+(?:in|for|of|and|with|please|using|then|but|fix|add|to"
    r"|instead|via|by|where|because|so|since|again|now|today|after|when|every|branch|do|make|run"
    r"|try|use|open|as)\b))"
)

AFTER_KIND = re.compile(
    rf"(?P<cut>,?\s*\b{_TO}\s+(?:the\s+)?(?:git\s+)?(?P<kind>{_KIND})(?!\w)(?:\s+(?:called"
    rf"|named))?\s*:?\s*"
    rf"(?P<name>{SPAN}|{NAME}))",
    _FLAGS,
)
BEFORE_KIND = re.compile(
    rf"(?P<cut>\b(?:{_TO}|to|onto)\s+(?:the\s+|our\s+)?(?P<name>{SPAN}|{NAME})\s+(?:git\s+)?"
    rf"(?P<kind>branch|tag|ref)(?![\w-]))",
    _FLAGS,
)
LABEL = re.compile(
    rf"(?P<cut>(?<![\w-])(?:--)?(?:base[ -]?branch|branch|ref|tag"
    rf"|base)[ \t]*[:=][ \t]*(?P<name>{SPAN}"
    rf"|{NAME})"
    rf"|(?<!\S)--(?:branch|ref|base)\s+(?P<flagged>{NAME})"
    rf"|(?:(?<=[,(;] )|(?<=[,(;\n])|^)(?:branch|ref|tag)\s+(?P<bare>{NAME})(?:{END}"
    rf"|(?=\s+please\b))"
    rf"|(?<=[\w.-] )branch\s+(?P<behind>{NAME}){END}"
    rf"|(?<=[\w.-] )on\s+(?P<there>{'|'.join(sorted(KNOWN))})(?=\s*[:：])"
    rf"|,?\s*(?<![\w-])(?:the\s+)?(?:base\s+)?branch\s+(?:is|should\s+be)\s+(?P<stated>{NAME}){END}"
    rf"|(?:^|(?<=\n)|(?<=\])|(?<=\] ))[ \t]*\[(?P<boxed>{NAME})\][ \t]*:?"
    rf"|(?<=[\w.-])\s?[(（](?:branch\s+)?(?P<paren>{NAME})(?:\s*分支|\s+branch)?[)）])",
    _FLAGS,
)
AT_VERSION = re.compile(
    rf"(?P<cut>,?\s*(?<![\w-])(?:at|from|@|on|against|off|based\s+on|use)\s+(?:(?:the\s+)?(?:tag"
    rf"|release|version)\s+)?"
    rf"(?P<name>{SPAN}|{VERSION}|{SHA}))(?![\w/-]|\.\d)",
    _FLAGS,
)
PREFIXED = re.compile(
    rf"(?P<cut>(?<![\w-])(?:(?:start|begin|branch|base)(?:\s+it)?\s+(?=on|off|from))?(?:on(?:\s+top\s+of)?|from"
    rf"|off(?:\s+of)?|against|continue(?:\s+on)?|(?<!git )check\s*out|switch\s+to"
    rf"|use)\s+(?P<name>{SPAN}"
    rf"|{PREFIXES}/{NAME}))(?![\w/])",
    _FLAGS,
)
ON_MAIN = re.compile(
    rf"(?P<cut>(?<![\w-])(?:(?:start|begin|branch|base)(?:\s+it)?\s+(?=on|off|from))?(?:on|from"
    rf"|off(?:\s+of)?|against|on\s+top\s+of)\s+(?P<name>main|master|develop|trunk)){NEXT}"
    rf"|(?P<off_cut>,?\s*(?<![\w-])(?:please\s+)?(?:work|start|begin|branch|base|based|build)"
    rf"(?:\s+(?:it|this))?\s+(?:off(?:\s+of)?|from|on(?:\s+top\s+of)?)\s+(?:the\s+)?"
    rf"(?P<off>{'|'.join(sorted(KNOWN))})(?:\s+branch)?){END}"
    rf"|(?P<zh_cut>(?:在|基于|从)[ \t]*(?P<zh>main|master|develop|dev"
    rf"|trunk)(?![\w./-])[ \t]*(?:上面?|开始)?)",
    _FLAGS,
)
ON_KNOWN = re.compile(
    rf"(?<![\w-])(?:on|from|off)\s+(?:{'|'.join(sorted(KNOWN))})(?![\w/-])", _FLAGS
)
PULL = re.compile(
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
NUMBER = re.compile(r"(?<!&)\#(?P<number>\d{1,6})(?!\w|\.\d)")
NOT_THERE = re.compile(
    r"\b(?:revert|introduced|since|like|as|similar|caused|broken|broke|after|before|backport"
    r"|cherry[ -]?pick"
    r"|merged?|follow[ -]?up|same|unlike|closed|undo|regress\w*|duplicates?|supersed\w*|came)\b"
    r"|引入|回滚|还原|同步|移植|类似|参考|之后|以前|导致|像|撤销",
    _FLAGS,
)
CAUSED = re.compile(
    r"\s*(?:引入|导致|造成|带来|合(?:并(?!冲突)|进|入)|上线|之后|以后|introduced|broke|caused"
    r"|added)",
    _FLAGS,
)
MERGING = re.compile(
    r"\b(?:merge\w*|rebas\w*|pull\w*|sync\w*|cherry[ -]?pick\w*|diff\w*|compar\w*|differ\w*"
    r"|upgrad\w*|migrat\w*|mov\w*"
    r"|bump\w*|port\w*|updat\w*|regress\w*)\b|合并|变基|同步|升级|迁移|对比",
    _FLAGS,
)

_ZH_FROM = r"(?:在|基于|从|到|切到|切换到|针对|用|对|拉取|检出)"
_ZH_KIND = r"(?:分支|标签|版本|提交|(?<![A-Za-z])(?:tag|branch|commit)(?![A-Za-z]))"
_ZH_THERE = r"(?:[ \t]*(?:上面|之上|上|里|中|来|开始|出发)的?)?"
ZH = re.compile(
    rf"(?P<cut>{_ZH_FROM}[ \t]*{_ZH_KIND}[ \t]*(?P<a>{SPAN}|{NAME})"
    rf"(?:[ \t]*(?:分支|标签))?{_ZH_THERE}"
    rf"|{_ZH_FROM}[ \t]*(?P<b>{SPAN}|{NAME})[ \t]*(?:这个|这条)?[ \t]*{_ZH_KIND}{_ZH_THERE}"
    rf"|(?:分支|标签)[ \t]*(?:[:：=]|用|是|为|选)?[ \t]*(?P<c>{SPAN}|{NAME}){_ZH_THERE}"
    rf"|提交[ \t]*[:：=]?[ \t]*(?P<f>{SHA})(?![\w.-]){_ZH_THERE}"
    rf"|(?<![\w./-])(?P<d>{SPAN}|{NAME})[ \t]*分支(?![ \t]*[:：]?[ \t]*[A-Za-z0-9`]){_ZH_THERE}"
    rf"|(?<![\w./-])(?P<g>{VERSION})[ \t]*(?:标签|tag(?![A-Za-z])){_ZH_THERE}"
    rf"|基于[ \t]*(?P<e>{VERSION}|{SHA}|{PREFIXES}/{NAME})(?![\w-]|\.\w)"
    rf"|(?:在|从)[ \t]*(?P<h>{PREFIXES}/{NAME})[ \t]*(?:上面?|之上|开始)的?)",
    _FLAGS,
)
_PULL_REQUEST = r"(?:PR|MR|pull[ -]?request|merge[ -]?request)"
TARGET = re.compile(
    rf"(?P<cut>(?:(?:[,;]|\.(?=\s))\s*)?(?:and\s+|then\s+)*(?:(?:please|pls|kindly)\s+)?"
    rf"(?:(?<![\w-])(?:open|raise|create|make|submit|send|put\s+up|with)\s+)?"
    rf"(?<![\w-])(?:(?:a|an|the|your)\s+)?{_PULL_REQUEST}(?P<aside>\s+(?:against|to|into|onto"
    rf"|targeting|based\s+on|goes\s+(?:to|into|against))\s+(?:the\s+)?(?P<name>{SPAN}|{NAME})"
    rf"(?P<kind>\s+branch)?(?:\s+(?:only|please|pls))*)"
    rf"(?:(?P<last>{END})|(?=\s+(?:and|with|as|when|once|in|instead)\b)))"
    rf"|(?P<aim_cut>,?\s*(?<![\w-])target(?:ing|s)?(?:\s+branch)?(?:\s+is|\s*[:=])?\s+(?:the\s+)?"
    rf"(?P<aim>{NAME})(?P<aim_kind>\s+branch)?{END})"
    rf"|(?P<zh_cut>[，,]?\s*(?:{_PULL_REQUEST}|拉取请求|合并请求)\s*(?:请)?(?:提交?|合并?|开|发)?(?:到|往|给|至)\s*"
    rf"(?P<zh>{NAME})(?P<zh_kind>\s*分支)?(?:上|里)?)",
    _FLAGS,
)
"""Where the change is to go: the base of its pull request, and so where it begins."""
REVIEWED = re.compile(
    rf"(?<![\w-])(?:review|audit|look\s+at|explain|summari[sz]e)\s+(?:the\s+|my\s+|our\s+)?branch\s+"
    rf"(?P<name>{SPAN}|{NAME})(?![\w/-])",
    _FLAGS,
)
NOT_THAT = re.compile(
    rf"(?:\s*[—–-])?\s*[,;]?\s*(?<![\w-])(?:but\s+)?(?:please\s+)?(?:not|don'?t\s+work)\s+"
    rf"(?:(?:on|from|off|against)\s+)?(?P<name>{NAME})(?:\s+branch)?(?![\w/-])"
    rf"|(?:请)?(?:不要|别)(?:再)?(?:在|从|基于)\s*(?P<zh>{NAME})\s*(?:分支)?(?:上面?)?(?:改|做|动|开始|工作)?\s*[，,；;]?",
    _FLAGS,
)
NEW_BRANCH = re.compile(
    rf"(?<!\w)(?:new|separate|fresh|another|different)\s+branch(?:\s+(?:called|named)?\s*"
    rf"(?P<name>{SPAN}|{NAME}))?|(?:新建?|另一个|另开)(?:一个|个)?分支",
    _FLAGS,
)
DEFAULT = re.compile(
    r"\s*\b(?:on|from|at|off)\s+(?:the\s+)?default\s+branch\b|(?:在|基于|从)\s*默认分支\s*(?:上"
    r"|里)?",
    _FLAGS,
)
ELSEWHERE = re.compile(
    r"\b(?:not|never|isn't|doesn't|don't|except|works?|worked|fine|ok|passes|green|should|must"
    r"|whenever"
    r"|if)\b|\b(?:only\s+)?(?:runs?|builds?|deploys?|triggers?|triggered|happens\s+only)\s*$"
    r"|(?:不是|不在|没问题|正常)|(?:不要|别|不用|不)(?:再)?\s*$",
    _FLAGS,
)
WAS_FINE = re.compile(
    r"\b(?:passe[ds]|worked|works|(?:is|was)\s+(?:fine|ok|green))\b|没问题|正常|是好的", _FLAGS
)
LEADING = re.compile(
    rf"(?:{MARKS}|{TAKEN}|{NAME}/{NAME}|`|please\b|hi\b|hey\b|in\b|the\b|of\b|repo\b|so\b|and\b"
    rf"|请|在|的|里|仓库|中|对|给)*",
    _FLAGS,
)
BEHIND = re.compile(rf"(?<![\w/.-])(?!{PREFIXES}/){NAME}/{NAME}\s*$|{TAKEN}\s*$", _FLAGS)
MOVED = re.compile(
    r"\s+(?:to|into|onto)\b|\s*(?:→|->|改成|改为|换成|变成|迁移?到|切换?到|重命名|改名|到)", _FLAGS
)
LEFT = re.compile(
    rf"(?<![\w./-])(?:(?:on|against|at)\s+(?:v\d+\.\d+[\w.]*)(?<!\.)|(?:hot)?fix\s+(?:for|on"
    rf"|in)\s+(?:{VERSION})(?![\w.-])|(?:feature|feat|fix"
    rf"|bugfix|hotfix|release|releases|chore)/{NAME}(?![\w/])"
    rf"|(?:on|from|off|onto|into|against|to)\s+(?:main|master|develop|trunk)(?![\w/.-])"
    rf"|分支[^，。\n]{{0,3}}[A-Za-z][\w./-]*|到[ \t]*(?:main|master|develop|trunk)(?![\w/.-])|(?:on"
    rf"|of)\s+(?:top\s+of\s+)?\#\d{{1,6}}(?!\w)|commit\s+{SHA}(?!\w)|(?:base"
    rf"|target)\s+branch(?:\s+is|\s*[:=])?\s+{NAME}|(?:the|our|my)\s+{NAME}\s+branch(?!\w))",
    _FLAGS,
)
SOME_BRANCH = re.compile(
    r"(?<!\w)(?:on|from|in|against|off|at)\s+(?P<said>(?:a|my|your|that|the|this|his|her|their"
    r"|our|\w+'s)\s+(?:[\w./-]+\s+){0,2}branch)(?![\w-])"
    r"|(?:在|基于|从)(?P<zh>我的|那个|这个|他的|她的|另一个)\s*分支",
    _FLAGS,
)
