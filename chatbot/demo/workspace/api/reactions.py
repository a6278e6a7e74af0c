"""Emoji on messages."""

from __future__ import annotations

import re

from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.state import Channel

MAX_NAMES = 23
"""Different reactions on one message."""
_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


class Reactions:
    def __init__(self, base: Base) -> None:
        self._base = base

    def methods(self) -> Methods:
        return {
            "reactions.add": self._add,
            "reactions.remove": self._remove,
            "reactions.get": self._get,
        }

    async def _add(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        name, bot = _name(sent), self._base.state.bot.id
        reactions = message.setdefault("reactions", [])
        found = next((reaction for reaction in reactions if reaction["name"] == name), None)
        if found is None:
            if len(reactions) >= MAX_NAMES:
                raise ApiError("too_many_emoji")
            found = {"name": name, "users": [], "count": 0}
            reactions.append(found)
        if bot in found["users"]:
            raise ApiError("already_reacted")
        found["users"].append(bot)
        found["count"] += 1
        self._base.events.reaction(channel, message, bot, name, added=True)
        self._base.tell(channel, message)
        return {}

    async def _remove(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        name, bot = _name(sent), self._base.state.bot.id
        for reaction in message.get("reactions", []):
            if reaction["name"] == name and bot in reaction["users"]:
                reaction["users"].remove(bot)
                reaction["count"] -= 1
                message["reactions"] = [r for r in message["reactions"] if r["count"]]
                self._base.events.reaction(channel, message, bot, name, added=False)
                self._base.tell(channel, message)
                return {}
        raise ApiError("no_reaction")

    async def _get(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        return {"type": "message", "channel": channel.id, "message": message}

    def _message(self, sent: Json) -> tuple[Channel, Json]:
        channel = self._base.writable(sent)
        return channel, self._base.state.message(channel, str(sent.get("timestamp")))


def _name(sent: Json) -> str:
    name = str(sent.get("name") or "")
    if not _NAME.fullmatch(name):
        raise ApiError("invalid_name")
    return name
