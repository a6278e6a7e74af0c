"""Slack's Web API, method by method."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.limits import check_message, check_view
from chatbot.demo.workspace.socket_mode import SocketMode
from chatbot.demo.workspace.state import Channel, File, State

Json = dict[str, Any]
Changed = Callable[[Json], None]

TRIGGER_SECONDS = 3.0
REACTION_NAMES = 23
"""Different reactions on one message."""


class Api:
    """Answers calls; what people should see goes out through ``changed``."""

    def __init__(
        self,
        state: State,
        events: Events,
        socket_mode: SocketMode,
        *,
        url: str,
        changed: Changed,
    ) -> None:
        self._state = state
        self._events = events
        self._socket_mode = socket_mode
        self._url = url
        self._changed = changed
        self.methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "api.test": self._test,
            "auth.test": self._auth_test,
            "apps.connections.open": self._open_connection,
            "bots.info": self._bots_info,
            "team.info": self._team_info,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.info": self._conversation,
            "conversations.list": self._conversations,
            "conversations.members": self._members,
            "conversations.open": self._open_conversation,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
            "users.info": self._user,
            "users.list": self._users,
            "reactions.add": self._react,
            "reactions.remove": self._unreact,
            "reactions.get": self._reactions,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete_upload,
            "files.info": self._file,
            "views.open": self._open_view,
            "views.update": self._update_view,
            "views.publish": self._publish_view,
        }

    async def call(self, method: str, sent: Json) -> Json:
        found = self.methods.get(method)
        if found is None:
            # Where the workspace has no agent sessions, Slack says so.
            is_agents = method.startswith(("agents.", "assistant."))
            raise ApiError("feature_disabled" if is_agents else "unknown_method")
        return await found(sent)

    # The app

    async def _test(self, sent: Json) -> Json:
        return {"args": sent}

    async def _auth_test(self, _: Json) -> Json:
        bot = self._state.bot
        return {
            "url": f"{self._url}/",
            "team": "Local",
            "user": bot.name,
            "team_id": self._state.team_id,
            "user_id": bot.id,
            "bot_id": self._state.bot_id,
            "is_enterprise_install": False,
        }

    async def _open_connection(self, _: Json) -> Json:
        ticket = self._socket_mode.issue_ticket()
        return {"url": f"{self._url.replace('http', 'ws', 1)}/link?ticket={ticket}"}

    async def _bots_info(self, _: Json) -> Json:
        bot = self._state.bot
        return {
            "bot": {
                "id": self._state.bot_id,
                "name": bot.real_name,
                "user_id": bot.id,
                "app_id": self._state.app_id,
            }
        }

    async def _team_info(self, _: Json) -> Json:
        return {"team": {"id": self._state.team_id, "name": "Local", "domain": "local"}}

    # Messages

    async def _post(self, sent: Json) -> Json:
        channel = self._writable(sent)
        check_message(sent)
        message = self._from_bot(sent)
        thread_ts = sent.get("thread_ts")
        if thread_ts:
            if thread_ts not in channel.messages:
                raise ApiError("thread_not_found")
            message["thread_ts"] = thread_ts
        self._state.add_message(channel, message)
        self._events.message(channel, message)
        self._tell(channel, message)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    async def _post_ephemeral(self, sent: Json) -> Json:
        channel = self._writable(sent)
        user = self._state.user(str(sent.get("user")))
        if user.id not in channel.members:
            raise ApiError("user_not_in_channel")
        check_message(sent)
        message = self._from_bot(sent) | {"is_ephemeral": True, "to": user.id}
        if sent.get("thread_ts"):
            message["thread_ts"] = sent["thread_ts"]
        self._state.ephemerals.append({**message, "channel": channel.id})
        self._tell(channel, message)
        return {"message_ts": message["ts"]}

    async def _update(self, sent: Json) -> Json:
        channel = self._writable(sent)
        message = self._own(channel, sent)
        merged = {**message, **_given(sent, "text", "blocks", "metadata", "attachments")}
        check_message(merged)
        previous = dict(message)
        message |= merged
        message["edited"] = {"user": self._state.bot.id, "ts": self._state.new_ts()}
        self._events.changed(channel, message, previous)
        self._tell(channel, message)
        text = message.get("text", "")
        return {"channel": channel.id, "ts": message["ts"], "text": text, "message": message}

    async def _delete(self, sent: Json) -> Json:
        channel = self._writable(sent)
        message = self._own(channel, sent)
        del channel.messages[message["ts"]]
        self._events.deleted(channel, message)
        self._tell(channel, message)
        return {"channel": channel.id, "ts": message["ts"]}

    async def _permalink(self, sent: Json) -> Json:
        channel = self._readable(sent)
        ts = str(sent.get("message_ts"))
        self._state.message(channel, ts)
        return {"channel": channel.id, "permalink": f"{self._url}/#{channel.id}/{ts}"}

    def _from_bot(self, sent: Json) -> Json:
        state = self._state
        return {
            "type": "message",
            "subtype": "bot_message" if sent.get("username") else None,
            "user": state.bot.id,
            "bot_id": state.bot_id,
            "app_id": state.app_id,
            "team": state.team_id,
            "ts": state.new_ts(),
            "text": sent.get("text") or sent.get("markdown_text") or "",
            **_given(sent, "blocks", "metadata", "attachments"),
        }

    def _own(self, channel: Channel, sent: Json) -> Json:
        message = self._state.message(channel, str(sent.get("ts")))
        if message.get("user") != self._state.bot.id:
            raise ApiError("cant_update_message")
        return message

    # Conversations and users

    async def _conversation(self, sent: Json) -> Json:
        channel = self._state.channel(str(sent.get("channel")))
        return {"channel": channel.to_json(self._state.bot.id)}

    async def _conversations(self, _: Json) -> Json:
        bot = self._state.bot.id
        channels = [c.to_json(bot) for c in self._state.channels.values() if c.kind == "channel"]
        return {"channels": channels, "response_metadata": {"next_cursor": ""}}

    async def _members(self, sent: Json) -> Json:
        channel = self._state.channel(str(sent.get("channel")))
        return {"members": channel.members, "response_metadata": {"next_cursor": ""}}

    async def _open_conversation(self, sent: Json) -> Json:
        user = self._state.user(str(sent.get("users")))
        for channel in self._state.channels.values():
            if channel.kind == "im" and user.id in channel.members:
                return {"channel": {"id": channel.id}}
        raise ApiError("channel_not_found")

    async def _replies(self, sent: Json) -> Json:
        channel = self._readable(sent)
        ts = str(sent.get("ts"))
        if ts not in channel.messages:
            raise ApiError("thread_not_found")
        return self._page(self._state.thread(channel, ts), sent)

    async def _history(self, sent: Json) -> Json:
        channel = self._readable(sent)
        return self._page(list(reversed(self._state.top_level(channel))), sent)

    def _page(self, messages: list[Json], sent: Json) -> Json:
        limit = min(int(sent.get("limit") or 100), 1000)
        start = int(sent.get("cursor") or 0)
        more = start + limit < len(messages)
        with_metadata = str(sent.get("include_all_metadata", "")).lower() in {"1", "true"}
        shown = [
            m if with_metadata else {k: v for k, v in m.items() if k != "metadata"}
            for m in messages[start : start + limit]
        ]
        cursor = str(start + limit) if more else ""
        return {
            "messages": shown,
            "has_more": more,
            "response_metadata": {"next_cursor": cursor},
        }

    async def _user(self, sent: Json) -> Json:
        return {"user": self._state.user(str(sent.get("user"))).to_json(self._state.team_id)}

    async def _users(self, _: Json) -> Json:
        members = [user.to_json(self._state.team_id) for user in self._state.users.values()]
        return {"members": members, "response_metadata": {"next_cursor": ""}}

    # Reactions

    async def _react(self, sent: Json) -> Json:
        channel, message, name = self._reacted(sent)
        self.react(channel, message, self._state.bot.id, name)
        return {}

    async def _unreact(self, sent: Json) -> Json:
        channel, message, name = self._reacted(sent)
        bot = self._state.bot.id
        for reaction in message.get("reactions", []):
            if reaction["name"] == name and bot in reaction["users"]:
                reaction["users"].remove(bot)
                reaction["count"] -= 1
                message["reactions"] = [r for r in message["reactions"] if r["count"]]
                self._events.reaction(channel, message["ts"], bot, name, added=False)
                self._tell(channel, message)
                return {}
        raise ApiError("no_reaction")

    async def _reactions(self, sent: Json) -> Json:
        _, message, _ = self._reacted(sent)
        return {"type": "message", "message": message}

    def react(self, channel: Channel, message: Json, user: str, name: str) -> None:
        reactions = message.setdefault("reactions", [])
        found = next((reaction for reaction in reactions if reaction["name"] == name), None)
        if found is None:
            if len(reactions) >= REACTION_NAMES:
                raise ApiError("too_many_emoji")
            found = {"name": name, "users": [], "count": 0}
            reactions.append(found)
        if user in found["users"]:
            raise ApiError("already_reacted")
        found["users"].append(user)
        found["count"] += 1
        self._events.reaction(channel, message["ts"], user, name, added=True)
        self._tell(channel, message)

    def _reacted(self, sent: Json) -> tuple[Channel, Json, str]:
        channel = self._writable(sent)
        message = self._state.message(channel, str(sent.get("timestamp")))
        name = str(sent.get("name") or "")
        if not name.replace("_", "").replace("-", "").replace("+", "").isalnum():
            raise ApiError("invalid_name")
        return channel, message, name

    # Files

    async def _upload_url(self, sent: Json) -> Json:
        name, length = str(sent.get("filename") or ""), int(sent.get("length") or 0)
        if not name or length <= 0:
            raise ApiError("invalid_arguments")
        file = File(
            id=self._state.new_id("F"),
            name=name,
            title=name,
            snippet_type=sent.get("snippet_type"),
            owner=self._state.bot.id,
        )
        self._state.files[file.id] = file
        return {"upload_url": f"{self._url}/upload/{file.id}?length={length}", "file_id": file.id}

    async def _complete_upload(self, sent: Json) -> Json:
        given = sent.get("files") or "[]"
        listed = json.loads(given) if isinstance(given, str) else given
        files = [self._state.file(entry["id"]) for entry in listed]
        for file, entry in zip(files, listed, strict=True):
            if file.is_complete or not file.data:
                raise ApiError("invalid_arguments")
            file.title, file.is_complete = entry.get("title") or file.name, True
        if sent.get("channel_id") or sent.get("channel"):
            self._share(files, sent)
        return {"files": [self.file_json(file) for file in files]}

    def _share(self, files: list[File], sent: Json) -> None:
        channel = self._writable({"channel": sent.get("channel_id") or sent.get("channel")})
        message = self._from_bot({"text": sent.get("initial_comment") or ""})
        message["files"] = [self.file_json(file) for file in files]
        message["upload"] = True
        if sent.get("thread_ts"):
            if sent["thread_ts"] not in channel.messages:
                raise ApiError("thread_not_found")
            message["thread_ts"] = sent["thread_ts"]
        self._state.add_message(channel, message)
        self._events.message(channel, {**message, "subtype": "file_share"})
        self._tell(channel, message)

    async def _file(self, sent: Json) -> Json:
        return {"file": self.file_json(self._state.file(str(sent.get("file"))))}

    def file_json(self, file: File) -> Json:
        address = f"{self._url}/files/{file.id}/{file.name}"
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "size": len(file.data),
            "mode": "snippet" if file.snippet_type else "hosted",
            "filetype": file.snippet_type or file.name.rpartition(".")[2],
            "user": file.owner,
            "url_private": address,
            "url_private_download": address,
            "is_external": False,
        }

    # Views

    async def _open_view(self, sent: Json) -> Json:
        user_id, at = self._events.triggers.pop(str(sent.get("trigger_id")), ("", 0.0))
        if not user_id:
            raise ApiError("invalid_trigger_id")
        if self._state.clock() - at > TRIGGER_SECONDS:
            raise ApiError("expired_trigger_id")
        view = self._new_view(sent)
        self._state.views[view["id"]] = {**view, "_user": user_id}
        self._changed({"type": "view", "user": user_id, "view": view})
        return {"view": view}

    async def _update_view(self, sent: Json) -> Json:
        known = self._state.views.get(str(sent.get("view_id")))
        if known is None:
            raise ApiError("not_found")
        view = self._new_view(sent) | {"id": known["id"]}
        self._state.views[view["id"]] = {**view, "_user": known["_user"]}
        self._changed({"type": "view", "user": known["_user"], "view": view})
        return {"view": view}

    async def _publish_view(self, sent: Json) -> Json:
        self._state.user(str(sent.get("user_id")))
        return {"view": self._new_view(sent)}

    def _new_view(self, sent: Json) -> Json:
        given = sent.get("view") or {}
        view: Json = json.loads(given) if isinstance(given, str) else dict(given)
        check_view(view)
        for block in view.get("blocks") or []:
            block.setdefault("block_id", self._state.new_id("b"))
        return {
            **view,
            "id": self._state.new_id("V"),
            "team_id": self._state.team_id,
            "hash": self._state.new_ts(),
            "state": {"values": {}},
            "app_id": self._state.app_id,
            "bot_id": self._state.bot_id,
        }

    # Rights

    def _readable(self, sent: Json) -> Channel:
        channel = self._state.channel(str(sent.get("channel")))
        if self._state.bot.id not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    def _writable(self, sent: Json) -> Channel:
        channel = self._readable(sent)
        if channel.is_archived:
            raise ApiError("is_archived")
        return channel

    def _tell(self, channel: Channel, message: Json) -> None:
        self._changed(
            {
                "type": "message",
                "channel": channel.id,
                "ts": message["ts"],
                "thread_ts": message.get("thread_ts"),
            }
        )


def _given(sent: Json, *names: str) -> Json:
    """Arguments that came, decoded where they came as JSON text."""
    found = {}
    for name in names:
        if (value := sent.get(name)) is not None:
            is_json = name != "text" and isinstance(value, str)
            found[name] = json.loads(value) if is_json and value else value
    return found
