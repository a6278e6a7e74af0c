"""Who may use a run's native routes, and how they are told that they may not."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

_ANTHROPIC_ERRORS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    404: "not_found_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def derive_key(token: str) -> str:
    """The key of a run's native routes; it opens no other."""
    digest = hmac.new(token.encode(), b"pass-through", hashlib.sha256).hexdigest()
    return f"threadsmith-{digest}"


def native_provider(path: str) -> str | None:
    """Whose protocol is spoken there; None: our own."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in ("anthropic", "openai") else None


def given_key(headers: Mapping[str, str]) -> str:
    """As the two protocols send it."""
    return headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ")


def make_error(provider: str, status: int, code: str, brief: str) -> tuple[int, Json]:
    """An error in the provider's own form, by which its clients know whether to try again."""
    if provider == "anthropic":
        kind = _ANTHROPIC_ERRORS.get(status, "api_error")
        return status, {"type": "error", "error": {"type": kind, "message": brief}}
    if status == 402:
        status, code = 429, "insufficient_quota"
    return status, {"error": {"message": brief, "type": code, "param": None, "code": code}}
