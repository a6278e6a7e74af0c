"""Who the app is, and where it connects."""

from __future__ import annotations

from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.socket_mode import SocketMode


class AppMethods:
    def __init__(self, base: Base, socket_mode: SocketMode) -> None:
        self._base = base
        self._socket_mode = socket_mode

    def methods(self) -> Methods:
        return {
            "api.test": self._test,
            "auth.test": self._auth_test,
            "apps.connections.open": self._open_connection,
            "bots.info": self._bot,
            "team.info": self._team,
        }

    async def _test(self, sent: Json) -> Json:
        return {"args": sent}

    async def _auth_test(self, _: Json) -> Json:
        state = self._base.state
        return {
            "url": f"{self._base.url}/",
            "team": "Local",
            "user": state.bot.name,
            # An organisation's token is of no workspace: Slack tells the organisation for it.
            "team_id": state.enterprise_id if state.is_org_install else state.team_id,
            "enterprise_id": state.enterprise_id,
            "user_id": state.bot.id,
            "bot_id": state.bot_id,
            "is_enterprise_install": state.is_org_install,
        }

    async def _open_connection(self, _: Json) -> Json:
        ticket = self._socket_mode.issue_ticket()
        return {"url": f"{self._base.url.replace('http', 'ws', 1)}/link?ticket={ticket}"}

    async def _bot(self, sent: Json) -> Json:
        state = self._base.state
        if sent.get("bot") not in {None, state.bot_id}:
            raise ApiError("bot_not_found")
        return {
            "bot": {
                "id": state.bot_id,
                "name": state.bot.real_name,
                "user_id": state.bot.id,
                "app_id": state.app_id,
                "deleted": False,
            }
        }

    async def _team(self, _: Json) -> Json:
        return {"team": {"id": self._base.state.team_id, "name": "Local", "domain": "local"}}
