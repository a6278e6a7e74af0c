"""The part of Slack that these tests need: Web API and both ways to us, over real sockets.

Every message is held against Slack's limits; one that breaks them gets `invalid_blocks`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.http_delivery import HttpDelivery
from chatbot.demo.workspace.limits import check_view
from tests.chatbot.slack.limits import check_message

TEAM, BOT_USER, BOT = "T1", "UBOT", "BBOT"
ACK_SECONDS = 5.0
Json = dict[str, Any]


class Refused(Exception):
    """Slack's own word for why a call is refused."""

    def __init__(self, word: str, *messages: str) -> None:
        super().__init__(word)
        self.messages = list(messages)


@dataclass
class SmallSlack:
    bot_token: str = "xoxb-1"
    app_token: str = "xapp-1"
    signing_secret: str = "signing"
    api_url: str = ""
    users: dict[str, str] = field(default_factory=lambda: {"UADA": "Ada", "UBOB": "Bob"})
    messages: dict[str, Json] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    archives: dict[str, bytes] = field(default_factory=dict)
    """What people attached, served beside the Web API under these names."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """User groups with their members; their handles are their ids in small letters."""
    members: dict[str, list[str]] = field(default_factory=dict)
    """Of channels."""
    calls: list[str] = field(default_factory=list)
    unknown_blocks: set[str] = field(default_factory=set)
    """Kinds that this workspace does not know yet."""
    refused_posts: int = 0
    has_sessions: bool = False
    has_statuses: bool = False
    sessions: list[tuple[str, str]] = field(default_factory=list)
    """Each state that a thread's session, or its status line, was given."""

    def __post_init__(self) -> None:
        self._sockets: list[web.WebSocketResponse] = []
        self._http: HttpDelivery | None = None
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._delivered: dict[str, list[Json]] = {}
        self._names: dict[str, str] = {}
        self._files: dict[str, bytes] = {}
        self._broken_limits: list[str] = []

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_get("/socket", self._serve_socket)
        app.router.add_post("/upload/{id}", self._take_upload)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = f"http://{self._host}/api/"

    async def stop(self) -> None:
        await self._runner.cleanup()
        assert self._broken_limits == []

    async def deliver_to(self, url: str) -> None:
        """The app is called there from now on."""
        self._http = HttpDelivery(url, signing_secret=self.signing_secret, clock=time.time)
        await self._http.verify_address()

    # People

    async def say(
        self,
        words: str,
        *,
        user: str = "UADA",
        channel: str = "C1",
        thread_ts: str | None = None,
        **more: Any,
    ) -> str:
        """Answers the message's ts once every delivery of it is acknowledged."""
        ts = self._new_ts()
        root = thread_ts or ts
        seen = {"ts": ts, "channel": channel, "thread_ts": root, "user": user, "text": words}
        self.messages[ts] = {**seen, "reactions": [], **more}
        event: Json = {"user": user, "text": words, "ts": ts, "channel": channel, **more}
        if thread_ts:
            event["thread_ts"] = thread_ts
        is_direct = channel.startswith("D")
        events = [{"type": "message", "channel_type": "im" if is_direct else "channel", **event}]
        if f"<@{BOT_USER}>" in words and not is_direct:
            events.insert(0, {"type": "app_mention", **event})
        self._delivered[ts] = events
        await self.deliver_again(ts)
        return ts

    async def deliver_again(self, ts: str) -> None:
        await asyncio.gather(*(self._deliver_event(event) for event in self._delivered[ts]))

    async def press(self, message: Json, action: str, user: str) -> Any:
        """``message`` as the person's screen shows it."""
        rows = (block["elements"] for block in message["blocks"] if block["type"] == "actions")
        (button,) = (b for row in rows for b in row if b["action_id"] == action)
        container = {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": message["channel"],
            "thread_ts": message["thread_ts"],
        }
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "channel": {"id": message["channel"]},
            "message": message,
            "container": container,
            "trigger_id": f"trigger{next(self._numbers)}",
            "actions": [{**button, "action_ts": self._new_ts(), "block_id": "b"}],
        }
        return await self._deliver("interactive", payload)

    async def suggest(self, message: Json, action: str, typed: str, user: str = "UADA") -> Any:
        """What a menu of a message offers for what is typed in it."""
        payload = {
            "type": "block_suggestion",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "channel": {"id": message["channel"]},
            "container": {"type": "message", "message_ts": message["ts"]},
            "message": message,
            "action_id": action,
            "block_id": "b",
            "value": typed,
        }
        return await self._deliver("interactive", payload)

    async def submit(self, view: Json, values: Json, user: str) -> Any:
        sent = {**view, "id": "V1", "team_id": TEAM, "state": {"values": values}}
        user_json = {"id": user, "team_id": TEAM}
        payload = {"type": "view_submission", "team": {"id": TEAM}, "user": user_json}
        return await self._deliver("interactive", {**payload, "view": sent})

    async def press_view(
        self, view: Json, action: str, values: Json, user: str, *, chosen: Json | None = None
    ) -> Any:
        """``view`` as the person's screen shows it: one of `views`."""
        rows = (block["elements"] for block in view["blocks"] if block["type"] == "actions")
        (element,) = (e for row in rows for e in row if e["action_id"] == action)
        shown = {**view, "id": "V1", "team_id": TEAM, "state": {"values": values}}
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "container": {"type": "view", "view_id": "V1"},
            "view": {**shown, "hash": f"h{self.views.index(view) + 1}"},
            "trigger_id": f"trigger{next(self._numbers)}",
            "actions": [{**element, "block_id": "b", "selected_option": chosen}],
        }
        return await self._deliver("interactive", payload)

    def file(self, name: str) -> bytes:
        return self._files[name]

    async def edit(self, ts: str, words: str, *, channel: str = "C1") -> None:
        before = dict(self.messages[ts])
        self.messages[ts] |= {"text": words, "edited": {"user": "UADA", "ts": self._new_ts()}}
        more = {"message": dict(self.messages[ts]), "previous_message": before}
        await self._change("message_changed", channel, more)

    async def remove(self, ts: str, *, channel: str = "C1") -> None:
        before = self.messages.pop(ts)
        await self._change(
            "message_deleted", channel, {"deleted_ts": ts, "previous_message": before}
        )

    async def tell(self, **event: Any) -> None:
        """Any other event."""
        await self._deliver_event(event)

    async def _change(self, subtype: str, channel: str, more: Json) -> None:
        place = {"channel": channel, "channel_type": "channel", "ts": self._new_ts()}
        await self._deliver_event({"type": "message", "subtype": subtype, **place, **more})

    async def stop_session(self, thread_ts: str, user: str = "UADA", channel: str = "C1") -> None:
        """Slack's own Stop."""
        event = {"type": "agent_session_stopped", "channel": channel, "thread_ts": thread_ts}
        more = {"user": user, "streaming_message_ts": [], "event_ts": self._new_ts()}
        await self._deliver_event(event | more)

    # Web API

    async def _answer(self, request: web.Request) -> web.Response:
        if (name := request.match_info["method"]) in self.archives:
            is_us = request.headers.get("Authorization") == f"Bearer {self.bot_token}"
            return web.Response(body=self.archives[name], status=200 if is_us else 403)
        sent: Json = dict(request.query)
        if request.content_type == "application/json":
            sent |= await request.json()
        elif request.method == "POST":
            sent |= dict(await request.post())
        try:
            answer = self._call(request.match_info["method"], sent)
        except Refused as error:
            told = {"messages": error.messages}
            return web.json_response({"ok": False, "error": str(error), "response_metadata": told})
        return web.json_response({"ok": True, **answer})

    def _call(self, method: str, sent: Json) -> Json:
        self.calls.append(method)
        match method:
            case "conversations.members":
                return {"members": self.members[sent["channel"]]}
            case "conversations.info":
                return {"channel": {"name": sent["channel"].lower()}}
            case "usergroups.list":
                return {"usergroups": [{"id": g, "handle": g.lower()} for g in self.groups]}
            case "usergroups.users.list" if sent["usergroup"] in self.groups:
                return {"users": self.groups[sent["usergroup"]]}
            case "auth.test":
                return {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}
            case "apps.connections.open":
                return {"url": f"ws://{self._host}/socket"}
            case "users.info":
                return {"user": {"profile": {"display_name": self.users[sent["user"]]}}}
            case "agents.sessions.setStatus":
                return self._set_session(sent)
            case "assistant.threads.setStatus" if self.has_statuses:
                self.sessions.append((sent["thread_ts"], sent["status"]))
                return {}
            case "chat.postMessage":
                return self._post(sent)
            case "chat.update":
                return self._update(sent)
            case "chat.postEphemeral":
                self.ephemerals.append(sent)
                return {"message_ts": self._new_ts()}
            case "reactions.add" | "reactions.remove":
                return self._react(sent, add=method == "reactions.add")
            case "conversations.replies":
                return {"messages": [m for m in self.messages.values() if _is_in(m, sent["ts"])]}
            case "files.getUploadURLExternal":
                file_id = f"F{next(self._numbers)}"
                self._names[file_id] = sent["filename"]
                return {"file_id": file_id, "upload_url": f"http://{self._host}/upload/{file_id}"}
            case "files.completeUploadExternal":
                return self._share(sent)
            case "views.open":
                self.views.append(_view(sent))
                return {"view": {"id": "V1"}}
            case "views.update":
                if sent.get("hash") != f"h{len(self.views)}":
                    raise Refused("hash_conflict")
                self.views.append(_view(sent))
                return {"view": {"id": "V1"}}
            case _:
                raise Refused("unknown_method")

    def _set_session(self, sent: Json) -> Json:
        if not self.has_sessions:
            raise Refused("feature_disabled")
        assert sent["thread_ts"] in self.messages
        assert len(sent.get("title") or "") <= 200
        self.sessions.append((sent["thread_ts"], sent["status"]))
        return {"status": sent["status"]}

    def _post(self, sent: Json) -> Json:
        self._check(sent)
        ts = self._new_ts()
        ours = {"ts": ts, "user": BOT_USER, "bot_id": BOT, "reactions": []}
        self.messages[ts] = {**sent, **ours}
        return {"ts": ts, "channel": sent["channel"]}

    def _update(self, sent: Json) -> Json:
        message = self.messages.get(sent["ts"])
        if message is None:
            raise Refused("message_not_found")
        self._check(sent)
        message.update(
            {name: sent[name] for name in ("text", "blocks", "metadata") if name in sent}
        )
        return {"ts": sent["ts"], "channel": sent["channel"]}

    def _check(self, sent: Json) -> None:
        kinds = {block["type"] for block in sent.get("blocks") or []}
        if unknown := sorted(kinds & self.unknown_blocks):
            self.refused_posts += 1
            raise Refused("invalid_blocks", *(f"unsupported type: {kind}" for kind in unknown))
        try:
            check_message(sent["text"], sent.get("blocks") or [])
        except AssertionError as error:
            self._broken_limits.append(str(error))
            raise Refused("invalid_blocks") from error

    def _react(self, sent: Json, *, add: bool) -> Json:
        if sent["timestamp"] not in self.messages:
            raise Refused("message_not_found")
        reactions = self.messages[sent["timestamp"]]["reactions"]
        if add == (sent["name"] in reactions):
            raise Refused("already_reacted" if add else "no_reaction")
        (reactions.append if add else reactions.remove)(sent["name"])
        return {}

    def _share(self, sent: Json) -> Json:
        files = [{"name": self._names[file["id"]]} for file in json.loads(sent["files"])]
        ts = self._new_ts()
        self.messages[ts] = {
            "ts": ts,
            "channel": sent["channel_id"],
            "thread_ts": sent["thread_ts"],
            "user": BOT_USER,
            "bot_id": BOT,
            "text": "",
            "files": files,
            "reactions": [],
        }
        return {"files": json.loads(sent["files"])}

    async def _take_upload(self, request: web.Request) -> web.Response:
        self._files[self._names[request.match_info["id"]]] = await request.read()
        return web.Response(text="OK")

    # Socket Mode

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"type": "hello"})
        async for frame in socket:
            if frame.type == WSMsgType.TEXT:
                answer = json.loads(frame.data)
                if waiting := self._waiting.pop(answer["envelope_id"], None):
                    waiting.set_result(answer.get("payload"))
        self._sockets.remove(socket)
        return socket

    async def _deliver_event(self, event: Json) -> None:
        payload = {"type": "event_callback", "event_id": f"Ev{next(self._numbers)}"}
        await self._deliver("events_api", {**payload, "team_id": TEAM, "event": event})

    async def _deliver(self, kind: str, payload: Json) -> Any:
        """The payload of the acknowledgement."""
        if self._http is not None:
            async with asyncio.timeout(ACK_SECONDS):
                return await self._http.deliver(kind, payload)
        envelope_id = f"E{next(self._numbers)}"
        waiting = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        envelope = {"type": kind, "envelope_id": envelope_id, "payload": payload}
        await self._sockets[-1].send_json({**envelope, "accepts_response_payload": True})
        async with asyncio.timeout(ACK_SECONDS):
            return await waiting

    def _new_ts(self) -> str:
        return f"{int(time.time())}.{next(self._numbers):06d}"


def _view(sent: Json) -> Json:
    view: Json = sent["view"] if isinstance(sent["view"], dict) else json.loads(sent["view"])
    try:
        check_view(view)
    except ApiError as error:
        raise Refused("invalid_arguments", *error.messages) from error
    return view


def _is_in(message: Json, thread_ts: str) -> bool:
    return thread_ts in {message["ts"], message.get("thread_ts")}
