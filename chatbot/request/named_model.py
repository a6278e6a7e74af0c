"""Which model and which agent program are to do the work."""

from __future__ import annotations

import re

from chatbot.request.model import Vocabulary
from chatbot.request.words import END, MARKS, SPAN, TAKEN, Words

_FLAGS = re.IGNORECASE | re.ASCII

_LEAD = (
    r"(?:(?<![\w-])(?:with|using|via|by|on|use|let|have|ask)(?:\s+(?:the|model|agent))*\s+"
    r"|(?<![\w-])(?:model|模型|agent)\s*(?:[:=：]|用|为|是)?\s*"
    r"|--model[ =]|(?:请)?(?:用|使用|让|由|换成|交给)\s*(?:模型\s*|一下\s*)?)"
)
_TAIL = (
    r"(?:\s*(?:模型|model\b))?(?:\s*(?:来|去))?(?:\s+for\s+(?:this|that|it)\b(?:\s+one)?)?"
    rf"(?:\s+please{END})?"
)
_ABOUT_MODELS = re.compile(
    r"\b(?:replac\w*|swap\w*|switch\w*|compar\w*|benchmark\w*|integrat\w*|compatib\w*|chat\w*"
    r"|prompt\w*"
    r"|calls?\s+(?:to|made)|models?|llms?|codec|audio|encod\w*|fallback|provider|tokens?|pric\w*"
    r"|bot"
    r"|assistant|completions?|default\s+to|support\s+for)\b"
    r"|\b(?:works?|working|fails?|failing|breaks?|crash\w*|speaks?|talks?|deal\w*|cope\w*)\s*$"
    r"|替换|换成|改用|改成|迁移|接入|支持|调用|集成|对比|模型|接口改",
    _FLAGS,
)
_THING = (
    r"(?![\w/-]|:\S|\.\w|\s+(?:codec|audio|format|files?|support|encod\w*|provider|api|client"
    r"|sdk|keys?"
    r"|call)\b|'s\b)"
)
_FULL = re.compile(
    r"(?:claude-[a-z0-9.-]*[a-z0-9]|gpt-[a-z0-9.-]*[a-z0-9]|o[1-9](?:-[a-z]+)?|codex-[a-z0-9.-]+)",
    _FLAGS,
)
_FAMILY = re.compile(
    r"(?:claude[ -])?(?P<family>opus|sonnet|haiku|fable)[ -]?(?P<version>\d+(?:[.-]\d+)?)?", _FLAGS
)
_GPT = re.compile(r"gpt[ -]?(?P<version>\d[a-z0-9.]*(?:-[a-z0-9.]+)?)", _FLAGS)
_FOREIGN = (
    r"(?:gemini|llama|qwen|deepseek|mistral|kimi|grok|glm|devstral|claude|gpt|chatgpt)"
    r"(?:[- ]?[a-z]*\d(?:[\w.-]*\w)?|-[a-z](?:[\w.-]*\w)?)?"
)
_SPOKEN_MODEL = (
    r"(?:claude[ -])?(?:opus|sonnet|haiku|fable)(?:[ -]?\d+(?:[.-]\d+)?)?(?![\w-])"
    r"|claude-[a-z0-9.-]*[a-z0-9]|gpt[ -]?\d[a-z0-9]*(?:\.\d+)?(?:-[a-z0-9.]*[a-z0-9])?"
    r"|o[1-9](?:-[a-z]+)?(?![\w-])"
)
_NAMED_MODEL = re.compile(
    rf"(?P<lead>{_LEAD})?(?P<quote>`)?(?P<model>(?:anthropic|openai|replay|[a-z][a-z0-9-]{0, 60})"
    rf":[^\s`,;，。；）)]*[^\s`,;:.!?，。；！？）)])`?{_TAIL}",
    _FLAGS,
)
_QUOTED_MODEL = re.compile(rf"(?P<lead>{_LEAD})(?P<model>{SPAN}){_TAIL}", _FLAGS)
_CHOSEN = re.compile(
    rf"{END}|\s*[-—–\u2e80-\uffff]|\s+(?:in|on|at|of|for\s+(?:this|that|it|the\s+(?:task|job"
    rf"|whole))|and|to|then|please|pls|as|from|instead"
    r"|because|since|try|fix|add|if|thanks|agent|model|but|against|repo|over|best|draft|--)\b"
    r"|\s+[\w.-]+/[\w.-]+",
    _FLAGS,
)
_BIDDEN = re.compile(r"\s*(?:let|have|ask|let's|让|由|交给)", _FLAGS)
_AS_ANOTHER = re.compile(
    r"\s+as\s+(?:an?\s+|the\s+|our\s+)?(?:fallback|default|backup|provider|option|alternative"
    r"|base)\b",
    _FLAGS,
)
_LEFT_MODEL = re.compile(rf"(?<![\w/.-])(?:{_SPOKEN_MODEL}){_THING}", _FLAGS)
_WILL_DO = (
    r"(?:\s*(?:please|pls|plz|(?:is|would\s+be)\s+(?:fine|ok|okay|enough|good)"
    r"|(?:will|would|should)\s+do|suffices|就行|就好|即可|就可以|吧)(?:了)?)"
)
_ALONE = re.compile(
    rf"(?:^|[.!?\n(（。！？]|{TAKEN}|(?<![\w/])[\w.-]+/[\w.-]+[,:，：]?|(?:please|pls),)\s*$",
    _FLAGS,
)
"""Begins what is said, or stands behind a repository or another option."""
_AMONG = re.compile(
    rf"\s*[,，、]\s*(?:{TAKEN}|(?:draft|草稿){END}|branch\s|\d\s+(?:tries|attempts)\b"
    r"|(?:and\s+)?(?:open|make)\s+(?:it\s+)?(?:as\s+)?(?:a\s+)?draft\b)",
    _FLAGS,
)
_NOT = re.compile(r"(?:\b(?:not|never|without)|n't)\s*$|(?:不|别|不要|没)\s*$", _FLAGS)
_ABOUT_SOUND = re.compile(r"\b(?:codecs?|audio|encod\w*|formats?|music|files?|poems?)\b", _FLAGS)
_PROVIDERS = frozenset({"anthropic", "openai", "replay"})


