"""The persons' side: what they write, press, send and see. The page and the tests go through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from chatbot.demo.workspace.api import Api
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.events import Events
from chatbot.demo.workspace.pictures import picture_type
from chatbot.demo.workspace.state import Channel, File, State, User
from chatbot.demo.workspace.suggestions import EXTERNAL, Suggestions
from chatbot.demo.workspace.text import as_typed

Json = dict[str, Any]

PREVIEW_BYTES = 200_000


class People:
    """Acts for the two persons of the workspace."""

    def __init__(
        self, state: State, events: Events, api: Api, *, changed: Callable[[Json], None]
    ) -> None:
        self._state = state
        self._events = events
        self._api = api
        self._changed = changed
        self._suggestions = Suggestions(events)

    def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """Post a message; answers its ts."""
        _check_member(user, channel)
        if channel.is_archived:
            raise ApiError("is_archived")
        message: Json = {
            "type": "message",
            "user": user.id,
            "ts": self._state.new_ts(),
            "text": as_typed(text, self._state),
            "client_msg_id": self._state.new_id("M"),
        }
        if thread_ts:
            message["thread_ts"] = self._state.root_ts(channel, thread_ts)
        if files:
            message["subtype"] = "file_share"
            message["files"] = [self._store(user, name, data) for name, data in files.items()]
        self._state.add_message(channel, message)
        self._events.message(channel, message)
        self._tell(channel, message)
        return str(message["ts"])

    def say_as_app(
        self,
        channel: Channel,
        text: str,
        *,
        name: str = "CI",
        bot_id: str = "B0CI",
        user_id: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """Another app posts, as a user of its own or, as older ones do, as none; answers the ts."""
        own: Json = {"user": user_id} if user_id else {"subtype": "bot_message", "username": name}
        message: Json = {
            "type": "message",
            "bot_id": bot_id,
            "app_id": f"A{bot_id[1:]}",
            "bot_profile": {"id": bot_id, "name": name, "team_id": self._state.team_id},
            "ts": self._state.new_ts(),
            "text": as_typed(text, self._state),
            **own,
        }
        if thread_ts:
            message["thread_ts"] = self._state.root_ts(channel, thread_ts)
        self._state.add_message(channel, message)
        self._events.message(channel, message)
        self._tell(channel, message)
        return str(message["ts"])

    def edit(self, channel: Channel, ts: str, text: str, *, by: User | None = None) -> None:
        """``by`` may edit own messages only."""
        message = self._state.message(channel, ts)
        if by is not None and message.get("user") != by.id:
            raise ApiError("cant_update_message")
        previous = dict(message)
        message["text"] = as_typed(text, self._state)
        message["edited"] = {"user": message["user"], "ts": self._state.new_ts()}
        self._events.changed(channel, message, previous)
        self._tell(channel, message)

    def delete(self, channel: Channel, ts: str, *, by: User | None = None) -> None:
        message = self._state.message(channel, ts)
        if by is not None and message.get("user") != by.id:
            raise ApiError("cant_delete_message")
        self._state.remove_message(channel, message)
        self._events.deleted(channel, message)
        self._tell(channel, message)

    def react(self, user: User, channel: Channel, ts: str, name: str, *, on: bool = True) -> None:
        _check_member(user, channel)
        message = self._state.message(channel, ts)
        self._api.reactions.set(channel, message, user, name, on=on)

    async def press(
        self,
        user: User,
        channel: Channel,
        ts: str,
        action_id: str,
        *,
        block_id: str | None = None,
        value: str | None = None,
        chosen: object = None,
    ) -> Json:
        """A button on a message; raises NotAcknowledged where the app does not answer."""
        _check_member(user, channel)
        message = self._shown(user, channel, ts)
        pressed = _find_element(message, action_id, block_id=block_id, value=value, chosen=chosen)
        self._choose(user, pressed, chosen)
        return await self._events.press(user, channel, message, pressed)

    async def suggest(
        self,
        user: User,
        action_id: str,
        typed: str,
        *,
        message: tuple[Channel, str] | None = None,
        view_id: str = "",
    ) -> Json:
        """What a menu offers for what is typed in it, on a message or in a modal."""
        if message is None:
            view = self._view(user, view_id)
            shown = {name: part for name, part in view.items() if name != "_user"}
            place: Json = {"container": {"type": "view", "view_id": view_id}, "view": shown}
        else:
            channel, ts = message
            _check_member(user, channel)
            shown = self._shown(user, channel, ts)
            container: Json = {"type": "message", "message_ts": ts, "channel_id": channel.id}
            container["is_ephemeral"] = "to" in shown
            place = {"container": container, "message": shown}
            place["channel"] = {"id": channel.id, "name": channel.name}
        menu = _find_element(shown, action_id)
        block_id = menu.pop("block_id")
        return await self._suggestions.ask(user, place, block_id, menu, typed)

    def _choose(self, user: User, pressed: Json, chosen: object) -> None:
        """An option of a menu that the app fills: only what it offered can be chosen."""
        if pressed.get("type") in EXTERNAL:
            if not self._suggestions.was_offered(user, pressed, chosen):
                raise ApiError("option_not_offered")
            pressed["selected_option"] = chosen

    async def press_view(
        self,
        user: User,
        view_id: str,
        action_id: str,
        values: Json,
        *,
        chosen: object = None,
        block_id: str | None = None,
    ) -> Json:
        """A button or a menu of a modal, or of the home tab."""
        home = self._state.homes.get(user.id)
        is_home = home is not None and home["id"] == view_id
        view = home if home is not None and is_home else self._view(user, view_id)
        pressed = _find_element(view, action_id, block_id=block_id, chosen=chosen)
        self._choose(user, pressed, chosen)
        shown = {name: part for name, part in view.items() if name != "_user"}
        return await self._events.press_view(user, shown, values, pressed)

    async def submit(self, user: User, view_id: str, values: Json) -> Json:
        """A modal's form; answers {} once it is taken, or the errors."""
        view = self._view(user, view_id)
        shown = {name: part for name, part in view.items() if name != "_user"}
        if missing := _missing(view, values):
            # Slack's own client does not send such a form.
            return {"response_action": "errors", "errors": missing}
        answer = await self._events.submit(user, shown, values)
        match answer.get("response_action"):
            case "errors":
                pass
            case "update":
                self._api.views.replace(view, answer.get("view"))
            case "push":
                self._api.views.show(user.id, answer.get("view"))
            case "clear":
                for known in [v for v in self._state.views.values() if v["_user"] == user.id]:
                    self._forget(user, known["id"])
            case _:
                self._forget(user, view_id)
        return answer

    def close_view(self, user: User, view_id: str) -> None:
        """By the person; the app hears of it where it asked to."""
        view = self._view(user, view_id)
        self._forget(user, view_id)
        if view.get("notify_on_close"):
            shown = {name: part for name, part in view.items() if name != "_user"}
            self._events.view_closed(user, shown)

    def _view(self, user: User, view_id: str) -> Json:
        view = self._state.views.get(view_id)
        if view is None or view["_user"] != user.id:
            raise ApiError("view_not_found")
        return view

    def _forget(self, user: User, view_id: str) -> None:
        if self._state.views.pop(view_id, None) is not None:
            self._changed({"type": "view_closed", "user": user.id, "view_id": view_id})

    def open_views(self, user: User) -> list[Json]:
        """Modals that this person has before them."""
        mine = [view for view in self._state.views.values() if view["_user"] == user.id]
        return [{name: part for name, part in view.items() if name != "_user"} for view in mine]

    def look_at_app(self, user: User, tab: str) -> Channel:
        """Its messages or its home; answers the direct messages with it."""
        channel = self._state.channel(user.id)
        self._events.home_opened(user, channel, tab, self._state.homes.get(user.id))
        return channel

    def stop_session(self, user: User, channel: Channel, thread_ts: str) -> None:
        """Slack's own Stop, which stands where a session is at work."""
        session = self._state.sessions.get((channel.id, thread_ts), {})
        if session.get("status") != "processing":
            raise ApiError("no_session_at_work")
        self._events.session_stopped(user, channel, thread_ts)

    def status(self, channel: Channel, thread_ts: str) -> str:
        """What the app says it is doing in this thread."""
        words, until = self._state.statuses.get((channel.id, thread_ts), ("", 0.0))
        return words if self._state.clock() < until else ""

    async def command(self, user: User, channel: Channel, line: str) -> Json:
        """A slash command, in the channel itself: Slack takes none in threads."""
        _check_member(user, channel)
        name, _, text = line.strip().partition(" ")
        answer = await self._events.command(
            user, channel, name, as_typed(text.strip(), self._state)
        )
        if answer.get("text") or answer.get("blocks"):
            if answer.get("response_type") == "in_channel":
                self._api.chat.post(channel, answer)
            else:
                self._api.chat.post_ephemeral(channel, user.id, answer)
        return answer

    async def shortcut(
        self, user: User, callback_id: str, channel: Channel | None = None, ts: str = ""
    ) -> Json:
        """One of the app's shortcuts, on a message or anywhere."""
        if channel is None:
            return await self._events.shortcut(user, callback_id)
        _check_member(user, channel)
        message = self._state.message(channel, ts)
        return await self._events.message_shortcut(user, channel, message, callback_id)

    def see(self, user: User, channel: Channel, thread_ts: str | None = None) -> list[Json]:
        """The channel's messages, or one thread's, as this person sees them."""
        _check_member(user, channel)
        state = self._state
        shown = state.top_level(channel) if thread_ts is None else state.thread(channel, thread_ts)
        private = [
            {**message, "ephemeral": True}
            for message in state.ephemerals
            if message["to"] == user.id
            and message["channel"] == channel.id
            and message.get("thread_ts") == thread_ts
        ]
        found = sorted([*shown, *private], key=lambda message: str(message["ts"]))
        return [self._with_files(message) for message in found]

    def _shown(self, user: User, channel: Channel, ts: str) -> Json:
        for message in self._state.ephemerals:
            if message["ts"] == ts and message["to"] == user.id:
                return message
        return self._state.message(channel, ts)

    def _with_files(self, message: Json) -> Json:
        if not message.get("files"):
            return message
        return {**message, "files": [self._preview(entry) for entry in message["files"]]}

    def _preview(self, entry: Json) -> Json:
        file = self._state.file(entry["id"])
        shown = {**entry, "url": f"/files/{file.id}/{quote(file.name, safe='')}"}
        shown["is_image"] = picture_type(file.data) is not None
        if b"\0" not in file.data[:8000]:
            shown["preview"] = file.data[:PREVIEW_BYTES].decode(errors="replace")
        return shown

    def _store(self, user: User, name: str, data: bytes) -> Json:
        file = File(
            id=self._state.new_id("F"),
            name=name,
            title=name,
            data=data,
            owner=user.id,
            is_complete=True,
        )
        self._state.files[file.id] = file
        return self._api.files.to_json(file)

    def _tell(self, channel: Channel, message: Json) -> None:
        self._changed(
            {
                "type": "message",
                "channel": channel.id,
                "ts": message["ts"],
                "thread_ts": message.get("thread_ts"),
            }
        )


