"""A person's words -> what they ask for. Pure: no network, no clock, no settings."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from sandbox.spec import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was understood. ``repository`` is `owner/name`, a git URL, or None: none is named."""

    task: str
    repository: str | None = None
    ref: str | None = None
    mode: Mode = "change"
    model: str | None = None
    image: str | None = None
    """Of the container."""
    candidates: tuple[str, ...] = ()
    """Several repositories were named and none stands out: ask."""


_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<((?:https?|ssh|git)://[^|>\s]+|mailto:[^|>\s]+)(?:\|([^>]*))?>")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

_OWNER_NAME = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_][A-Za-z0-9._-]*[A-Za-z0-9_-]"
_URL = r"(?:https?://|ssh://)[^\s<>\"'`,;]+|git@[A-Za-z0-9.-]+:[^\s<>\"'`,;]+"
_LEAD = r"(?:\b(?:in|for|of|on|from|to|against)\s+)?(?:\bthe\s+)?(?:\b(?:repo|repository)\s+)?"
_REF_NAME = r"[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]|[A-Za-z0-9]"
_REF = (
    rf"(?:@(?P<at>{_REF_NAME})"
    rf"|,?\s+(?:on|at|from)\s+(?:the\s+)?(?:branch|tag|commit|ref)\s+`?(?P<named>{_REF_NAME})`?"
    rf"|,?\s+at\s+`?(?P<version>v\d[A-Za-z0-9._-]*|[0-9a-f]{{7,40}})`?)?"
)
_REPOSITORY = re.compile(
    rf"(?P<lead>{_LEAD})(?<![\w./@:-])`?(?P<name>{_URL}|{_OWNER_NAME})`?(?![\w/]){_REF}"
)
_LOOSE_REF = re.compile(
    rf"\b(?:on|at|from)\s+(?:the\s+)?(?:branch|tag|commit)\s+`?(?P<named>{_REF_NAME})`?"
)
_MODEL = re.compile(
    r"\b(?:with|using|by)\s+(?:model\s+)?`?(?P<model>(?:anthropic|openai|replay):[^\s`,;]+)`?"
)
_IMAGE_NAME = r"[A-Za-z0-9][\w./-]*"
_IMAGE = re.compile(
    rf"\b(?:(?:with|using|in)\s+(?:the\s+)?)?image=`?(?P<any>{_IMAGE_NAME}(?::[\w.-]+)?)`?"
    rf"|\b(?:with|using|in)\s+(?:the\s+)?image\s+`?(?P<tagged>{_IMAGE_NAME}:[\w.-]+)`?"
)
_FILE_ENDING = re.compile(r"\.(?:py|js|ts|tsx|go|rs|c|h|cc|cpp|java|rb|md|txt|toml|ya?ml|json|sh)$")
_GIT_PAGE = re.compile(r"^(https?://[^/]+/[^/]+/[^/]+?)(?:\.git)?(?:/tree/(?P<ref>[^?#]+))?/?$")
# What a person links to: it is spoken of, and says in passing which repository is meant.
_LINKED_PAGE = re.compile(
    r"^(https?://[^/]+/[^/]+/[^/]+)/(?:issues/\d+|pull/\d+|commit/[0-9a-f]{7,40}|blob/[^/]+/.)"
)
_EXPLAIN = re.compile(
    r"^(?:please\s+)?(?:explain|describe|summari[sz]e|how|why|what|where|which)\b", re.IGNORECASE
)
_REVIEW = re.compile(r"^(?:please\s+)?(?:review|audit)\b", re.IGNORECASE)
_STOP = re.compile(
    r"^(?:please\s+)?(?:stop|cancel|abort|halt)(?:\s+(?:it|this|that|now|please|the task))*[.!]*$",
    re.IGNORECASE,
)


