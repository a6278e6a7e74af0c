"""A task sent as a form: its fields, and a zip archive that goes to disk as it comes."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from aiohttp import BodyPartReader, web

from chatbot.web.bodies import TaskBody, check_body
from chatbot.web.refusals import BadRequest, TooLarge
from sandbox.errors import ArchiveRefused

CHUNK_BYTES = 256 * 1024
MAX_FIELD_BYTES = 512 * 1024
MAX_PARTS = 16


@dataclass(frozen=True, slots=True)
class Form:
    body: TaskBody
    archive: Path | None


class Uploads:
    """Keeps archives in a folder each, under the name that people gave them."""

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes

    async def read(self, request: web.Request) -> Form:
        """The form; whatever is wrong with it, nothing of it stays on disk."""
        folder = self._directory / secrets.token_hex(8)
        try:
            return await self._read(request, folder)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    async def remove(self, archive: Path) -> None:
        await asyncio.to_thread(shutil.rmtree, archive.parent, ignore_errors=True)

    async def _read(self, request: web.Request, folder: Path) -> Form:
        fields: dict[str, str] = {}
        archive: Path | None = None
        try:
            reader = await request.multipart()
            parts = 0
            while (part := await reader.next()) is not None:
                parts += 1
                if not isinstance(part, BodyPartReader):
                    raise BadRequest("A form within the form is not taken.")
                name = _part_name(part, parts)
                if name in fields or (name == "archive" and archive):
                    raise BadRequest(f"The form has `{name}` twice.")
                if name == "archive":
                    archive = await self._store(part, folder)
                else:
                    fields[name] = await _text(part, name)
        except ValueError as error:
            raise BadRequest("The form is broken.", details=str(error)) from error
        body = check_body(TaskBody, fields)
        if archive is not None and (body.repository or body.ref):
            raise BadRequest(
                "Both an archive and a repository are given.", resolution="Send one of them."
            )
        return Form(body, archive)

    async def _store(self, part: BodyPartReader, folder: Path) -> Path:
        path = folder / _safe_name(part.filename or "")
        await asyncio.to_thread(folder.mkdir, parents=True, mode=0o700)
        total = 0
        with await asyncio.to_thread(path.open, "wb") as file:
            while chunk := await part.read_chunk(CHUNK_BYTES):
                total += len(chunk)
                if total > self._limit_bytes:
                    raise TooLarge(
                        f"The archive is larger than {self._limit_bytes // 1024**2} MiB.",
                        resolution="Send a smaller one, or raise `web.max_upload_mib`.",
                    )
                await asyncio.to_thread(file.write, chunk)
        if not await asyncio.to_thread(zipfile.is_zipfile, path):
            raise ArchiveRefused("The archive is not a zip file.", resolution="Send a zip file.")
        return path


def _part_name(part: BodyPartReader, number: int) -> str:
    if not part.name:
        raise BadRequest("Every part of the form must have a name.")
    if number > MAX_PARTS:
        raise BadRequest("The form has too many parts.")
    return part.name


async def _text(part: BodyPartReader, name: str) -> str:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > MAX_FIELD_BYTES:
            raise TooLarge(f"The field `{name[:80]}` is too large.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The field `{name[:80]}` is not UTF-8.") from error


def _safe_name(name: str) -> str:
    """A file name of ours after what the person called it; some clients quote it."""
    stem = re.sub(r"\.zip$", "", re.split(r"[/\\]", unquote(name))[-1], flags=re.IGNORECASE)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-")[:80]
    return f"{stem or 'archive'}.zip"
