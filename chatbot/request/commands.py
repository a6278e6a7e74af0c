"""Words that are no task: stop, autofix on, link me, use this repository here."""

from __future__ import annotations

import re

from chatbot.models import MAX_ATTEMPTS
from chatbot.request import shapes
from chatbot.request.slack_text import plain

_STOP = re.compile(
    r"^(?:please\s+)?(?:stop|cancel|abort|halt)(?:\s+(?:it|this|that|now|please|the task))*[.!]*$"
    r"|^(?:请)?(?:停|停止|停下|停一下|取消|中止|终止)(?:吧|任务|一下|了)?[。.!！]*$",
    re.IGNORECASE,
)
_AUTOFIX = re.compile(r"^auto-?fix\s+(on|off)[.!]*$", re.IGNORECASE)
_LINK_ME = re.compile(
    r"^(?:link|connect)\s+(?:me\s+(?:to|with)\s+)?git\s?hub\s+(?:as\s+)?@?"
    r"(?P<login>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))[.!]*$",
    re.IGNORECASE,
)
_UNLINK = re.compile(r"^(?:unlink|disconnect)\s+(?:me\s+from\s+)?git\s?hub[.!]*$", re.IGNORECASE)
_REPOSITORY = r"`?(?P<name>(?:https?://|ssh://|git@)?[A-Za-z0-9][^\s`,，。]*[A-Za-z0-9_-])/?`?"
_USE = re.compile(
    rf"^(?:please\s+)?(?:use|default\s+to)\s+(?:the\s+)?(?:repo(?:sitory)?\s+)?{_REPOSITORY}"
    r"(?:\s+(?:here|by\s+default|in\s+(?:this|here)\s+channel|for\s+this\s+channel|as\s+"
    r"(?:the\s+)?default|from\s+now\s+on))*[.!]*$"
    rf"|^(?:set\s+)?(?:the\s+)?default\s+repo(?:sitory)?\s*(?:to|is|:"
    rf"|=)?\s+{_REPOSITORY.replace('<name>', '<set>')}[.!]*$"
    rf"|^(?:这个频道|本频道|此频道|这里|以后)?(?:默认)?(?:使用|用|默认仓库(?:是|为"
    rf"|设为)?)\s*[:：]?\s*"
    rf"(?:仓库)?\s*{_REPOSITORY.replace('<name>', '<zh>')}(?:\s*仓库)?[。!！]*$",
    re.IGNORECASE | re.ASCII,
)
_USE_NONE = re.compile(
    r"^(?:please\s+)?(?:use\s+no\s+repo(?:sitory)?|(?:forget|remove|clear|unset)\s+"
    r"(?:the\s+)?default(?:\s+repo(?:sitory)?)?)"
    r"(?:\s+(?:here|in\s+this\s+channel))?[.!]*$|^(?:取消|清除|删除)默认仓库[。!！]*$",
    re.IGNORECASE,
)


_DIGITS = {str(number): number for number in range(1, MAX_ATTEMPTS + 1)}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_CHINESE = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_NUMBERS = {**_DIGITS, **_ORDINALS, **_CHINESE}


def _one_of(*names: dict[str, int]) -> str:
    return "|".join(sorted((name for each in names for name in each), key=len, reverse=True))


_CHOICE = re.compile(
    r"^(?:please\s+)?(?:(?:let'?s\s+|i(?:'d|\s+would)?\s+)?"
    r"(?:take|choose|pick|use|go\s+with|prefer|want)\s+)?"
    rf"(?:(?:the|attempt|number|option)\s+)*\#?(?P<en>{_one_of(_DIGITS, _ORDINALS)})"
    r"(?:\s+(?:one|attempt))?(?:\s*,?\s*please)?[.!]*$"
    r"|^(?:请)?(?:我)?(?:选|用|要|就|采用|选择)*\s*"
    rf"(?:第\s*(?P<zh>{_one_of(_DIGITS, _CHINESE)})\s*(?:个|次|种|号)?"
    rf"|(?P<bare>{_one_of(_DIGITS, _CHINESE)})\s*号?)(?:吧|方案|尝试)*[。.!！]*$",
    re.IGNORECASE,
)


def find_choice(words: str) -> int | None:
    """Which of several attempts somebody takes; None: the words say something else."""
    match = _CHOICE.match(plain(words).strip())
    return (
        None if match is None else _NUMBERS[(match["en"] or match["zh"] or match["bare"]).lower()]
    )


def is_stop(words: str) -> bool:
    """Whether the words are a stop and nothing else ("stop the timer leak" is work)."""
    return bool(_STOP.match(plain(words)))


def find_autofix(words: str) -> bool | None:
    """Whether it is to be switched on or off; None: the words are about something else."""
    match = _AUTOFIX.match(plain(words))
    return None if match is None else match[1].lower() == "on"


def find_link(words: str) -> str | None:
    """The login that somebody says is theirs, empty where they take it back; None: neither."""
    text = plain(words)
    if _UNLINK.match(text):
        return ""
    match = _LINK_ME.match(text)
    return None if match is None else match["login"]


def find_default(words: str) -> str | None:
    """The repository that a channel is to use, empty where it is to use none; None: neither."""
    text = plain(words)
    if _USE_NONE.match(text):
        return ""
    match = _USE.match(text)
    name = "" if match is None else match["name"] or match["set"] or match["zh"]
    if not name or "/" not in name:
        return None
    if "://" not in name and "@" not in name:
        owner, _, tail = name.partition("/")
        if "/" in tail or shapes.is_pair(owner, tail) or shapes.is_path(owner, tail):
            return None
    return name
