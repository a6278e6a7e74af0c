"""Emoji on messages."""

from __future__ import annotations

import re

from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.state import Channel, User

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

    def set(self, channel: Channel, message: Json, user: User, name: str, *, on: bool) -> None:
        """By the bot or by a person."""
        if not _NAME.fullmatch(name):
            raise ApiError("invalid_name")
        if on:
            _add(message, user.id, name)
        else:
            _remove(message, user.id, name)
        self._base.events.reaction(channel, message, user.id, name, added=on)
        self._base.tell(channel, message)

    async def _add(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        self.set(channel, message, self._base.state.bot, str(sent.get("name") or ""), on=True)
        return {}

    async def _remove(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        self.set(channel, message, self._base.state.bot, str(sent.get("name") or ""), on=False)
        return {}

    async def _get(self, sent: Json) -> Json:
        channel, message = self._message(sent)
        return {"type": "message", "channel": channel.id, "message": message}

    def _message(self, sent: Json) -> tuple[Channel, Json]:
        channel = self._base.writable(sent)
        return channel, self._base.state.message(channel, str(sent.get("timestamp")))


def _add(message: Json, user_id: str, name: str) -> None:
    reactions = message.setdefault("reactions", [])
    found = next((reaction for reaction in reactions if reaction["name"] == name), None)
    if found is None:
        if len(reactions) >= MAX_NAMES:
            raise ApiError("too_many_emoji")
        found = {"name": name, "users": [], "count": 0}
        reactions.append(found)
    if user_id in found["users"]:
        raise ApiError("already_reacted")
    found["users"].append(user_id)
    found["count"] += 1


def _remove(message: Json, user_id: str, name: str) -> None:
    for reaction in message.get("reactions", []):
        if reaction["name"] == name and user_id in reaction["users"]:
            reaction["users"].remove(user_id)
            reaction["count"] -= 1
            message["reactions"] = [one for one in message["reactions"] if one["count"]]
            return
    raise ApiError("no_reaction")
