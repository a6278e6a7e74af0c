"""Slack's Web API, one module for each family of methods."""

from __future__ import annotations

from chatbot.demo.workspace.api.agents import Agents
from chatbot.demo.workspace.api.app import AppMethods
from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.api.chat import Chat
from chatbot.demo.workspace.api.conversations import Conversations
from chatbot.demo.workspace.api.files import Files
from chatbot.demo.workspace.api.reactions import Reactions
from chatbot.demo.workspace.api.views import Views
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.socket_mode import SocketMode

__all__ = ["Api"]


class Api:
    """Answers calls."""

    def __init__(self, base: Base, socket_mode: SocketMode, *, has_sessions: bool) -> None:
        self.chat, self.files, self.views = Chat(base), Files(base), Views(base)
        self.reactions = Reactions(base)
        self.methods: Methods = {
            **Agents(base, has_sessions=has_sessions).methods(),
            **AppMethods(base, socket_mode).methods(),
            **self.chat.methods(),
            **Conversations(base).methods(),
            **self.reactions.methods(),
            **self.files.methods(),
            **self.views.methods(),
        }

    async def call(self, method: str, sent: Json) -> Json:
        found = self.methods.get(method)
        if found is None:
            raise ApiError("unknown_method")
        return await found(sent)
