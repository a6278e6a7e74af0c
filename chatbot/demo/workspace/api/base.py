"""What every family of methods shares: the state, the app's events, who may do what where."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.limits import MAX_TEXT
from chatbot.demo.workspace.state import Channel, State
from chatbot.demo.workspace.text import as_sent

Json = dict[str, Any]
Changed = Callable[[Json], None]
Methods = dict[str, Callable[[Json], Awaitable[Json]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    state: State
    events: Events
    url: str
    changed: Changed
    """What people should see goes out through it."""

    def readable(self, sent: Json) -> Channel:
        channel = self.state.channel(str(sent.get("channel")))
        if self.state.bot.id not in channel.members:
            # A private channel is not there for those who are not in it.
            raise ApiError("channel_not_found" if channel.is_private else "not_in_channel")
        return channel

    def writable(self, sent: Json) -> Channel:
        channel = self.readable(sent)
        if channel.is_archived:
            raise ApiError("is_archived")
        return channel

    def from_bot(self, sent: Json) -> Json:
        """A new message of the bot, with the ids that Slack gives to blocks."""
        state = self.state
        message: Json = {
            "type": "message",
            "user": state.bot.id,
            "bot_id": state.bot_id,
            "app_id": state.app_id,
            "team": state.team_id,
            "ts": state.new_ts(),
            "text": cut_text(sent),
            "bot_profile": {
                "id": state.bot_id,
                "app_id": state.app_id,
                "name": state.bot.real_name,
                "team_id": state.team_id,
            },
            **given(sent, "blocks", "metadata", "attachments"),
        }
        self.state.name_blocks(message.get("blocks") or [])
        return message

    def tell(self, channel: Channel, message: Json) -> None:
        """The pages that are open."""
        self.changed(
            {
                "type": "message",
                "channel": channel.id,
                "ts": message["ts"],
                "thread_ts": message.get("thread_ts"),
            }
        )


_REFUSALS = {
    "blocks": "invalid_blocks_format",
    "metadata": "invalid_metadata_format",
    "attachments": "invalid_attachments",
}


def given(sent: Json, *names: str) -> Json:
    """Arguments that came, decoded where they came as JSON text."""
    found = {}
    for name in names:
        if (value := sent.get(name)) is not None:
            is_json = name != "text" and isinstance(value, str)
            found[name] = _decode(name, value) if is_json and value else value
    return found


def _decode(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ApiError(_REFUSALS.get(name, "invalid_arguments")) from None


def cut_text(sent: Json) -> str:
    """Slack cuts off what is beyond its limit."""
    return as_sent(str(sent.get("text") or sent.get("markdown_text") or "")[:MAX_TEXT])


def is_true(value: object) -> bool:
    """Booleans come as such in JSON, as 1, 0, true or false in a form."""
    return str(value or "").lower() in {"1", "true"}