def read_model(words: Words, vocabulary: Vocabulary, unsure: list[str]) -> str | None:
    providers = _PROVIDERS | {name.partition(":")[0] for name in vocabulary.models.values()}
    for match in words.find(_NAMED_MODEL):
        name = words.value(match, "model")
        if name.partition(":")[0].lower() in providers and match["lead"]:
            words.take(*match.span())
            return name
    for match in words.find(_QUOTED_MODEL):
        name = words.value(match, "model")
        provider, colon, _ = name.partition(":")
        if (colon and provider in providers) or (found := _model_of(name, vocabulary)):
            if not colon and _is_about_models(words, match):
                continue
            words.take(*match.span())
            return name if colon else found
    aliases = "|".join(re.escape(name) for name in sorted(vocabulary.models, key=len, reverse=True))
    spoken = f"{_SPOKEN_MODEL}|(?:{aliases})(?![\\w-])" if aliases else _SPOKEN_MODEL
    rejected = _rejected(words, spoken)
    pattern = re.compile(rf"(?P<lead>{_LEAD})(?P<model>{spoken}){_THING}{_TAIL}", _FLAGS)
    chosen: list[tuple[re.Match[str], str]] = []
    spoken_of: set[int] = set()
    for match in words.find(pattern):
        name = words.value(match, "model")
        found = _model_of(name, vocabulary)
        if (
            found is None
            or _is_about_models(words, match)
            or _AS_ANOTHER.match(words.seen, match.end())
            or _others(words, match)
            or _NOT.search(words.clause(match.start()))
            or not (_BIDDEN.match(match["lead"]) or _CHOSEN.match(words.seen, match.end()))
        ):
            unsure.append(name)
            spoken_of.add(words.sentence_start(match.start()))
            continue
        chosen.append((match, found))
    chosen = [one for one in chosen if words.sentence_start(one[0].start()) not in spoken_of]
    if not chosen and not spoken_of:
        chosen = _alone(words, vocabulary, spoken)
    if len({found for _, found in chosen}) == 1:
        for match in [*rejected, *(match for match, _ in chosen)]:
            words.take(*match.span())
        return chosen[0][1]
    unsure += [match["model"] for match in rejected]
    unsure += [words.value(match, "model") for match, _ in chosen]
    foreign = re.compile(rf"(?P<lead>{_LEAD})(?P<model>{_FOREIGN}){_THING}{_TAIL}{END}", _FLAGS)
    for match in words.find(foreign):
        unsure.append(words.value(match, "model"))
    if not unsure:
        unsure += [match[0] for match in words.find(_LEFT_MODEL)]
    return None


