"""Text as Slack stores it: escaped, with mentions, channels and links in angle brackets."""

from __future__ import annotations

import re

from chatbot.demo.workspace.state import State

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_CONTROL = re.compile(r"<(?:[@#!][^<>\s]+|(?:https?://|mailto:)[^<>\s|]+)(?:\|[^<>]*)?>")
_STRAY = re.compile(r"&(?!(?:amp|lt|gt);)")
_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"]")
_NAME = re.compile(
    # Slack's client links what looks like the name of a host, be it README.md or main.rs.
    r"(?<![\w./@:-])(?:[A-Za-z0-9-]+\.)+(?:com|org|net|io|dev|app|ai|md|py|rs|sh|me|eu|de|uk)"
    r"(?:/[^\s<>|]*[^\s<>|.,;:!?)])?(?![\w./@-]*\w)"
)


def as_typed(text: str, state: State) -> str:
    """What a person typed."""
    parts = _CODE.split(text)
    return "".join(
        escape(part) if index % 2 else _linked(escape(part), state)
        for index, part in enumerate(parts)
    )


def as_sent(text: str) -> str:
    """What an app sent: its control sequences stand, everything else is made safe."""
    parts, at = [], 0
    for match in _CONTROL.finditer(text):
        parts += [_plain(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*parts, _plain(text[at:])])


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    safe = _STRAY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    return _URL.sub(lambda match: f"<{match[0]}>", safe)


def _linked(text: str, state: State) -> str:
    parts, at = [], 0
    for match in _URL.finditer(text):
        parts += [_named(text[at : match.start()], state), f"<{match[0]}>"]
        at = match.end()
    return "".join([*parts, _named(text[at:], state)])


def _named(text: str, state: State) -> str:
    text = _NAME.sub(lambda match: f"<http://{match[0]}|{match[0]}>", text)
    for user in state.users.values():
        names = f"{re.escape(user.real_name)}|{re.escape(user.name)}"
        text = re.sub(rf"(?<![\w/])@(?:{names})\b", f"<@{user.id}>", text, flags=re.IGNORECASE)
    for channel in state.channels.values():
        if channel.kind == "channel":
            mark = f"<#{channel.id}|{channel.name}>"
            text = re.sub(rf"(?<![\w&/])#{re.escape(channel.name)}\b", mark, text)
    return text
