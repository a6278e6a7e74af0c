"""The head of a proxied request: read with limits, and refused where two readers could differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sandbox.egress.rules import normal_host

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 200
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_TARGET: Final = re.compile(r"[\x21-\x7e]{1,16384}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOP_BY_HOP: Final = frozenset(
    {
        *("connection", "proxy-connection", "keep-alive", "proxy-authorization"),
        *("proxy-authenticate", "te", "trailer", "upgrade", "expect", "host"),
    }
)


class BadHead(Exception):
    """The request is not one that may be passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One request that was understood."""

    method: str
    host: str
    """Normal, see `sandbox.egress.rules`."""
    port: int
    path: str
    """Of a plain request; empty for a tunnel."""
    headers: tuple[tuple[str, str], ...]
    """What goes on to the server, its own `Host` left out."""
    length: int = 0
    """Bytes of the body."""
    is_chunked: bool = False
    agent: str = ""
    """What the program says it is."""

    @property
    def is_tunnel(self) -> bool:
        return self.method == "CONNECT"

    @property
    def authority(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == 80 and not self.is_tunnel else f"{shown}:{self.port}"

    def to_wire(self) -> bytes:
        """The head for the server itself."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1")


def parse_head(data: bytes) -> Head:
    """From the first line to the empty one; raises BadHead."""
    lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise BadHead("a line is not ended properly")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadHead("the request line makes no sense")
    method, target, _ = parts
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(target):
        raise BadHead("the request line makes no sense")
    headers = _parse_headers(lines[1:])
    host, port, path = _parse_tunnel(target) if method == "CONNECT" else _parse_plain(target)
    dropped = _HOP_BY_HOP | {
        name.strip().lower()
        for key, value in headers
        if key.lower() == "connection"
        for name in value.split(",")
    }
    length, is_chunked = _body(headers)
    return Head(
        method=method,
        host=host,
        port=port,
        path=path,
        headers=tuple((name, value) for name, value in headers if name.lower() not in dropped),
        length=length,
        is_chunked=is_chunked,
        agent=next((value for name, value in headers if name.lower() == "user-agent"), "")[:200],
    )


def _parse_headers(lines: list[str]) -> list[tuple[str, str]]:
    if len(lines) > MAX_HEADERS:
        raise BadHead("there are too many headers")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadHead("a header makes no sense")
        headers.append((name, value.strip(" \t")))
    return headers


def _body(headers: list[tuple[str, str]]) -> tuple[int, bool]:
    """Its length, or that it comes in chunks; never both, never twice."""
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    codings = [value.lower() for name, value in headers if name.lower() == "transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise BadHead("the length of the body is told twice")
    if codings and codings != ["chunked"]:
        raise BadHead("the coding of the body is not known")
    if lengths and not re.fullmatch(r"\d{1,15}", lengths[0]):
        raise BadHead("the length of the body makes no sense")
    return (int(lengths[0]) if lengths else 0), bool(codings)


def _parse_tunnel(target: str) -> tuple[str, int, str]:
    name, _, port = target.rpartition(":")
    host = normal_host(name)
    if host is None or not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) < 65536:
        raise BadHead("it names no host and port")
    return host, int(port), ""


def _parse_plain(target: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(target)
        port = 80 if parts.port is None else parts.port
    except ValueError:
        raise BadHead("the address makes no sense") from None
    if parts.scheme.lower() != "http" or "@" in parts.netloc or "\\" in target:
        raise BadHead("only plain http addresses are passed on; https goes by CONNECT")
    host = normal_host(parts.netloc.rpartition(":")[0] if _has_port(parts.netloc) else parts.netloc)
    if host is None or not 0 < port < 65536:
        raise BadHead("it names no host")
    path = parts.path or "/"
    return host, port, f"{path}?{parts.query}" if parts.query else path


def _has_port(netloc: str) -> bool:
    return re.search(r":\d+$", netloc) is not None
