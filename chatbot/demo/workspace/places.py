"""What owners do to channels: archived, opened again, renamed, deleted; the bot taken out or in.

Of each the app is told as Slack does, by an event of the channel and by a message in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.state import Channel, State, User

Json = dict[str, Any]


class Places:
    def __init__(self, state: State, events: Events, *, changed: Callable[[Json], None]) -> None:
        self._state = state
        self._events = events
        self._changed = changed

    def archive(self, user: User, channel: Channel) -> None:
        self._say(user, channel, "channel_archive", f"<@{user.id}> archived the channel")
        channel.is_archived = True
        self._events.place(channel, "archive", user=user.id, is_moved=0)

    def unarchive(self, user: User, channel: Channel) -> None:
        channel.is_archived = False
        self._events.place(channel, "unarchive", user=user.id)
        self._say(user, channel, "channel_unarchive", f"<@{user.id}> un-archived the channel")

    def rename(self, user: User, channel: Channel, name: str) -> None:
        text = f"<@{user.id}> has renamed the channel from {channel.name} to {name}"
        channel.name = name
        self._events.renamed(channel)
        self._say(user, channel, "channel_name", text)

    def delete(self, user: User, channel: Channel) -> None:
        """With all that was said there, for good."""
        self._events.place(channel, "deleted", actor_id=user.id)
        del self._state.channels[channel.id]
        self._tell(channel)

    def remove_bot(self, user: User, channel: Channel) -> None:
        bot = self._state.bot.id
        self._say(user, channel, "channel_leave", f"<@{bot}> has left the channel", by=bot)
        channel.members.remove(bot)
        # To the one who left Slack sends this, and no member_left_channel.
        self._events.place(channel, "left", actor_id=user.id)

    def invite_bot(self, user: User, channel: Channel) -> None:
        bot = self._state.bot.id
        channel.members.append(bot)
        self._events.joined(bot, channel, inviter=user.id)
        self._say(user, channel, "channel_join", f"<@{bot}> has joined the channel", by=bot)

    def leave(self, user: User, channel: Channel) -> None:
        channel.members.remove(user.id)
        self._events.left(user.id, channel)

    def join(self, user: User, channel: Channel) -> None:
        channel.members.append(user.id)
        self._events.joined(user.id, channel)

    def _say(self, user: User, channel: Channel, subtype: str, text: str, *, by: str = "") -> None:
        message = {"type": "message", "subtype": subtype, "ts": self._state.new_ts()}
        message |= {"user": by or user.id, "text": text}
        self._state.add_message(channel, message)
        self._events.message(channel, message)
        self._tell(channel, message["ts"])

    def _tell(self, channel: Channel, ts: str = "") -> None:
        self._changed({"type": "message", "channel": channel.id, "ts": ts, "thread_ts": None})
