"""What a Chinese clause asks for, if anything."""

from __future__ import annotations

import re

from chatbot.request.acts import Act
from chatbot.request.clauses import Clause
from chatbot.request.words import MARKS

_FLAGS = re.IGNORECASE | re.ASCII
_BEGINS = re.compile(
    rf"(?:{MARKS}|@[a-z]+|请问|请|麻烦|劳烦|辛苦|拜托|帮忙|帮我们|帮我|帮|能不能|能否|可否"
    rf"|可不可以|是否可以|可以|能|大家好|你好|您好|hi|hello|你们|你"
    r"|我们(?:想|要|需要)|我(?:想|要|需要)|想(?=问|要|请|让|把|将|知道|了解|看)|需要|应该|先|再"
    r"|也|都|另外|还有|顺便|同时|然后|最后|其次|首先|第[一二三四]"
    r"|直接|一起|尽快|赶紧|大佬|老师|各位|同学|一下|下|如果可以的话|如果有(?:的话|问题)?|有的话|有问题(?:的话)?|若有|发现(?:了|问题)?(?:就|的话)|就|有空|有时间|的话|任务|需求"
    r"|要不|不如|问题|问下|问一下|问个问题|要求|需求是|目标)+",
    _FLAGS,
)
_REQUESTED = re.compile(
    r"请(?!问)|麻烦|劳烦|拜托|帮|能不能|能否|可否|可不可以|可以|辛苦|需要|我们?要|应该|要不|不如"
)
_VERB = (
    r"(?:修复|修好|修掉|修正|修改|修一|修下|修|改成|改为|改掉|改好|改一|改下|改进|改善|改|加上"
    r"|加个|加一|加|添加|增加|新增|补充|补上|补|删除|删掉|删|去掉|去除"
    r"|移除|移到|移动|挪|更新|升级|升到|降级|实现|重构|重写|优化|解决|提交|写|迁移|替换|换成|换"
    r"|拆分|拆成|拆|合并|重命名|改名|支持|调整|处理|清理|整理|新建|创建|建|做成"
    r"|做个|做一个|做|搞定|弄|配置|接入|集成|对接|禁用|启用|关闭|关掉|打开|开启|翻译|回滚|回退"
    r"|还原|恢复|撤销|封装|抽取|抽成|抽|提取|统一|完善|完成|继续|设置|设为|设成"
    r"|隐藏|显示|展示|限制|防止|避免|跳过|忽略|兼容|适配|覆盖|引入|使用|用|让|使|生成|导出|输出"
    r"|打印|记录|提供|发布|部署|跑通|简化|压缩|缓存|注释|标注|格式化)"
)
_WORK = re.compile(
    rf"(?:(?:把|将)[^，。]*?{_VERB}|(?:给|为|对|在|从|针对|根据|按照?|参考|参照|仿照"
    rf"|照着)[^，。]*?{_VERB}|{_VERB})(?!了(?!吧)|过|的时候|之后|后)",
    _FLAGS,
)
_BROKEN = re.compile(
    r"坏|错了|不对|失败|报错|挂了|崩|异常|超时|没反应|不了|不能|无法|白屏|不见了|卡死|太[慢大多乱]"
)
_AT_ONCE = re.compile(rf"(?:把|将)|{_VERB}", _FLAGS)
_WHATEVER = re.compile(r"(?:什么|谁|哪|怎么)[^，。]*就[^，。]*")
_COULD = re.compile(
    r"(?:能不能|能否|可不可以|可否|有没有可能(?=把|将|让|给))"
    r"(?!够?正常|帮?我?(?:看|解释|告诉|说|讲|介绍|分析))"
    r"|能(?:够|把|将)?(?:改|加|换|删|去掉|调|做|移|合并|拆)[^，。]*(?:吗|么)"
)
_DONE_TO = re.compile(rf"(?:把|将)[^，。]*?{_VERB}[^，。]{{0,4}}$", _FLAGS)
_ANSWER = re.compile(
    r"(?:解释|说明一下|说明下|讲讲|讲一下|讲下|讲解|说说|说一下|说下|介绍|总结|概述|描述|梳理"
    r"|分析|告诉我|告诉|了解|知道|列出|列一下|罗列|对比|比较|评估|估算"
    r"|调研|理一下|捋|排查|定位|查明|找出|找到|查一下|查查|查下|查|看看|看一下|看下|看|研究|确认"
    r"|搞清楚"
    r"|弄清楚|想问|问)"
)
_LOOK = re.compile(
    r"(?:看看|看一下|看下|看|查一下|查查|查下|查|排查|定位|确认|检查|找到|知道|问|弄清楚)"
)
_QUESTION = re.compile(
    r"为什么|为啥|为何|怎么(?!办|样都)|如何|什么|哪|是不是|有没有|是否|多少|怎样|干嘛|干啥"
    r"|咋|谁"
    r"|多久|多大|(?:吗|么|呢|嘛)\s*$|原因|啥(?!都)|能不能|可不可以"
)
_REVIEW = re.compile(
    r"(?:(?:对|给|把)[^，。]*?)?(?:做|来|进行|跑)?(?:一次|一个|个|一下)?(?:安全|代码)?"
    r"(?:审查|评审|审核|审计|走查|过一遍|code\s*review|review|审一下|审下|CR\s*一下|代码检查"
    r"|(?:检查|扫描|排查|审)(?:一下|一遍|下)?[^，。]{0,30}?(?:有没有|有无|是否有|是否存在|存不存在)"
    r"|(?:看看|看一下|看下|看|瞅瞅)[^，。]{0,20}?(?:PR|MR|代码|改动|提交|diff|写得"
    r"|实现)[^，。]{0,12}?(?:有没有|有无|是否有|有什么|有啥)[^，。]{0,6}?(?:问题|毛病|坑|bug|错)"
    r"|(?:看看|看一下|看下|看|检查)(?:一下|下)?\s*[#!]\d+[^，。]{0,12}?(?:有没有|有无|是否有|有什么|有啥)"
    r"[^，。]{0,6}?(?:问题|毛病|坑|bug|错)"
    r"|(?:看看|看一下|看下|看)[^，。]{0,40}?写[得的]怎么样"
    r"|(?:看看|看一下|看下)[^，。]{0,8}?(?:PR|MR)\s*[#!]?\d*\s*$"
    r"|[^，。]{0,20}(?:过一遍|把把关|提提意见|给点意见)"
    r"|检查(?:一下|下)?[^，。]{0,12}?(?:代码|安全|漏洞|PR|MR|隐患|问题)|(?:看看|看一下|看下|找找"
    r"|找一下)[^，。]{0,12}?(?:漏洞|隐患|安全问题|bug))",
    _FLAGS,
)
_REVIEWED = re.compile(
    r"(?:分支|PR|MR|代码|改动|提交|仓库|[#!]\d+)[^，。]{0,12}?(?:帮忙|帮我|请|麻烦|需要)\s*(?:你|您|大家)?\s*"
    r"(?:做个|来个)?(?:code\s*review|review|CR|评审|审查|审|过)\s*(?:一下|一遍|下)",
    _FLAGS,
)
"""What is to be reviewed stands first."""
_AUTHORED = re.compile(
    r"(?:写|补|补充|加|新增|添加|生成|整理)(?:一?[篇份个段]|上|下|一下)?[^，。怎如]{0,6}?"
    r"(?:文档|README|教程|wiki|注释)(?!\s*(?:怎么|如何))",
    _FLAGS,
)
_NO_REVIEW = re.compile(
    r"(?:审核|评审|审查|审计)(?:页|表|状态|流程|列表|日志|按钮|接口|功能|模块|意见|记录|人|后|不)"
)
_TOLD = re.compile(r"(?:我|我们|他|她|用户|有人|昨天|今天|上周|之前|刚才?|最近)")


