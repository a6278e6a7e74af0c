"""What a provider answers, on its way back to a container."""

from __future__ import annotations

import json
from typing import Final

import aiohttp

_PASSED_HEADERS: Final = ("retry-after", "retry-after-ms", "x-should-retry", "request-id")
_PASSED_PREFIXES: Final = ("anthropic-ratelimit-", "x-ratelimit-", "x-request-id")


async def read_limited(reply: aiohttp.ClientResponse, *, limit_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in reply.content.iter_any():
        data += chunk
        if len(data) > limit_bytes:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(data)


def passed_headers(reply: aiohttp.ClientResponse) -> dict[str, str]:
    """What clients go by; whose account it is stays here."""
    passed = {"Content-Type": reply.headers.get("Content-Type", "application/json")}
    for name, value in reply.headers.items():
        if name.lower() in _PASSED_HEADERS or name.lower().startswith(_PASSED_PREFIXES):
            passed[name] = value
    return passed


def message_of(text: str) -> str:
    try:
        data = json.loads(text)
        return str(data["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return text[:500]