def _rejected(words: Words, spoken: str) -> list[re.Match[str]]:
    """What is not to be used, as in "not opus but sonnet"; no longer seen."""
    pattern = re.compile(
        rf"(?:(?<![\w-])(?:please\s+)?(?:(?:do\s+not|don'?t|dont|never)\s+use|not(?:\s+(?:with|using|by|via))?)\s+|(?:请)?(?:别"
        rf"|不要|不)(?:再)?(?:用|使用)\s*)(?P<model>{spoken}){_THING}(?:\s*(?:[,，;；]|but\b))?",
        _FLAGS,
    )
    found = []
    for match in words.find(pattern):
        before = words.clause(match.start())
        if not re.search(r"\w", before) or re.search(rf"{_LEAD}(?:{spoken})\s*$", before, _FLAGS):
            found.append(match)
    for match in found:
        words.take(*match.span(), cut=False)
    return found


def _alone(words: Words, vocabulary: Vocabulary, spoken: str) -> list[tuple[re.Match[str], str]]:
    """A name that says nothing but which model: "Opus please.", "sonnet will do"."""
    pattern = re.compile(
        rf"(?<![\w/.-])(?:just\s+|preferably\s+)?(?P<model>{spoken}){_THING}"
        rf"(?P<asked>{_WILL_DO}*){END}",
        _FLAGS,
    )
    named = {one[0].lower() for one in words.find(_LEFT_MODEL)}
    found: list[tuple[re.Match[str], str]] = []
    for match in words.find(pattern):
        before = words.seen[: match.start()]
        asked = match["asked"] and re.search(
            rf"(?:^|[,.;:!?\n(，。；：！？（]|{TAKEN})\s*$", before
        )
        model = _model_of(match["model"], vocabulary)
        apart = _ALONE.search(before) or (
            re.search(r"[,，、]\s*$", before) and _AMONG.match(words.seen, match.end())
        )
        sentence = words.sentence(match.start())
        about = _ABOUT_MODELS.search(sentence) or _ABOUT_SOUND.search(sentence)
        if model is not None and len(named) == 1 and not about and (asked or apart):
            found.append((match, model))
    return found


def _others(words: Words, match: re.Match[str]) -> bool:
    """Whether the sentence names another model too: then it is likely about them."""
    said = words.value(match, "model").lower()
    named = {one[0].lower() for one in _LEFT_MODEL.finditer(words.sentence(match.start()))}
    return any(said not in one and one not in said for one in named)


def _is_about_models(words: Words, match: re.Match[str]) -> bool:
    """Whether the sentence is work on code that uses models, rather than a choice of one."""
    lead = match["lead"].strip().lower()
    before = words.clause(match.start())
    if re.match(r"(?:use|let|have|ask)\b|换成", lead) and re.search(r"\w", before):
        polite = r"(?:please|and|but|can|could|you|pls|thanks|then|also|模型|请|把)"
        return not re.fullmatch(rf"{MARKS}*(?:{polite}{MARKS}*)+", before, _FLAGS)
    if re.match(r"(?:on|by)\b", lead) and not re.match(END, words.seen[match.end() :]):
        return True
    return _ABOUT_MODELS.search(before) is not None


def _model_of(name: str, vocabulary: Vocabulary) -> str | None:
    """`provider:name` for what people say."""
    spoken = re.sub(r"\s+", " ", name).strip().lower()
    for form in (spoken, spoken.removeprefix("claude ").removeprefix("claude-")):
        if form in vocabulary.models:
            return vocabulary.models[form]
    if match := _FAMILY.fullmatch(spoken):
        if not match["version"]:
            return None
        return f"anthropic:claude-{match['family']}-{match['version'].replace('.', '-')}"
    if match := _GPT.fullmatch(spoken):
        return f"openai:gpt-{match['version']}"
    if _FULL.fullmatch(spoken):
        return f"{'anthropic' if spoken.startswith('claude-') else 'openai'}:{spoken}"
    return None


def read_agent(words: Words, vocabulary: Vocabulary, unsure: list[str]) -> str | None:
    names = "|".join(
        re.escape(name).replace(r"\ ", r"\s+")
        for name in sorted(vocabulary.agents, key=len, reverse=True)
    )
    if not names:
        return None
    pattern = re.compile(rf"(?P<lead>{_LEAD})(?P<agent>{names}){_THING}(?:\s*(?:来|去))?", _FLAGS)
    for match in words.find(pattern):
        name = re.sub(r"\s+", " ", words.value(match, "agent").lower())
        if _is_about_models(words, match):
            unsure.append(name)
            continue
        words.take(*match.span())
        return vocabulary.agents[name]
    return None
