"""The HTTP API: ask for a task, look at it, talk to it, stop it. JSON in, JSON out."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import web

from chatbot.actions import Actions
from chatbot.changed_tree import has_changed_tree, write_changed_tree
from chatbot.config import Settings
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Person, Status, Task
from chatbot.report import task_report
from chatbot.web.bodies import (
    ChoiceBody,
    ListQuery,
    MessageBody,
    TaskBody,
    check_body,
    read_json,
    read_key,
)
from chatbot.web.pages import read_patch
from chatbot.web.refusals import BadRequest, PatchMissing
from chatbot.web.uploads import Uploads

CHUNK_BYTES = 256 * 1024
CALLER = Person("api", "API")
TASK = r"/tasks/{task_id:t_[0-9a-z]+}"


class Api:
    """Every route is behind the bearer token: see the guard."""

    def __init__(
        self, settings: Settings, history: History, actions: Actions, intake: Intake
    ) -> None:
        self._settings = settings
        self._history = history
        self._actions = actions
        self._intake = intake
        self._uploads = Uploads(
            settings.data.directory / "uploads",
            limit_bytes=settings.web.max_upload_mib * 1024**2,
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/tasks", self._create),
            web.get("/tasks", self._list),
            web.get(TASK, self._show),
            web.get(f"{TASK}/diff.patch", self._patch),
            web.get(f"{TASK}/tree.zip", self._tree),
            web.get(rf"{TASK}/attempt-{{number:\d{{1,2}}}}.patch", self._attempt),
            web.post(f"{TASK}/messages", self._message),
            web.post(f"{TASK}/stop", self._stop),
            web.post(f"{TASK}/choice", self._choose),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        key = read_key(request, "")
        archive = None
        if request.content_type == "multipart/form-data":
            form = await self._uploads.read(request)
            body, archive = form.body, form.archive
        else:
            body = await read_json(request, TaskBody)
        if body.repository is None and archive is None:
            raise BadRequest(
                "No repository is named.", resolution="Give `repository`, or send an `archive`."
            )
        task = await self._ask(body, archive, key)
        told = self._brief(request, task)
        return web.json_response(told, status=201, headers={"Location": f"/tasks/{task.id}"})

    async def _ask(self, body: TaskBody, archive: Path | None, key: str | None) -> Task:
        task = await self._intake.ask(
            body.task,
            author=CALLER,
            origin="api",
            key=key,
            repository=self._address(body.repository) if archive is None else archive.name,
            ref=body.ref,
            mode=body.mode,
            model=body.model,
            image=body.image,
            agent=body.agent,
            attempts=body.attempts,
            archive=archive,
        )
        if archive is not None and task.source.path != str(archive):
            # The same key again: the task has the archive that came first.
            await self._uploads.remove(archive)
        return task

    async def _list(self, request: web.Request) -> web.Response:
        query = check_body(ListQuery, dict(request.query))
        tasks = await self._history.read(
            lambda db: queries.list_tasks(db, limit=query.limit, status=query.status)
        )
        return web.json_response({"tasks": [self._brief(request, task) for task in tasks]})

    async def _show(self, request: web.Request) -> web.Response:
        task = await self._find(request)
        report = await task_report(self._history, task.id)
        return web.json_response(report | {"links": self._links(request, task)})

    async def _patch(self, request: web.Request) -> web.Response:
        task = await self._find(request)
        body = await read_patch(self._history, task.id)
        return web.Response(body=body, content_type="text/x-diff", charset="utf-8")

    async def _attempt(self, request: web.Request) -> web.Response:
        task = await self._find(request)
        number = int(request.match_info["number"])
        body = await read_patch(self._history, task.id, attempt=number)
        return web.Response(body=body, content_type="text/x-diff", charset="utf-8")

    async def _tree(self, request: web.Request) -> web.StreamResponse:
        task = await self._find(request)
        with tempfile.TemporaryDirectory(prefix="threadsmith-tree-") as directory:
            target = Path(directory) / "tree.zip"
            if not await write_changed_tree(self._history, task.id, target):
                raise PatchMissing(
                    "Only a task on an archive, with a change, has a tree to give back."
                )
            return await _send_file(request, target)

    async def _message(self, request: web.Request) -> web.Response:
        task = await self._find(request)
        body = await read_json(request, MessageBody)
        key = read_key(request, f"{task.id}:")
        result = await self._intake.reply(task, body.text, author=CALLER, key=key)
        task = await self._find(request)
        told = {"id": task.id, "status": task.status.value, "result": result}
        return web.json_response(told, status=202)

    async def _stop(self, request: web.Request) -> web.Response:
        task = await self._find(request)
        is_stopping = await self._actions.stop_task(task.id, CALLER)
        task = await self._find(request)
        told = {"id": task.id, "status": task.status.value, "stopping": is_stopping}
        return web.json_response(told, status=202)

    async def _choose(self, request: web.Request) -> web.Response:
        """Of several attempts; like every other word of an API caller it is not asked for again."""
        task = await self._find(request)
        body = await read_json(request, ChoiceBody)
        task = await self._actions.choose_attempt(task.id, body.attempt, CALLER)
        told = {"id": task.id, "status": task.status.value, "attempt": body.attempt}
        return web.json_response(told)

    async def _find(self, request: web.Request) -> Task:
        task_id = request.match_info["task_id"]
        return await self._history.read(lambda db: queries.get_task(db, task_id))

    def _address(self, repository: str | None) -> str | None:
        """In full: a bare `owner/name` could be taken for a folder of this machine."""
        if repository is None or "://" in repository or "@" in repository:
            return repository
        return f"{self._settings.forge.url.rstrip('/')}/{repository}"

    def _brief(self, request: web.Request, task: Task) -> dict[str, Any]:
        links = self._links(request, task)
        return {
            "id": task.id,
            "status": task.status.value,
            "outcome": task.outcome,
            "repository": task.source.repository,
            "mode": task.mode,
            "model": task.model,
            "agent": task.agent or None,
            "title": task.title,
            "created_at": task.created_at,
            "url": links["self"],
            "share_url": links["page"],
        }

    def _links(self, request: web.Request, task: Task) -> dict[str, str | None]:
        origin = self._settings.web.public_url.rstrip("/") or str(request.url.origin())
        place = f"{origin}/tasks/{task.id}"
        return {
            "self": place,
            "page": f"{origin}/t/{task.id}/{task.share_token}",
            "patch": f"{place}/diff.patch" if task.patch_sha256 else None,
            "tree": f"{place}/tree.zip" if has_changed_tree(task) else None,
            "setup": f"{place}/setup" if task.status == Status.WAITING else None,
            "pull_request": task.pull_request.url if task.pull_request else None,
        }


async def _send_file(request: web.Request, path: Path) -> web.StreamResponse:
    """In pieces: it may be as large as an archive may be."""
    response = web.StreamResponse(headers={"Content-Type": "application/zip"})
    with await asyncio.to_thread(path.open, "rb") as file:
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            await response.write(chunk)
    await response.write_eof()
    return response