_AUTOFIX = re.compile(r"^auto-?fix\s+(on|off)[.!]*$", re.IGNORECASE)
_LINK_ME = re.compile(
    r"^(?:link|connect)\s+(?:me\s+(?:to|with)\s+)?git\s?hub\s+(?:as\s+)?@?"
    r"(?P<login>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))[.!]*$",
    re.IGNORECASE,
)
_UNLINK = re.compile(r"^(?:unlink|disconnect)\s+(?:me\s+from\s+)?git\s?hub[.!]*$", re.IGNORECASE)


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


def is_stop(words: str) -> bool:
    """Whether the words are a stop and nothing else ("stop the timer leak" is work)."""
    return bool(_STOP.match(plain(words)))


def plain(words: str) -> str:
    """Slack's text as the person wrote it: no mention, no escapes, links as bare addresses."""
    text = _MENTION.sub(" ", words)
    # Slack links bare words that look like hosts; what was typed is the label then.
    text = _LINK.sub(lambda m: m[2] if m[2] and m[1] == f"http://{m[2]}" else m[1], text)
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in html.unescape(text).splitlines())
    return "\n".join(lines).strip()


def understand(words: str) -> Request:
    """Read a request. What names repository, ref or model is taken out of the task's text."""
    text = plain(words)
    model = None
    if match := _MODEL.search(text):
        model = match["model"]
        text = _without(text, match)
    image = None
    if match := _IMAGE.search(text):
        image = match["any"] or match["tagged"]
        text = _without(text, match)
    repository, ref, candidates, text = _find_repository(text)
    if repository and ref is None and (match := _LOOSE_REF.search(text)):
        ref = match["named"]
        text = _without(text, match)
    return Request(
        task=text,
        repository=repository,
        ref=ref,
        mode=_mode(text),
        model=model,
        image=image,
        candidates=candidates,
    )


def _mode(text: str) -> Mode:
    if _REVIEW.match(text):
        return "review"
    return "explain" if _EXPLAIN.match(text) else "change"


def _find_repository(text: str) -> tuple[str | None, str | None, tuple[str, ...], str]:
    quoted = [match.span() for match in _CODE.finditer(text)]
    found, linked = [], []
    for match in _REPOSITORY.finditer(text):
        name = match["name"].rstrip(".,:;!?)")
        whole = any(start == match.start("name") - 1 for start, _ in quoted)
        inside = any(start < match.start("name") < end for start, end in quoted)
        if page := _LINKED_PAGE.match(name):
            linked.append(page[1])
            continue
        if _FILE_ENDING.search(name) and "://" not in name:
            continue
        if inside and not whole:
            continue
        found.append((match, name))
    if not found:
        names = tuple(dict.fromkeys(linked))
        return (names[0], None, (), text) if len(names) == 1 else (None, None, names, text)
    led = [pair for pair in found if _stands_out(pair[0], pair[1], text)]
    chosen = led or found
    names = tuple(dict.fromkeys(name for _, name in chosen))
    if len(names) > 1:
        return None, None, names, text
    match, name = chosen[0]
    ref = match["at"] or match["named"] or match["version"]
    if page := _GIT_PAGE.match(name):
        ref = ref or page["ref"]
        name = page[1]
    # In the middle of a sentence the name is part of what is said.
    return name, ref, (), _without(text, match) if led else text


def _stands_out(match: re.Match[str], name: str, text: str) -> bool:
    """Led by "in", "for", "repo" …; an address; or the first words of the request."""
    led = match["lead"].strip().lower() not in {"", "the"}
    return led or "://" in name or "@" in name or not text[: match.start()].strip()


def _without(text: str, match: re.Match[str]) -> str:
    before, after = text[: match.start()].rstrip(" ,"), text[match.end() :]
    after = after.lstrip(" ,:") if not before else after
    joined = f"{before} {after.lstrip(' ')}" if after.strip(" ") else before
    return re.sub(r" +([.,;:!?])", r"\1", joined).strip(" ,:")
