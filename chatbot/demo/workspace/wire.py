"""What is not the Web API itself: bytes of files, in and out, and answers to presses."""

from __future__ import annotations

import hmac
from typing import Any

from aiohttp import web

from chatbot.demo.workspace.api import Api
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.page_wire import HEADERS
from chatbot.demo.workspace.pictures import picture_type
from chatbot.demo.workspace.responses import Response, Responses
from chatbot.demo.workspace.state import State

Json = dict[str, Any]


class Wire:
    def __init__(self, state: State, api: Api, responses: Responses, *, bot_token: str) -> None:
        self._state = state
        self._api = api
        self._responses = responses
        self._bot_token = bot_token

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/upload/{file_id}", self.take_upload),
            web.get("/files/{file_id}/{name}", self.serve_file),
            web.post("/response/{token}", self.take_answer),
        ]

    async def take_upload(self, request: web.Request) -> web.Response:
        data = await request.read()
        length = request.query.get("length", "")
        if not self._api.files.take(request.match_info["file_id"], length, data):
            return web.Response(status=400, text="NO - the upload does not fit")
        return web.Response(text=f"OK - {len(data)}")

    async def serve_file(self, request: web.Request) -> web.Response:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
        is_bot = hmac.compare_digest(offered.encode(), self._bot_token.encode())
        file = self._state.files.get(request.match_info["file_id"])
        if file is None or not (is_bot or request.query.get("page") == "1"):
            raise web.HTTPNotFound
        headers = {**HEADERS, "Cross-Origin-Resource-Policy": "same-origin"}
        kind = picture_type(file.data) if "inline" in request.query else None
        if kind is None:
            headers["Content-Disposition"] = "attachment"
        return web.Response(
            body=file.data, content_type=kind or "application/octet-stream", headers=headers
        )

    async def take_answer(self, request: web.Request) -> web.Response:
        """At a response_url; what it says otherwise wrong is an ApiError."""
        try:
            found = self._responses.spend(request.match_info["token"])
        except ApiError as error:
            return web.json_response({"ok": False, "error": error.error}, status=404)
        sent = await request.json()
        self._answer(found, sent if isinstance(sent, dict) else {})
        return web.Response(text="ok")

    def _answer(self, found: Response, sent: Json) -> None:
        chat, message = self._api.chat, found.message
        is_private = "to" in message
        if sent.get("delete_original") or (sent.get("replace_original") and is_private):
            self._remove(found)
        if sent.get("delete_original"):
            return
        if sent.get("replace_original") and not is_private:
            chat.update(found.channel, message, sent)
            return
        if sent.get("response_type") == "in_channel":
            chat.post(found.channel, sent)
        else:
            thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
            chat.post_ephemeral(found.channel, found.user.id, {**thread, **sent})

    def _remove(self, found: Response) -> None:
        if found.message in self._state.ephemerals:
            self._state.ephemerals.remove(found.message)
        else:
            self._api.chat.delete(found.channel, found.message)
