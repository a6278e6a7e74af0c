"""A task behind its share link: the page and its downloads. Whoever has the link may read."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from aiohttp import web
from sqlite_utils import Database

from chatbot.attempts import newest_attempts
from chatbot.history import conversation, queries, setup_approvals
from chatbot.history.store import History
from chatbot.history.transcript import make_prompt, make_response, make_setup_log
from chatbot.models import Event, Run, Task
from chatbot.scripts import Scripts
from chatbot.web.refusals import PatchMissing
from chatbot.web.render import Pages

SHARE = r"/t/{task_id:t_[0-9a-z]+}/{share_token}"
_NOBODY = "0" * 32
"""Compared where there is no task, so that both answers take the same steps."""


@dataclass(frozen=True, slots=True)
class _Shown:
    task: Task
    runs: list[Run]
    events: list[Event]
    patch: bytes | None


class SharedTasks:
    """Finds tasks by their share links, and answers with what is in them."""

    def __init__(self, history: History, pages: Pages) -> None:
        self._history = history
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        files: dict[str, Callable[[str], Awaitable[tuple[str, bytes]]]] = {
            "diff.patch": self._patch,
            "events.json": self._events,
            "prompt.txt": self._prompt,
            "llm_response.txt": self._response,
            "setup.log": self._setup_log,
            "scripts.txt": self._scripts,
        }
        downloads = [
            web.get(f"{SHARE}/{name}", self._download(name, make)) for name, make in files.items()
        ]
        attempt = web.get(rf"{SHARE}/attempt-{{number:\d{{1,2}}}}.patch", self._attempt)
        return [web.get(SHARE, self._page), attempt, *downloads]

    async def find(self, request: web.Request) -> Task:
        """The task the link names; a wrong token is answered as a task that does not exist."""
        task_id, given = request.match_info["task_id"], request.match_info["share_token"]
        try:
            task = await self._history.read(lambda db: queries.get_task(db, task_id))
        except queries.TaskNotFound:
            task = None
        expected = task.share_token if task else _NOBODY
        matches = hmac.compare_digest(given.encode(errors="replace"), expected.encode())
        if task is None or not matches:
            raise web.HTTPNotFound
        return task

    async def _page(self, request: web.Request) -> web.Response:
        task = await self.find(request)
        shown = await self._history.read(lambda db: _look(db, task.id))
        # A large diff takes a while to render.
        html = await asyncio.to_thread(
            self._pages.task,
            shown.task,
            runs=shown.runs,
            events=shown.events,
            patch=shown.patch,
            known_diff=request.query.get("diff", ""),
        )
        return web.Response(text=html, content_type="text/html")

    def _download(
        self, name: str, make: Callable[[str], Awaitable[tuple[str, bytes]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            task = await self.find(request)
            content_type, body = await make(task.id)
            headers = {"Content-Disposition": f'attachment; filename="{task.id}-{name}"'}
            return web.Response(
                body=body, content_type=content_type, charset="utf-8", headers=headers
            )

        return serve

    async def _attempt(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])

        async def read(task_id: str) -> tuple[str, bytes]:
            return "text/plain", await read_patch(self._history, task_id, attempt=number)

        return await self._download(f"attempt-{number}.patch", read)(request)

    async def _patch(self, task_id: str) -> tuple[str, bytes]:
        return "text/plain", await read_patch(self._history, task_id)

    async def _events(self, task_id: str) -> tuple[str, bytes]:
        events = await self._history.read(lambda db: queries.task_events(db, task_id))
        text = await asyncio.to_thread(json.dumps, [asdict(e) for e in events], indent=1)
        return "application/json", text.encode()

    async def _prompt(self, task_id: str) -> tuple[str, bytes]:
        turns = await self._history.read(lambda db: conversation.every(db, task_id))
        return "text/plain", make_prompt(turns).encode(errors="replace")

    async def _response(self, task_id: str) -> tuple[str, bytes]:
        turns = await self._history.read(lambda db: conversation.every(db, task_id))
        return "text/plain", make_response(turns).encode(errors="replace")

    async def _setup_log(self, task_id: str) -> tuple[str, bytes]:
        events = await self._history.read(lambda db: queries.task_events(db, task_id))
        return "text/plain", make_setup_log(events).encode(errors="replace")

    async def _scripts(self, task_id: str) -> tuple[str, bytes]:
        """The scripts that a person was asked about last, whole."""

        def look(db: Database) -> str:
            asked = setup_approvals.newest_of(db, task_id)
            return "" if asked is None else setup_approvals.get_scripts(db, asked.sha256)

        content = await self._history.read(look)
        text = Scripts.from_json(content).text() if content else ""
        return "text/plain", text.encode(errors="replace")


async def read_patch(history: History, task_id: str, *, attempt: int | None = None) -> bytes:
    """The task's newest patch, or that of an attempt; raises PatchMissing or TaskNotFound."""

    def look(db: Database) -> bytes:
        sha256 = queries.get_task(db, task_id).patch_sha256
        if attempt is not None:
            made = newest_attempts(queries.task_runs(db, task_id))
            sha256 = next((run.patch_sha256 for run in made if run.attempt == attempt), None)
        if sha256 is None:
            raise PatchMissing
        return queries.get_patch(db, sha256)

    return await history.read(look)


def _look(db: Database, task_id: str) -> _Shown:
    task = queries.get_task(db, task_id)
    patch = queries.get_patch(db, task.patch_sha256) if task.patch_sha256 else None
    return _Shown(task, queries.task_runs(db, task_id), queries.task_events(db, task_id), patch)