def _find_element(
    shown: Json,
    action_id: str,
    *,
    block_id: str | None = None,
    value: str | None = None,
    chosen: object = None,
) -> Json:
    """What was pressed of a message or a view, as the app is told."""
    for block in shown.get("blocks") or []:
        single = (block.get("accessory"), block.get("element"))
        elements = [*(block.get("elements") or []), *filter(None, single)]
        for element in elements:
            if element.get("action_id") != action_id:
                continue
            if block_id not in {None, block.get("block_id")}:
                continue
            if value not in {None, element.get("value")}:
                continue
            pressed = {**element, "block_id": block.get("block_id", "")}
            if chosen in element.get("options", []):
                pressed["selected_option"] = chosen
            return pressed
    raise ApiError("action_not_found")


def _check_member(user: User, channel: Channel) -> None:
    if user.id not in channel.members:
        raise ApiError("not_in_channel")


def _missing(view: Json, values: Json) -> Json:
    """What the person has to fill in first."""
    found = {}
    for block in view.get("blocks") or []:
        if block.get("type") != "input" or block.get("optional"):
            continue
        given = (values.get(block["block_id"]) or {}).values()
        kept = [part for entry in given for name, part in entry.items() if name != "type"]
        if not any(kept):
            found[block["block_id"]] = "Please complete this required field."
    return found
