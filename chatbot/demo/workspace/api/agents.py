"""What the app says it is doing: a session where the workspace has them, else a status."""

from __future__ import annotations

from chatbot.demo.workspace.api.base import Base, Json, Methods, given
from chatbot.demo.workspace.errors import ApiError

STATUSES = {"processing", "active", "suspended", "closed"}
SESSION_SECONDS = 3600.0
STATUS_SECONDS = 120.0
MAX_TITLE = 200
MAX_PROMPTS = 4


class Agents:
    def __init__(self, base: Base, *, has_sessions: bool) -> None:
        self._base = base
        self._has_sessions = has_sessions

    def methods(self) -> Methods:
        return {
            "agents.sessions.setStatus": self._set_session,
            "agents.sessions.rename": self._rename,
            "assistant.threads.setStatus": self._set_status,
            "assistant.threads.setSuggestedPrompts": self._suggest,
        }

    async def _set_session(self, sent: Json) -> Json:
        status = sent.get("status")
        place, thread_ts = self._thread(sent)
        if status not in STATUSES:
            raise ApiError("invalid_arguments")
        session = self._base.state.sessions.setdefault((place, thread_ts), {})
        if sent.get("title") and "title" not in session:
            session["title"] = str(sent["title"])[:MAX_TITLE]
        session |= {"status": status, "since": self._base.state.clock()}
        words = {"processing": "Working…", "suspended": "Waiting for you"}
        self._show(place, thread_ts, words.get(str(status), ""), SESSION_SECONDS)
        return {"status": status, "agent_status": status}

    async def _rename(self, sent: Json) -> Json:
        place, thread_ts = self._thread(sent)
        title = str(sent.get("title") or "")
        if not 0 < len(title) <= MAX_TITLE:
            raise ApiError("invalid_arguments")
        session = self._base.state.sessions.get((place, thread_ts))
        if session is None:
            raise ApiError("session_not_found")
        session["title"] = title
        return {}

    async def _set_status(self, sent: Json) -> Json:
        channel = self._base.writable({"channel": sent.get("channel_id")})
        thread_ts = str(sent.get("thread_ts"))
        self._base.state.message(channel, thread_ts)
        if len(sent.get("loading_messages") or []) > 10:
            raise ApiError("invalid_arguments")
        words = str(sent.get("status") or "")
        name = self._base.state.bot.real_name
        self._show(channel.id, thread_ts, f"{name} {words}" if words else "", STATUS_SECONDS)
        return {}

    async def _suggest(self, sent: Json) -> Json:
        """In the direct messages with the app: at most four."""
        channel = self._base.writable({"channel": sent.get("channel_id")})
        if channel.kind != "im":
            raise ApiError("invalid_arguments", messages=["must be a conversation with the app"])
        prompts = given(sent, "prompts").get("prompts")
        listed = prompts if isinstance(prompts, list) else []
        names = {"title", "message"}
        if not 0 < len(listed) <= MAX_PROMPTS or any(set(one) != names for one in listed):
            raise ApiError("invalid_arguments", messages=["one to four prompts with words"])
        suggested = {"title": str(sent.get("title") or ""), "prompts": listed}
        self._base.state.prompts[channel.id] = suggested
        self._base.changed({"type": "prompts", "channel": channel.id, **suggested})
        return {}

    def _thread(self, sent: Json) -> tuple[str, str]:
        if not self._has_sessions:
            raise ApiError("feature_disabled")
        channel = self._base.writable({"channel": sent.get("channel_id")})
        if not sent.get("thread_ts"):
            raise ApiError("thread_ts_required")
        return channel.id, self._base.state.root_ts(channel, str(sent["thread_ts"]))

    def _show(self, channel: str, thread_ts: str, words: str, seconds: float) -> None:
        self._base.state.statuses[channel, thread_ts] = (words, self._base.state.clock() + seconds)
        shown = {"type": "status", "channel": channel, "thread_ts": thread_ts, "status": words}
        self._base.changed(shown | {"seconds": seconds})