def chinese_acts(clauses: list[Clause]) -> list[Act]:
    """Of one sentence."""
    acts: list[Act] = []
    for clause in clauses:
        acts.append(_act(clause))
    return acts


def _act(clause: Clause) -> Act:
    begun = _BEGINS.match(clause.said)
    lead, said = ("", clause.said) if begun is None else (begun[0], clause.said[begun.end() :])
    requested = _REQUESTED.search(lead) is not None
    if not said.strip():
        return "none"
    if _NO_REVIEW.match(said) is None and _REVIEW.match(said):
        return "review"
    if _REVIEWED.search(clause.said):
        return "review"
    if _AUTHORED.match(said) and not clause.asked:
        return "work"
    worked = _WORK.match(said) is not None and (
        _AT_ONCE.match(said) is not None or _BROKEN.search(said) is None
    )
    asks = _QUESTION.search(_WHATEVER.sub("", said)) is not None
    if _COULD.search(clause.said) and not re.search(r"为什么|为啥|怎么|如何|哪", said):
        return "work"
    if _DONE_TO.match(said) and not clause.asked:
        return "work"
    if requested and worked and not re.search(r"为什么|为啥|怎么|如何|哪", said):
        return "work"
    answers = _ANSWER.match(said) is not None
    if answers and (asks or not _LOOK.match(said)):
        return "answer"
    if answers:
        return "look"
    if asks or (clause.asked and not requested and not worked):
        return "answer"
    if worked and not _TOLD.match(clause.said):
        return "work"
    return "none"
