"""The host's own proxy, where it has no other way out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from sandbox.egress.heads import Head
from sandbox.errors import ThreadsmithError


class UpstreamInvalid(ThreadsmithError):
    """The address of the host's proxy is not valid."""

    code = "config_invalid"
    resolution = "Give `sandbox.upstream_proxy` as http://host:port."


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Upstream:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise UpstreamInvalid
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        basic = base64.b64encode(pair.encode()).decode()
        return cls(
            host=parts.hostname,
            port=parts.port or 3128,
            authorization=f"Basic {basic}" if parts.username else "",
        )

    async def connect(
        self,
        head: Head,
        dial: Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]],
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that leads to the head's host; raises OSError where the proxy says no.

        Plain requests go through a tunnel as well, so that one head and no more reaches the proxy.
        """
        reader, writer = await dial(self.host, self.port)
        shown = f"[{head.host}]" if ":" in head.host else head.host
        lines = [f"CONNECT {shown}:{head.port} HTTP/1.1", f"Host: {shown}:{head.port}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        status = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        if status.split(b" ")[1:2] != [b"200"]:
            writer.transport.abort()
            raise ConnectionRefusedError(status.decode("latin-1")[:100])
        return reader, writer
