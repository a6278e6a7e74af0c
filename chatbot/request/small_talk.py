"""Words that ask nothing of a repository: a greeting, thanks, a question about the bot."""

from __future__ import annotations

import re

_MARKS = r"[\s.,!?;:~，。！？、…👋🙏🙂😀-]"
_GREETING = (
    r"(?:hi|hey|hello|yo|howdy|hiya|good\s+(?:morning|afternoon|evening|day)|morning|evening|ping"
    r"|there|all|team|folks|everyone|bot|threadsmith|how\s+are\s+you|nice\s+to\s+meet\s+you|welcome"
    r"|thanks?(?:\s+(?:you|a\s+lot|so\s+much|again))*|thx|ty|cheers|great|nice|cool|awesome|perfect"
    r"|good\s+(?:job|bot|work)|well\s+done|are\s+you\s+there"
    r"|:[a-z0-9_+-]+:"
    r"|你好|您好|大家好|早上好|下午好|晚上好|早安|早|嗨|哈喽|在吗|在么|谢谢|多谢|感谢|辛苦了?|好的|你|您|大家|啊|呀|了)"
)
_ABOUT_IT = (
    r"(?:(?:please\s+|pls\s+)?help(?:\s+(?:me|us))?(?:,?\s+please)?|usage|commands|what(?:\s+all)?\s+(?:can|do|could)\s+you\s+do"
    r"(?:\s+for\s+(?:me|us))?|what\s+are\s+you(?:\s+(?:for|able\s+to\s+do))?|who\s+are\s+you"
    r"|what(?:'s|\s+is)\s+this(?:\s+bot)?|how\s+(?:do|does|can|should)\s+(?:i|we|you|one|this|it)\s+"
    r"(?:use\s+(?:you|this|it)|ask(?:\s+you)?|work|start|begin|talk\s+to\s+you)"
    r"|how\s+(?:to\s+use\s+(?:you|this|it))|can\s+you\s+help(?:\s+(?:me|us))?|i\s+need\s+help"
    r"|帮助|使用说明|你?能做什么|你会什么|你可以做什么|你是谁|怎么用(?:你)?|如何使用(?:你)?)"
)
# Possessive: what was taken for one word is not tried as another, however long it goes on.
_GREETS = re.compile(rf"(?:{_GREETING}(?![a-z])|{_MARKS})++", re.IGNORECASE)
_ASKS_OF_IT = re.compile(rf"(?:(?:{_ABOUT_IT}|{_GREETING})(?![a-z])|{_MARKS})++", re.IGNORECASE)
MAX_CHARACTERS = 200


def asks_nothing(words: str, *, alone: bool = True) -> bool:
    """Whether there is nothing to do; empty words are not meant, they come with something else.

    ``alone``: they open a thread; in the midst of one, "help" is said of what stands above it.
    """
    said = words.strip()
    pattern = _ASKS_OF_IT if alone else _GREETS
    if len(said) > MAX_CHARACTERS or re.search(r"\w", said) is None:
        return False
    return pattern.fullmatch(said) is not None
