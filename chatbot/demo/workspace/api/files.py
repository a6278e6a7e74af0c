"""Files: an address to upload to, the bytes, then shared once."""

from __future__ import annotations

import json
from urllib.parse import quote

from chatbot.demo.workspace.api.base import Base, Json, Methods
from chatbot.demo.workspace.errors import ApiError
from chatbot.demo.workspace.state import File


class Files:
    def __init__(self, base: Base) -> None:
        self._base = base

    def methods(self) -> Methods:
        return {
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
            "files.info": self._info,
        }

    def to_json(self, file: File) -> Json:
        address = f"{self._base.url}/files/{file.id}/{quote(file.name, safe='')}"
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "size": len(file.data),
            "mode": "snippet" if file.snippet_type else "hosted",
            "filetype": file.snippet_type or file.name.rpartition(".")[2],
            "snippet_type": file.snippet_type,
            "user": file.owner,
            "url_private": address,
            "url_private_download": address,
            "is_external": False,
        }

    def take(self, file_id: str, length: str, data: bytes) -> bool:
        """The bytes, where they are as many as were announced."""
        file = self._base.state.files.get(file_id)
        if file is None or file.is_complete or str(len(data)) != length:
            return False
        file.data = data
        return True

    async def _upload_url(self, sent: Json) -> Json:
        name, length = str(sent.get("filename") or ""), int(sent.get("length") or 0)
        if not name or length <= 0:
            raise ApiError("invalid_arguments")
        file = File(
            id=self._base.state.new_id("F"),
            name=name,
            title=name,
            snippet_type=sent.get("snippet_type"),
            owner=self._base.state.bot.id,
        )
        self._base.state.files[file.id] = file
        address = f"{self._base.url}/upload/{file.id}?length={length}"
        return {"upload_url": address, "file_id": file.id}

    async def _complete(self, sent: Json) -> Json:
        given = sent.get("files") or "[]"
        listed = json.loads(given) if isinstance(given, str) else given
        files = [self._base.state.file(entry["id"]) for entry in listed]
        if not files or any(file.is_complete or not file.data for file in files):
            raise ApiError("invalid_arguments")
        place = sent.get("channel_id") or sent.get("channels")
        channel = self._base.writable({"channel": place}) if place else None
        thread_ts = sent.get("thread_ts")
        if channel is not None and thread_ts and thread_ts not in channel.messages:
            raise ApiError("thread_not_found")
        for file, entry in zip(files, listed, strict=True):
            file.title, file.is_complete = entry.get("title") or file.name, True
        shown = [self.to_json(file) for file in files]
        if channel is not None:
            message = self._base.from_bot({"text": sent.get("initial_comment") or ""})
            message |= {"subtype": "file_share", "files": shown, "upload": True}
            if thread_ts:
                message["thread_ts"] = self._base.state.root_ts(channel, str(thread_ts))
            self._base.state.add_message(channel, message)
            self._base.events.message(channel, message)
            self._base.tell(channel, message)
        return {"files": shown}

    async def _info(self, sent: Json) -> Json:
        return {"file": self.to_json(self._base.state.file(str(sent.get("file"))))}
