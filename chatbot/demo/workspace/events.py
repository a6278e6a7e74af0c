"""What the app is told: people's messages, edits, reactions, presses and forms, in Slack's form."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Collection
from typing import Any

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.installed import Installed
from chatbot.demo.workspace.responses import Responses
from chatbot.demo.workspace.socket_mode import SocketMode
from chatbot.demo.workspace.state import Channel, State, User

Json = dict[str, Any]

TRIGGER_SECONDS = 3.0


class Events:
    """Sends the app its events."""

    def __init__(
        self,
        state: State,
        socket_mode: SocketMode,
        responses: Responses,
        installed: Installed,
    ) -> None:
        self._state = state
        self._installed = installed
        self._socket_mode = socket_mode
        self._responses = responses
        self._triggers: dict[str, tuple[str, float]] = {}
        """Who may open a modal by it, and since when; nobody where it is spent."""

    def send(self, event: Json) -> None:
        """To the app, where it subscribed to such events and is a member of the place."""
        state = self._state
        place = state.channels.get(
            str(event.get("channel") or event.get("item", {}).get("channel"))
        )
        if not self._installed.hears(event) or (place and state.bot.id not in place.members):
            return
        self._deliver(event)

    def _deliver(self, event: Json) -> None:
        state = self._state
        self._socket_mode.deliver_event(
            {
                "token": "local",
                "team_id": state.team_id,
                "enterprise_id": state.enterprise_id,
                "api_app_id": state.app_id,
                "event": copy.deepcopy(event),
                "type": "event_callback",
                "event_id": f"Ev{secrets.token_hex(5).upper()}",
                "event_time": int(state.clock()),
                "authorizations": [
                    {
                        "enterprise_id": state.enterprise_id,
                        "team_id": None if state.is_org_install else state.team_id,
                        "user_id": state.bot.id,
                        "is_bot": True,
                        "is_enterprise_install": state.is_org_install,
                    }
                ],
                "is_ext_shared_channel": False,
            }
        )

    def message(self, channel: Channel, message: Json) -> None:
        """One mention yields two events, with ids of their own and the same ts."""
        shown = {name: value for name, value in message.items() if name != "reactions"}
        shown |= {"channel": channel.id, "event_ts": message["ts"], "team": self._state.team_id}
        mentions = f"<@{self._state.bot.id}>" in message.get("text", "")
        if mentions and channel.kind == "channel" and "bot_id" not in message:
            mention = {name: value for name, value in shown.items() if name != "subtype"}
            self.send({**mention, "type": "app_mention"})
        self.send({**shown, "type": "message", "channel_type": channel.kind})

    def changed(self, channel: Channel, message: Json, previous: Json) -> None:
        now = dict(message)
        self._meta(channel, "message_changed", message=now, previous_message=previous)

    def deleted(self, channel: Channel, previous: Json) -> None:
        ts = previous["ts"]
        self._meta(channel, "message_deleted", deleted_ts=ts, previous_message=previous)

    def reaction(
        self, channel: Channel, message: Json, user: str, name: str, *, added: bool
    ) -> None:
        self.send(
            {
                "type": "reaction_added" if added else "reaction_removed",
                "user": user,
                "reaction": name,
                "item_user": message.get("user"),
                "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
                "event_ts": self._state.new_ts(),
            }
        )

    async def press(self, user: User, channel: Channel, message: Json, element: Json) -> Json:
        """A button; answers what the app acknowledged with."""
        is_ephemeral = "to" in message
        container: Json = {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel.id,
            "is_ephemeral": is_ephemeral,
        }
        if "thread_ts" in message:
            container["thread_ts"] = message["thread_ts"]
        payload: Json = {
            "type": "block_actions",
            **self._common(user),
            "container": container,
            "channel": {"id": channel.id, "name": channel.name},
            "state": {"values": {}},
            "response_url": self._responses.make_url(user, channel, message),
            "actions": [{**element, "action_ts": self._state.new_ts()}],
        }
        if not is_ephemeral:
            # Of an ephemeral message the app is told no more than where it stood.
            payload["message"] = message
        return await self._socket_mode.deliver_interaction(payload)

    async def suggest(self, user: User, asked: Json) -> Json:
        """What somebody types in a menu; answers what the app acknowledged with.

        No trigger comes with it: nothing can be opened while a person types.
        """
        common = self._common(user)
        del common["trigger_id"]
        return await self._socket_mode.deliver_interaction(
            {"type": "block_suggestion", **common, **asked}
        )

    async def press_view(self, user: User, view: Json, values: Json, element: Json) -> Json:
        """A button or a menu of a modal or the home tab, with what its fields hold."""
        payload: Json = {
            "type": "block_actions",
            **self._common(user),
            "container": {"type": "view", "view_id": view["id"]},
            "view": {**view, "state": {"values": values}},
            "actions": [{**element, "action_ts": self._state.new_ts()}],
        }
        return await self._socket_mode.deliver_interaction(payload)

    def view_closed(self, user: User, view: Json) -> None:
        """Where the app asked for it."""
        payload = {"type": "view_closed", **self._common(user), "view": view, "is_cleared": False}
        self._socket_mode.deliver_closing(payload)

    async def submit(self, user: User, view: Json, values: Json) -> Json:
        """A modal's form."""
        sent = {**view, "state": {"values": values}}
        payload = {
            "type": "view_submission",
            **self._common(user),
            "view": sent,
            "response_urls": [],
        }
        return await self._socket_mode.deliver_interaction(payload)

    def _meta(self, channel: Channel, subtype: str, **more: Any) -> None:
        ts = self._state.new_ts()
        event: Json = {"type": "message", "subtype": subtype, "channel": channel.id, "ts": ts}
        event |= {"event_ts": ts, "channel_type": channel.kind, "hidden": True}
        self.send({**event, **more})

    def _common(self, user: User) -> Json:
        state = self._state
        team = {"id": state.team_id, "domain": "local"}
        enterprise = state.enterprise_id and {"id": state.enterprise_id, "name": "Local"}
        return {
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": team["id"],
            },
            "api_app_id": state.app_id,
            "token": "local",
            # Of an organisation's installation Slack may leave it out.
            "team": None if state.is_org_install else team,
            "enterprise": enterprise or None,
            "is_enterprise_install": state.is_org_install,
            "trigger_id": self.new_trigger(user),
        }

    def new_trigger(self, user: User) -> str:
        """Good for one modal, for three seconds."""
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = (user.id, self._state.clock())
        return trigger

    def spend_trigger(self, trigger: str) -> str:
        """Answers who pressed; raises ApiError."""
        user_id, at = self._triggers.get(trigger, (None, 0.0))
        if user_id is None:
            raise ApiError("invalid_trigger_id")
        if not user_id:
            raise ApiError("exchanged_trigger_id")
        if self._state.clock() - at > TRIGGER_SECONDS:
            raise ApiError("expired_trigger_id")
        self._triggers[trigger] = ("", at)
        return user_id

    def home_opened(self, user: User, channel: Channel, tab: str, view: Json | None) -> None:
        """The person looks at the app: its messages or its home."""
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id}
        event |= {"tab": tab, "event_ts": self._state.new_ts()}
        self.send(event | ({"view": view} if view and tab == "home" else {}))

    def uninstalled(self) -> None:
        """Told to every app, whatever it subscribed to: it hears nothing after it."""
        self._deliver({"type": "app_uninstalled", "event_ts": self._state.new_ts()})

    def tokens_revoked(self, users: Collection[str], bots: Collection[str]) -> None:
        """Told whatever the app subscribed to, by the ids of those whose tokens they were."""
        tokens = {"oauth": list(users), "bot": list(bots)}
        event = {"type": "tokens_revoked", "tokens": tokens, "event_ts": self._state.new_ts()}
        self._deliver(event)

    def access_revoked(self) -> None:
        """The organisation's installation holds in this workspace no more."""
        event: Json = {"type": "team_access_revoked", "team_ids": [self._state.team_id]}
        self._deliver(event | {"event_ts": self._state.new_ts()})

    def place(self, channel: Channel, what: str, **more: Any) -> None:
        """Of a channel itself, whether the bot is in it or not; private ones have own names."""
        kind = "group" if channel.is_private else "channel"
        event: Json = {"type": f"{kind}_{what}", "channel": channel.id, **more}
        self._place({**event, "event_ts": self._state.new_ts()})

    def renamed(self, channel: Channel) -> None:
        kind = "group" if channel.is_private else "channel"
        named = {"id": channel.id, "name": channel.name, "created": 0}
        self._place({"type": f"{kind}_rename", "channel": named, "event_ts": self._state.new_ts()})

    def joined(self, user_id: str, channel: Channel, **more: Any) -> None:
        self._member("member_joined_channel", user_id, channel, **more)

    def left(self, user_id: str, channel: Channel) -> None:
        self._member("member_left_channel", user_id, channel)

    def _member(self, kind: str, user_id: str, channel: Channel, **more: Any) -> None:
        letter = "G" if channel.is_private else "C"
        event: Json = {"type": kind, "user": user_id, "channel": channel.id, **more}
        event |= {"channel_type": letter, "team": self._state.team_id}
        self.send({**event, "event_ts": self._state.new_ts()})

    def _place(self, event: Json) -> None:
        if self._installed.hears(event):
            self._deliver(event)

    def session_stopped(self, user: User, channel: Channel, thread_ts: str) -> None:
        """The person pressed Slack's own Stop."""
        event: Json = {"type": "agent_session_stopped", "channel": channel.id}
        event |= {"thread_ts": thread_ts, "user": user.id, "streaming_message_ts": []}
        self.send(event | {"event_ts": self._state.new_ts()})

    async def command(self, user: User, channel: Channel, name: str, text: str) -> Json:
        """A slash command; answers what the app acknowledged with."""
        common, state = self._common(user), self._state
        payload = {
            "token": "local",
            "team_id": self._state.team_id,
            "team_domain": "local",
            "channel_id": channel.id,
            "channel_name": channel.name if channel.kind == "channel" else "directmessage",
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": text,
            "api_app_id": self._state.app_id,
            **({"enterprise_id": state.enterprise_id} if state.enterprise_id else {}),
            "is_enterprise_install": str(state.is_org_install).lower(),
            "response_url": self._responses.make_url(user, channel, {}),
            "trigger_id": common["trigger_id"],
        }
        return await self._socket_mode.deliver_command(payload)

    async def shortcut(self, user: User, callback_id: str) -> Json:
        """A shortcut of the search field: it belongs to no place."""
        payload = {"type": "shortcut", **self._common(user), "callback_id": callback_id}
        return await self._socket_mode.deliver_interaction(
            payload | {"action_ts": self._state.new_ts()}
        )

    async def message_shortcut(
        self, user: User, channel: Channel, message: Json, callback_id: str
    ) -> Json:
        payload = {"type": "message_action", **self._common(user), "callback_id": callback_id}
        payload |= {"channel": {"id": channel.id, "name": channel.name}, "message": message}
        payload |= {"message_ts": message["ts"], "action_ts": self._state.new_ts()}
        payload["response_url"] = self._responses.make_url(user, channel, message)
        return await self._socket_mode.deliver_interaction(payload)
