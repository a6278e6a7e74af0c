"""What the bot says."""

from __future__ import annotations

from chatbot.demo.workspace.api.base import Base, Json, Methods, given
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.limits import MAX_TEXT, check_message
from chatbot.demo.workspace.state import Channel
from chatbot.demo.workspace.text import as_sent


class Chat:
    def __init__(self, base: Base) -> None:
        self._base = base

    def methods(self) -> Methods:
        return {
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
        }

    def post(self, channel: Channel, sent: Json) -> Json:
        """Say it; answers the message."""
        base = self._base
        check_message(_decoded(sent))
        message = base.from_bot(sent)
        if sent.get("thread_ts"):
            message["thread_ts"] = base.state.root_ts(channel, str(sent["thread_ts"]))
        base.state.add_message(channel, message)
        self._end_status(channel, message)
        base.events.message(channel, message)
        base.tell(channel, message)
        return message

    def _end_status(self, channel: Channel, message: Json) -> None:
        """A status stands until the app says something in its thread; a session goes on."""
        state, key = self._base.state, (channel.id, str(message.get("thread_ts", "")))
        if key in state.statuses and key not in state.sessions:
            del state.statuses[key]
            gone = {"type": "status", "channel": key[0], "thread_ts": key[1], "status": ""}
            self._base.changed(gone | {"seconds": 0})

    def post_ephemeral(self, channel: Channel, user_id: str, sent: Json) -> Json:
        """Say it to one person."""
        base = self._base
        check_message(_decoded(sent))
        message = base.from_bot(sent)
        if sent.get("thread_ts"):
            message["thread_ts"] = str(sent["thread_ts"])
        base.state.ephemerals.append({**message, "channel": channel.id, "to": user_id})
        base.tell(channel, message)
        return message

    def update(self, channel: Channel, message: Json, sent: Json) -> None:
        """What is not given stays as it is."""
        base = self._base
        more = given(sent, "text", "blocks", "metadata", "attachments")
        if len(more.get("text") or "") > MAX_TEXT:
            raise ApiError("msg_too_long")
        if "text" in more:
            more["text"] = as_sent(str(more["text"]))
        check_message({**message, **more})
        base.state.name_blocks(more.get("blocks") or [])
        previous = dict(message)
        message |= more
        message["edited"] = {"user": base.state.bot.id, "ts": base.state.new_ts()}
        base.events.changed(channel, message, previous)
        base.tell(channel, message)

    def delete(self, channel: Channel, message: Json) -> None:
        base = self._base
        base.state.remove_message(channel, message)
        base.events.deleted(channel, message)
        base.tell(channel, message)

    async def _post(self, sent: Json) -> Json:
        channel = self._base.writable(sent)
        message = self.post(channel, sent)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    async def _post_ephemeral(self, sent: Json) -> Json:
        channel = self._base.writable(sent)
        user = self._base.state.user(str(sent.get("user")))
        if user.id not in channel.members:
            raise ApiError("user_not_in_channel")
        return {"message_ts": self.post_ephemeral(channel, user.id, sent)["ts"]}

    async def _update(self, sent: Json) -> Json:
        channel = self._base.readable(sent)
        if channel.is_archived:
            # Slack's own word for edits, and no other call's.
            raise ApiError("is_inactive")
        message = self._own(channel, sent, "cant_update_message")
        self.update(channel, message, sent)
        text = message.get("text", "")
        return {"channel": channel.id, "ts": message["ts"], "text": text, "message": message}

    async def _delete(self, sent: Json) -> Json:
        channel = self._base.writable(sent)
        message = self._own(channel, sent, "cant_delete_message")
        self.delete(channel, message)
        return {"channel": channel.id, "ts": message["ts"]}

    async def _permalink(self, sent: Json) -> Json:
        channel = self._base.readable(sent)
        ts = str(sent.get("message_ts"))
        self._base.state.message(channel, ts)
        return {"channel": channel.id, "permalink": f"{self._base.url}/#{channel.id}/{ts}"}

    def _own(self, channel: Channel, sent: Json, refusal: str) -> Json:
        message = self._base.state.message(channel, str(sent.get("ts")))
        if message.get("user") != self._base.state.bot.id:
            raise ApiError(refusal)
        return message


def _decoded(sent: Json) -> Json:
    return {**sent, **given(sent, "blocks", "metadata", "attachments")}
