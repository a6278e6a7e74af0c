"""The forms of the forge's answers: JSON with limits, ETags, pages and GitHub's errors."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web


def json_response(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}
    return web.json_response(value, status=status, headers={**limits, **(headers or {})})


def refusal(
    status: int,
    message: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """GitHub's form of an error."""
    body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    if errors is not None:
        body["errors"] = errors
    return json_response(body, status=status, headers=headers)


def raised(status: int, message: str) -> web.HTTPException:
    answer = refusal(status, message)
    kind = {401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}[status]
    return kind(text=answer.text, content_type="application/json")


def conditional(
    request: web.Request, value: Any, headers: dict[str, str] | None = None
) -> web.Response:
    """With an ETag, so that a conditional request costs nothing."""
    text = json.dumps(value)
    etag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return json_response(value, headers={"ETag": etag, **(headers or {})})


def page(request: web.Request, values: list[Any], *, wrap: str = "") -> web.Response:
    """One page of a list, with the address of the next; ``wrap`` names the list in an object."""
    size = min(int(request.query.get("per_page", "30")), 100)
    number = int(request.query.get("page", "1"))
    last = max(1, -(-len(values) // size))
    turns = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    links = [
        f'<{request.url.update_query(page=str(to))}>; rel="{rel}"'
        for rel, to in turns.items()
        if 1 <= to <= last and to != number
    ]
    headers = {"Link": ", ".join(links)} if links else {}
    chosen: Any = values[(number - 1) * size : number * size]
    if wrap:
        chosen = {"total_count": len(values), wrap: chosen}
    return conditional(request, chosen, headers)


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
