"""Who and what is in the workspace, in memory."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from chatbot.demo.workspace.errors import ApiError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    name: str
    real_name: str
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    """Of another organisation, in a shared channel."""

    def to_json(self, team_id: str) -> Json:
        team_id = "T0ELSEWHERE" if self.is_stranger else team_id
        profile = {"real_name": self.real_name, "display_name": self.real_name, "team": team_id}
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "is_bot": self.is_bot,
            "is_restricted": self.is_guest,
            "is_stranger": self.is_stranger,
            "tz": "Etc/UTC",
            "profile": profile,
        }


@dataclass(slots=True, kw_only=True)
class Channel:
    id: str
    name: str
    kind: Literal["channel", "im"] = "channel"
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    """People of another organisation are in it."""
    messages: dict[str, Json] = field(default_factory=dict)
    """By ts, replies too, in the order they were said."""

    def to_json(self, bot: str) -> Json:
        found: Json = {
            "id": self.id,
            "name": self.name,
            "is_channel": self.kind == "channel",
            "is_im": self.kind == "im",
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_ext_shared": self.is_ext_shared,
            "is_member": bot in self.members,
        }
        if self.kind == "im":
            found["user"] = next(member for member in self.members if member != bot)
        return found


@dataclass(slots=True, kw_only=True)
class File:
    id: str
    name: str
    title: str
    data: bytes = b""
    snippet_type: str | None = None
    owner: str = ""
    is_complete: bool = False


class State:
    """Everything that is said, reacted to, uploaded and opened."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        team_id: str = "T0LOCAL",
        enterprise_id: str | None = None,
        is_org_install: bool = False,
    ) -> None:
        """``is_org_install``: the organisation installed the app, not the workspace."""
        self.clock = clock
        self.team_id, self.app_id = team_id, "A0THREADS"
        self.enterprise_id, self.is_org_install = enterprise_id, is_org_install
        self.bot = User(id="U0BOT", name="threadsmith", real_name="Threadsmith", is_bot=True)
        self.bot_id = "B0BOT"
        ada = User(id="U0ADA", name="ada", real_name="Ada Young")
        grace = User(id="U0GRACE", name="grace", real_name="Grace Park")
        self.users = {user.id: user for user in (ada, grace, self.bot)}
        self.channels = {
            channel.id: channel
            for channel in (
                Channel(id="C0SHOP", name="shop", members=list(self.users)),
                Channel(id="C0GENERAL", name="general", members=list(self.users)),
                Channel(id="D0ADA", name="ada", kind="im", members=[ada.id, self.bot.id]),
                Channel(id="D0GRACE", name="grace", kind="im", members=[grace.id, self.bot.id]),
            )
        }
        self.groups = {"S0SHOP": ("shop-owners", [grace.id])}
        """User groups: handle and members."""
        self.files: dict[str, File] = {}
        self.views: dict[str, Json] = {}
        self.ephemerals: list[Json] = []
        self.homes: dict[str, Json] = {}
        """The app's home tab, by person."""
        self.prompts: dict[str, Json] = {}
        """What the app suggests to say, by channel."""
        self.statuses: dict[tuple[str, str], tuple[str, float]] = {}
        """What the app says it is doing, by channel and thread, and until when that stands."""
        self.sessions: dict[tuple[str, str], Json] = {}
        self._numbers = itertools.count(1)
        self._last_ts = 0

    # Finding

    def user(self, name: str) -> User:
        """By id or by short name."""
        for user in self.users.values():
            if name in {user.id, user.name}:
                return user
        raise ApiError("user_not_found")

    def channel(self, name: str) -> Channel:
        """By id or by name; a person's id means the direct messages with them."""
        for channel in self.channels.values():
            if channel.kind == "im" and name in channel.members and name != self.bot.id:
                return channel
            if name in {channel.id, channel.name} and (
                name == channel.id or channel.kind == "channel"
            ):
                return channel
        raise ApiError("channel_not_found")

    def message(self, channel: Channel, ts: str) -> Json:
        found = channel.messages.get(ts)
        if found is None:
            raise ApiError("message_not_found")
        return found

    def file(self, file_id: str) -> File:
        found = self.files.get(file_id)
        if found is None:
            raise ApiError("file_not_found")
        return found

    # Making

    def new_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._numbers):04d}{secrets.token_hex(3).upper()}"

    def new_ts(self) -> str:
        """Slack's ids of messages: seconds and microseconds, never twice the same."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_message(self, channel: Channel, message: Json) -> Json:
        """Into the channel, and into its thread's count."""
        channel.messages[message["ts"]] = message
        root = channel.messages.get(message.get("thread_ts", ""))
        if root is not None and root is not message:
            root.setdefault("thread_ts", root["ts"])
            message["parent_user_id"] = root.get("user")
            self._count_replies(channel, root)
        return message

    def remove_message(self, channel: Channel, message: Json) -> None:
        """A parent leaves a gravestone, so that its replies keep their place."""
        if message.get("reply_count"):
            kept = {name: message[name] for name in ("ts", "thread_ts")}
            grave = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT"}
            text = {"text": "This message was deleted."}
            root = channel.messages[message["ts"]] = {**grave, **text, **kept}
            self._count_replies(channel, root)
            return
        del channel.messages[message["ts"]]
        root = channel.messages.get(message.get("thread_ts", ""), {})
        if root:
            self._count_replies(channel, root)

    def _count_replies(self, channel: Channel, root: Json) -> None:
        """What a parent tells of its replies."""
        replies = self.thread(channel, root["ts"])[1:]
        users = list(dict.fromkeys(reply.get("user") or reply.get("bot_id") for reply in replies))
        root |= {"reply_count": len(replies), "reply_users": users}
        root |= {"reply_users_count": len(users), "is_locked": False, "subscribed": False}
        root["latest_reply"] = replies[-1]["ts"] if replies else root["ts"]

    def root_ts(self, channel: Channel, ts: str) -> str:
        """Of the thread that a message with this ts stands in."""
        if ts not in channel.messages:
            raise ApiError("thread_not_found")
        return str(channel.messages[ts].get("thread_ts", ts))

    def name_blocks(self, blocks: list[Json]) -> None:
        """Give ids to blocks and buttons that have none."""
        for block in blocks:
            block.setdefault("block_id", secrets.token_hex(3))
            accessory = [block["accessory"]] if block.get("accessory") else []
            for element in [*(block.get("elements") or []), *accessory]:
                if element.get("type") == "button":
                    element.setdefault("action_id", secrets.token_hex(3))

    def thread(self, channel: Channel, root_ts: str) -> list[Json]:
        """The parent and its replies."""
        return [
            message
            for message in channel.messages.values()
            if message["ts"] == root_ts or message.get("thread_ts") == root_ts
        ]

    def top_level(self, channel: Channel) -> list[Json]:
        return [
            message
            for message in channel.messages.values()
            if message.get("thread_ts", message["ts"]) == message["ts"]
        ]
