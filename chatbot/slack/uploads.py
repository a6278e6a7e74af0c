"""Files that people attach, brought onto the host; the bot's token goes to Slack alone."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from chatbot.slack.incoming import Attachment
from sandbox.errors import ArchiveRefused, ThreadsmithError

CHUNK_BYTES = 256 * 1024


class GivenRefused(ThreadsmithError):
    """A file that somebody attached cannot be had."""

    code = "given_refused"


class Uploads:
    """Downloads into a folder of its own for each archive."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        token: Callable[[], str],
        api_url: str,
        proxy: str | None,
        directory: Path,
        limit_bytes: int,
    ) -> None:
        self._session = session
        self._token = token
        self._api_url = api_url
        self._proxy = proxy
        self._directory = directory
        self._limit_bytes = limit_bytes

    async def find_archive(self, attachments: tuple[Attachment, ...]) -> Path | None:
        """The attached zip, stored; raises ArchiveRefused."""
        archives = [attachment for attachment in attachments if attachment.is_zip]
        if not archives:
            return None
        if len(archives) > 1:
            raise ArchiveRefused(
                "Several archives are attached.", resolution="Attach one zip archive."
            )
        self._check(archives[0])
        path = self._directory / secrets.token_hex(8) / _safe_name(archives[0].name)
        await asyncio.to_thread(path.parent.mkdir, parents=True, mode=0o700)
        try:
            await self._download(archives[0].url, path)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ArchiveRefused(
                "The archive could not be fetched from Slack.",
                details=str(error),
                resolution="Attach it again.",
            ) from error
        return path

    async def read(self, url: str, *, limit_bytes: int, is_page: bool = False) -> bytes:
        """A file that is no archive; ``is_page``: it is HTML itself. Raises GivenRefused."""
        if not self._is_slack(url):
            raise GivenRefused("it is not stored in Slack")
        headers = {"Authorization": f"Bearer {self._token()}"}
        data = bytearray()
        async with self._session.get(
            url, headers=headers, proxy=self._proxy, allow_redirects=False
        ) as response:
            # A page where none was stored is Slack's own, which asks to sign in.
            if response.status != 200 or (response.content_type == "text/html" and not is_page):
                raise GivenRefused(
                    "Slack did not hand it out; the app needs the scope files:read",
                    details=f"{url}: {response.status} {response.content_type}",
                )
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                data += chunk
                if len(data) > limit_bytes:
                    raise GivenRefused(f"it is larger than {limit_bytes // 1024**2} MiB")
        return bytes(data)

    def _is_slack(self, url: str) -> bool:
        place, api = urlsplit(url), urlsplit(self._api_url)
        slack = place.scheme == "https" and (place.hostname or "").endswith(".slack.com")
        return slack or (place.scheme, place.netloc) == (api.scheme, api.netloc)

    def _check(self, attachment: Attachment) -> None:
        if attachment.size > self._limit_bytes:
            raise self._too_large()
        if not self._is_slack(attachment.url):
            raise ArchiveRefused(
                "The archive is not stored in Slack.", resolution="Attach the file itself."
            )

    async def _download(self, url: str, path: Path) -> None:
        headers = {"Authorization": f"Bearer {self._token()}"}
        # A redirect could carry the token elsewhere.
        async with self._session.get(
            url, headers=headers, proxy=self._proxy, allow_redirects=False
        ) as response:
            if response.status != 200 or response.content_type == "text/html":
                raise ArchiveRefused(
                    "Slack did not hand out the archive.",
                    details=f"{url}: {response.status} {response.content_type}",
                    resolution="Give the Slack app the scope files:read, and attach it again.",
                )
            await self._store(response, path)

    async def _store(self, response: aiohttp.ClientResponse, path: Path) -> None:
        total = 0
        with await asyncio.to_thread(path.open, "wb") as file:
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                total += len(chunk)
                if total > self._limit_bytes:
                    await asyncio.to_thread(path.unlink)
                    raise self._too_large()
                await asyncio.to_thread(file.write, chunk)

    def _too_large(self) -> ArchiveRefused:
        return ArchiveRefused(
            f"The archive is larger than {self._limit_bytes // 1024**2} MiB.",
            resolution="Attach a smaller one, or raise web.max_upload_mib.",
        )


def _safe_name(name: str) -> str:
    """A file name of ours after what the person called it."""
    stem = re.sub(r"\.zip$", "", name.rsplit("/", 1)[-1], flags=re.IGNORECASE)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-")[:80]
    return f"{stem or 'archive'}.zip"
