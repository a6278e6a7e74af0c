"""What the app was granted and subscribed to when it was installed, as its manifest asks for."""

from __future__ import annotations

from typing import Any

from chatbot.demo.workspace.errors import ApiError

SCOPES = (
    *("app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write"),
    *("commands", "files:read", "files:write", "groups:history", "groups:read", "im:history"),
    *("im:read", "im:write", "reactions:write", "usergroups:read", "users:read"),
)
EVENTS = (
    *("agent_session_stopped", "app_home_opened", "app_mention", "app_uninstalled"),
    *("channel_archive", "channel_deleted", "channel_left", "channel_unarchive"),
    *("group_archive", "group_deleted", "group_left", "group_unarchive"),
    *("member_joined_channel", "member_left_channel"),
    *("message.channels", "message.groups", "message.im", "tokens_revoked"),
)
COMMANDS = (
    {
        "command": "/code",
        "description": "Start or look after coding tasks",
        "usage_hint": "[task] | list | show <id> | stop <id> | search <words> | use <repo> | help",
    },
)
SHORTCUTS = (
    {"name": "Fix this", "type": "message", "callback_id": "fix_this"},
    {"name": "New coding task", "type": "global", "callback_id": "new_task"},
)

_HISTORY = ("channels:history", "groups:history", "im:history")
_READ = ("channels:read", "groups:read", "im:read")
NEEDED: dict[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "conversations.info": _READ,
    "conversations.list": _READ,
    "conversations.members": _READ,
    "conversations.open": ("im:write",),
    "conversations.history": _HISTORY,
    "conversations.replies": _HISTORY,
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "bots.info": ("users:read",),
    "team.info": ("team:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
    "assistant.threads.setStatus": ("assistant:write", "chat:write"),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
    "agents.sessions.setStatus": ("chat:write",),
    "agents.sessions.rename": ("chat:write",),
}
"""One of these scopes lets the app call the method; methods without any are not listed."""


class Installed:
    """One installation of the app in the workspace."""

    def __init__(self, *, scopes: tuple[str, ...], events: tuple[str, ...]) -> None:
        self.scopes = scopes
        self._events = frozenset(events)

    def check_scope(self, method: str, sent: dict[str, Any]) -> None:
        """Raise ApiError `missing_scope`, as Slack does, with what is needed and what is there."""
        needed = NEEDED.get(method, ())
        if method.startswith("chat.") and {"username", "icon_emoji", "icon_url"} & sent.keys():
            needed = ("chat:write.customize",)
        if needed and not set(needed) & set(self.scopes):
            more = {"needed": needed[0], "provided": ",".join(self.scopes)}
            raise ApiError("missing_scope", more=more)

    def hears(self, event: dict[str, Any]) -> bool:
        """Whether the app subscribed to this event."""
        kind = str(event["type"])
        if kind == "message":
            kind = "message.im" if event.get("channel_type") == "im" else "message.channels"
        return kind in self._events
