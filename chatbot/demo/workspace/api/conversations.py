"""Channels, what was said in them, and the people there."""

from __future__ import annotations

import base64
from typing import TypeVar

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
            "usergroups.list": self._groups,
            "usergroups.users.list": self._group_users,
        }

    async def _info(self, sent: Json) -> Json:
        channel = self._state.channel(str(sent.get("channel")))
        return {"channel": channel.to_json(self._state.bot.id)}

    async def _list(self, sent: Json) -> Json:
        bot = self._state.bot.id
        kinds = str(sent.get("types") or "public_channel").split(",")
        wanted = {"public_channel": "channel", "im": "im"}
        shown = [wanted[kind.strip()] for kind in kinds if kind.strip() in wanted]
        channels = [
            channel
            for channel in self._state.channels.values()
            if channel.kind in shown
            and (channel.kind == "channel" or bot in channel.members)
            and not (channel.is_archived and is_true(sent.get("exclude_archived")))
        ]
        found, cursor = cut(channels, sent)
        listed = [channel.to_json(bot) for channel in found]
        return {"channels": listed, "response_metadata": {"next_cursor": cursor}}

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

    async def _groups(self, _: Json) -> Json:
        groups = [
            {"id": group, "team_id": self._state.team_id, "name": handle, "handle": handle}
            for group, (handle, _) in self._state.groups.items()
        ]
        return {"usergroups": groups}

    async def _group_users(self, sent: Json) -> Json:
        found = self._state.groups.get(str(sent.get("usergroup")))
        if found is None:
            raise ApiError("no_such_subteam")
        return {"users": list(found[1])}

    async def _users(self, _: Json) -> Json:
        members = [user.to_json(self._state.team_id) for user in self._state.users.values()]
        return {"members": members, "response_metadata": {"next_cursor": ""}}


def _page(messages: list[Json], sent: Json) -> Json:
    found, cursor = cut([m for m in messages if _is_between(m, sent)], sent)
    with_metadata = is_true(sent.get("include_all_metadata"))
    shown = [m if with_metadata else {k: v for k, v in m.items() if k != "metadata"} for m in found]
    answer: Json = {"messages": shown, "has_more": bool(cursor)}
    return answer | {"response_metadata": {"next_cursor": cursor}}


def _is_between(message: Json, sent: Json) -> bool:
    """The parent of a thread is on its first page whatever was asked for."""
    ts, edges = float(message["ts"]), is_true(sent.get("inclusive"))
    if sent.get("ts") == message["ts"]:
        return True
    oldest, latest = float(sent.get("oldest") or 0), float(sent.get("latest") or "inf")
    return oldest < ts < latest or (edges and ts in {oldest, latest})


T = TypeVar("T")


def cut(items: list[T], sent: Json) -> tuple[list[T], str]:
    """One page of them, and the cursor of the next: opaque, and empty at the end."""
    limit = max(1, min(int(sent.get("limit") or 100), 1000))
    start = _start(str(sent.get("cursor") or ""))
    after = start + limit
    more = base64.b64encode(f"next:{after}".encode()).decode() if after < len(items) else ""
    return items[start:after], more


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        start = int(number)
    except ValueError:
        raise ApiError("invalid_cursor") from None
    if word != "next" or start < 0:
        raise ApiError("invalid_cursor")
    return start
