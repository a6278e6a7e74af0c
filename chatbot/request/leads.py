"""What stands around a repository's name, and says how it is meant."""

from __future__ import annotations

import re

from chatbot.request.words import MARKS, TAKEN

_FLAGS = re.IGNORECASE | re.ASCII
OWNER_NAME = (
    r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,100}[A-Za-z0-9])?/[A-Za-z0-9_.]"
    r"(?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9_-])?"
)
_REPO = r"(?:repo|repository|仓库|代码库)"
_ADDRESS = r"(?:the\s+|our\s+|my\s+|your\s+)?(?:whole\s+|entire\s+)?(?:github\s+|gitlab\s+|git\s+)?"
SURE = re.compile(
    r"(?:(?<![\w-])repo(?:sitory)?|仓库|代码库)\s*(?:[:：=]|is|是|called|named)?\s*$|--repo[ =]$",
    _FLAGS,
)
LABEL = re.compile(
    r"(?:(?<![\w-])repo(?:sitory)?|仓库|代码库)\s*(?:[:：=]|is|是)\s*$|--repo[ =]$", _FLAGS
)
FROM_THERE = re.compile(rf"(?:^|(?<=[^\w-]))(?:from|using|with|by)\s+{_ADDRESS}$|从\s*$", _FLAGS)
STRONG = re.compile(
    rf"(?:^|(?<=[^\w-]))(?:in|on|inside|within|into|under)\s+{_ADDRESS}$|(?:在|到|于|进)\s*$",
    _FLAGS,
)
WEAK = re.compile(
    rf"(?:^|(?<=[^\w-]))(?:for|of|from|to|against|using|with|about|regarding"
    rf"|concerning)\s+{_ADDRESS}$|(?:给|为|对|把|从|将|修"
    rf"|修复)\s*$",
    _FLAGS,
)
LOOKED_AT = re.compile(
    r"(?:^|(?<=[^\w-]))(?:look\s+(?:at|into)|check(?:\s+out)?|clone|open|review|audit|work\s+"
    r"(?:on|in)|explain|understand"
    r"|summari[sz]e|describe|document|test|improve|refactor|fix|update|see\s+what)\s+"
    rf"{_ADDRESS}$|(?:看看|看一下|看下|看|审查|评审|检查|解释|介绍|打开|克隆|分析"
    r"|总结|概述|优化|重构|改进|完善|测试|让|使|整理|更新|梳理|部署)\s*(?:一下|下)?\s*$",
    _FLAGS,
)
REFERENCE = re.compile(
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
COMPARING = re.compile(
    r"\b(?:(?<!would )(?<!'d )(?<!\w to )like(?!\s+(?:you|to|it\s+if)\b)|unlike|similar(?:ly)?\s+to"
    r"|same(?:\s+\w+){0,4}\s+as|as\s+(?:we|you|they|it|he|she|in|is|was|already|done|seen)"
    r"|the\s+way"
    r"|inspired\s+by|copied\s+from|mirrors|consistent\s+with|compared\s+(?:to|with)|whereas"
    r"|already\s+(?:have|exists?|works?|done|do|did)|e\.g\.)(?!\w)[^.,;]*$"
    r"|(?:像|类似|参考|参照|跟|照着)[^，。]{0,12}$|(?:之前|以前|曾经|已经)在?\s*$",
    _FLAGS,
)
SO_TOO = re.compile(
    r"\s*(?:里面|里|中|的)?\s*(?:那样|一样|同样|类似|的做法|的写法|的实现|做法|写法|相同|一致"
    r"|那边|之前|以前|已经|做过|写过|实现过)|\s+(?:does|did|do|has)(?:\s+(?:it|that"
    r"|this))?\s*(?:[.,;!?]|$)",
    _FLAGS,
)
HERE = re.compile(
    r"\bhere\b(?!\s+(?:in|is|are|be|goes|comes)\b)|\bon\s+our\s+(?:side|end)\b|\b(?:this"
    r"|our)\s+(?:repo|project)\b"
    r"|我们(?:这边|这里|这个|也)|这边也|这里也|咱们(?:这|也)|本(?:仓库|项目)",
    _FLAGS,
)
ALIKE = re.compile(r"\b(?:like|as|than|similar\s+to|as\s+in)\s+$|(?:像|参考|类似|参照)\s*$", _FLAGS)
PASSING = re.compile(
    r"\b(?:background|context|related|see\s+also|references?|similar|examples?|inspir\w+"
    r"|upstream|docs?|spec|design"
    r"|duplicate|fyi|cf|blocked|caused?|because|same|compare|copied|ported|discuss\w+)\b"
    r"|背景|参考|相关|类似|设计",
    _FLAGS,
)
FOR_CONTEXT = re.compile(
    r"\s*(?:for|as)\s+(?:\w+\s+)?(?:context|background|reference|details|inspiration|examples?)\b",
    _FLAGS,
)
TAKEN_AWAY = re.compile(
    r"\b(?:remov\w*|delet\w*|drop\w*|strip\w*|clean\w*|clear\w*|purge|删\w*|去掉|移除)", _FLAGS
)
OF_THE_CODE = re.compile(
    r"[`\"]?\s+(?:handling|logic|paths?|pairs?|toggles?|flows?|methods?|functions?|tests?|split"
    r"|ratio"
    r"|buttons?|modes?|switch|events?|operations?|calls?|semantics|transitions?|components?|types?"
    r"|states?|values?|options?|fields?|directory|folder|dir|files?|imports?|races?|support)\b",
    _FLAGS,
)
WORK_IN = re.compile(r"\bwork\s+(?:in|on)\s+$", _FLAGS)
TO_THE_NEXT = re.compile(rf"[`\"]?\s+to\s+(?![`\"]?{OWNER_NAME}(?![\w/]))", _FLAGS)
SAYS = re.compile(
    r"\s+(?:is|are|has|have|does|do|doesn't|was|were|will|can|can't|cannot|fails?|crash(?:es)?"
    r"|returns?"
    r"|needs?|should|must|keeps?|gets?|still|shows?|times|takes?|calls?|throws?|sends?|logs|uses"
    r"|loads|hangs|leaks?|gives|reports|starts|stops|breaks|ignores"
    r"|drops|loses|expects|accepts|rejects|prints|writes|reads|depends|renders|runs|works|seems"
    r"|looks|says|won't|didn't|isn't)\b|'s\b",
    _FLAGS,
)
OWNS = re.compile(r"[`\"]?['’]s\s+\w", _FLAGS)
AFTER_SURE = re.compile(
    r"[`\"”」]?\s*(?:'s\s+)?(?:repo(?:sitory)?(?![\w-])|仓库|代码库|项目)", _FLAGS
)
AFTER_STRONG = re.compile(r"[`\"”」]?\s*(?:里面|里|中|内|上|下的|的)", _FLAGS)
OPENS = re.compile(
    rf"(?:{MARKS}|{TAKEN})*(?:(?:please|pls|hey|hi|hello|ok|so|good|morning|afternoon|team|all"
    rf"|folks|everyone|everybody"
    rf"|guys|there|thanks|@\w+|请|请在|麻烦|帮忙|帮我|大家|各位|你|您|好|早)(?:{MARKS}|{TAKEN})*)*",
    _FLAGS,
)
LEAD_CUT = re.compile(
    rf"(?:(?:^|(?<=[^\w-]))(?:please\s+)?(?:in|on|inside|within|into|under|at|for|of|from|to"
    rf"|against)\s+{_ADDRESS}(?:repo(?:sitory)?\s*(?:called|named|:)?\s*)?"
    rf"|(?<![\w-])(?:the\s+)?repo(?:sitory)?\s*(?:[:：=]|is\b)?\s*|--repo[ =]"
    rf"|(?:请)?(?:在|到|于|给|为|对)?\s*(?:仓库|代码库)\s*(?:[:：]|是|为|叫)?\s*|(?:请)?(?:在|到"
    rf"|于|给|为|对)\s*)$",
    _FLAGS,
)
TAIL_CUT = re.compile(
    r"[`\"”」]?(?:\s*(?:repo(?:sitory)?(?![\w-])|仓库|代码库|项目))?(?:\s*(?:里面的?|里的?|中的?"
    r"|内的?|上的?|的))?",
    _FLAGS,
)
AND = re.compile(
    r"\s+|[\s`\"]*(?:,|、|，|/|&|\+|and|or|和|或者?|与|跟|及|以及|还有|and\s+also)[\s`\"]*", _FLAGS
)
AT_HEAD = re.compile(r"\s*(?:[:：,，—–-]|$|\n)")
SUBJECT = re.compile(
    r"(?:\b(?:does|do|did|is|are|has|will|can|could|should)\s|[.!?,:;，。；：！？]|^|\n)\s*$"
)
IS_WIDE = re.compile(r"\s*[\u2e80-\uffff]")
ASIDE = re.compile(r"(?:[,，;(（。！？]|[.!?]\s|^|\n)\s*$")
HEADS = re.compile(r"(?:^|\n)\s*(?:[-*•]\s*)?$")
"""A line begins."""
NEGATED = re.compile(r"\bnot\s+(?:(?:in|for|on)\s+)?$|(?:不是|而不是|别动|不要动)\s*$", _FLAGS)
CHANGED_THERE = re.compile(
    r"\s+(?:now\s+|already\s+|just\s+)?(?:returns?|returned|switched|changed|moved|sends?|calls?"
    r"|expects?|uses?|requires?"
    r"|added|removed|renamed|dropped|introduced|supports?|has\s+(?:changed|moved|switched|added"
    r"|removed|renamed|a\s+new))\b"
    r"|\s*(?:的)?(?:接口|那边|团队|后端)?\s*(?:已经|刚|现在)?(?:改了|换成|升级了|升级到|切换"
    r"|变成|返回|改成|改为|加了|去掉了)",
    _FLAGS,
)
"""What another repository does now, which this one may have to follow."""
CARRIED_HERE = re.compile(r"[^，。]*(?:过来|到(?:这里|这边|我们))")
ASKED_OF = re.compile(
    r"(?:^|(?<=[^\w-]))(?:fix|implement|review|audit|take|do|solve|resolve|close|work\s+on"
    r"|look\s+(?:at|into)|see|check(?:\s+out)?"
    r"|address|handle|explain|summari[sz]e|finish|continue|rebase|update|tackle|pick\s+up|read"
    r"|have\s+a\s+look\s+at"
    r"|take\s+a\s+look\s+at|get|land|merge|complete|test|start\s+(?:on|with))\s+(?:the\s+"
    r"|this\s+|my\s+|our\s+)?(?:\w+\s+)?"
    r"(?:issue|PR|pull\s+request|ticket|bug|MR|task)?\s*(?:in\s+|at\s+|from\s+)?:?\s*$"
    r"|(?:修复|修|看看|看一下|看下|看|处理|解决|实现|评审|审查|review|解释|完成|继续|对|跟进|做"
    r"|搞定)\s*(?:一下|下)?\s*(?:这个)?\s*(?:PR|issue|问题|需求)?\s*[：:]?\s*$",
    _FLAGS,
)
SET_APART = re.compile(r"\s*(?:$|[\n,，:：;—–-]|please\b|pls\b|请|麻烦|帮)", _FLAGS)
