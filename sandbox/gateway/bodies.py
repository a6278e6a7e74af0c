"""Reading what a container sends: never more than the limit, never longer than the patience."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from sandbox.gateway.refusals import BadRequest, TooLarge, TooSlow

BODY_SECONDS: Final = 60.0


async def read_body(
    request: web.Request, *, limit_bytes: int, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body; the rest of one that is too large is never read."""
    if "Content-Encoding" in request.headers:
        raise BadRequest("Bodies are sent as they are, without compression.")
    if (request.content_length or 0) > limit_bytes:
        raise TooLarge(f"The body is larger than {limit_bytes} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    raise TooLarge(f"The body is larger than {limit_bytes} bytes.")
    except TimeoutError as error:
        raise TooSlow from error
    return bytes(body)
