"""Slack's text as the person wrote it."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"<(?:"
    r"@(?P<user>[UW][A-Z0-9]*)(?:\|(?P<name>[^<>]*))?"
    r"|\#(?P<channel>[CG][A-Z0-9]*)(?:\|(?P<channel_name>[^<>]*))?"
    r"|!subteam\^[A-Z0-9]+(?:\|@?(?P<group>[^<>]*))?"
    r"|!(?P<everybody>here|channel|everyone)(?:\|[^<>]*)?"
    r"|!date\^[^|<>]*\|(?P<date>[^<>]*)"
    r"|(?P<url>(?:https?|ssh|git|ftp|mailto|tel|slack)[:][^|<>\s]+)(?:\|(?P<label>[^<>]*))?"
    r")>"
)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b\u200c\u200d\u2060\ufeff\ue000-\ue00f]")


def plain(words: str) -> str:
    """Without mentions and escapes, links as bare addresses; code stands as it was written."""
    text = _TOKEN.sub(_written, words.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)
    text = _INVISIBLE.sub("", text)
    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_tidy(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, _tidy(text[at:])]).strip()


def escaped(text: str) -> str:
    """As Slack would send it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _written(match: re.Match[str]) -> str:
    if match["user"]:
        return f"@{match['name']}" if match["name"] else " "
    if match["channel"]:
        return f"#{match['channel_name']}" if match["channel_name"] else " "
    for name in ("group", "everybody"):
        if match[name]:
            return f"@{match[name]}"
    if match["date"]:
        return match["date"]
    url = match["url"]
    if url is None:
        return " "
    label = match["label"]
    if url.startswith(("mailto:", "tel:")):
        return str(label or url.partition(":")[2])
    # Slack links bare words that look like hosts; what was typed is the label then.
    return str(label if label and url == f"http://{label}" else url)


def _tidy(text: str) -> str:
    """One blank between words; indents stay, as lists may be nested."""
    lines: list[str] = []
    for line in text.split("\n"):
        body = line.replace("\u00a0", " ").strip(" \t")
        indent = line[: len(line) - len(line.lstrip(" \t"))] if lines else ""
        lines.append(indent + re.sub(r"[ \t]+", " ", body) if body else "")
    ended = " " if text[-1:] in {" ", "\t"} else ""
    begun = " " if text[:1] in {" ", "\t"} else ""
    return begun + "\n".join(lines).lstrip(" \t") + ended
