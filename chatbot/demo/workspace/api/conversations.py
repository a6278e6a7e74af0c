"""Channels, what was said in them, and the people there."""

from __future__ import annotations

from chatbot.demo.workspace.api.base import Base, Json, Methods, is_true
from chatbot.demo.workspace.errors import ApiError


class Conversations:
    def __init__(self, base: Base) -> None:
        self._base = base
        self._state = base.state

    def methods(self) -> Methods:
        return {
            "conversations.info": self._info,
            "conversations.list": self._list,
            "conversations.members": self._members,
            "conversations.open": self._open,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
            "users.info": self._user,
            "users.list": self._users,
        }

    async def _info(self, sent: Json) -> Json:
        channel = self._state.channel(str(sent.get("channel")))
        return {"channel": channel.to_json(self._state.bot.id)}

    async def _list(self, _: Json) -> Json:
        bot = self._state.bot.id
        channels = [c.to_json(bot) for c in self._state.channels.values() if c.kind == "channel"]
        return {"channels": channels, "response_metadata": {"next_cursor": ""}}

    async def _members(self, sent: Json) -> Json:
        channel = self._state.channel(str(sent.get("channel")))
        return {"members": channel.members, "response_metadata": {"next_cursor": ""}}

    async def _open(self, sent: Json) -> Json:
        user = self._state.user(str(sent.get("users")))
        return {"channel": {"id": self._state.channel(user.id).id}}

    async def _replies(self, sent: Json) -> Json:
        channel = self._base.readable(sent)
        ts = str(sent.get("ts"))
        if ts not in channel.messages:
            raise ApiError("thread_not_found")
        return _page(self._state.thread(channel, ts), sent)

    async def _history(self, sent: Json) -> Json:
        channel = self._base.readable(sent)
        return _page(list(reversed(self._state.top_level(channel))), sent)

    async def _user(self, sent: Json) -> Json:
        return {"user": self._state.user(str(sent.get("user"))).to_json(self._state.team_id)}

    async def _users(self, _: Json) -> Json:
        members = [user.to_json(self._state.team_id) for user in self._state.users.values()]
        return {"members": members, "response_metadata": {"next_cursor": ""}}


def _page(messages: list[Json], sent: Json) -> Json:
    limit = max(1, min(int(sent.get("limit") or 100), 1000))
    start = int(sent.get("cursor") or 0)
    more = start + limit < len(messages)
    with_metadata = is_true(sent.get("include_all_metadata"))
    shown = [
        m if with_metadata else {k: v for k, v in m.items() if k != "metadata"}
        for m in messages[start : start + limit]
    ]
    cursor = str(start + limit) if more else ""
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}
