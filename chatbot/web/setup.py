"""Set-up scripts through the HTTP API: what waits for a decision, and the decision."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from sqlite_utils import Database

from chatbot.actions import Actions
from chatbot.history import queries, setup_approvals
from chatbot.history.store import History
from chatbot.models import Person, SetupApproval
from chatbot.scripts import Scripts
from chatbot.web.bodies import Body, read_json
from chatbot.web.refusals import NothingWaits

PLACE = r"/tasks/{task_id:t_[0-9a-z]+}/setup"
CALLER = Person("api", "API")


class SetupBody(Body):
    decision: Literal["approve", "skip"]
    sha256: str
    """Of the scripts that were read: an approval names exactly what it is for."""


class SetupApi:
    """Behind the bearer token, as every route of the API."""

    def __init__(self, history: History, actions: Actions) -> None:
        self._history = history
        self._actions = actions

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PLACE, self._show), web.post(PLACE, self._settle)]

    async def _show(self, request: web.Request) -> web.Response:
        approval, content = await self._pending(request)
        scripts = Scripts.from_json(content)
        files = [{"path": path, "content": text} for path, text in scripts.files]
        return web.json_response({"sha256": approval.sha256, "scripts": files})

    async def _settle(self, request: web.Request) -> web.Response:
        body = await read_json(request, SetupBody)
        approval, _ = await self._pending(request)
        if body.sha256 != approval.sha256:
            raise NothingWaits("Other scripts wait for a decision now.")
        state: Literal["approved", "skipped"] = (
            "approved" if body.decision == "approve" else "skipped"
        )
        task = await self._actions.settle_setup(approval.id, state, CALLER)
        return web.json_response({"id": task.id, "status": task.status.value}, status=202)

    async def _pending(self, request: web.Request) -> tuple[SetupApproval, str]:
        task_id = request.match_info["task_id"]

        def look(db: Database) -> tuple[SetupApproval, str]:
            queries.get_task(db, task_id)
            approval = setup_approvals.pending_of(db, task_id)
            if approval is None:
                raise NothingWaits
            return approval, setup_approvals.get_scripts(db, approval.sha256)

        return await self._history.read(look)
