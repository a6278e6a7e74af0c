"""Who may do what on the forge: one token that may do everything, and everybody else."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Access:
    """The forge's one token."""

    token: str

    def is_allowed(self, request: web.Request) -> bool:
        given = offered_token(request)
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())


def offered_token(request: web.Request) -> str | None:
    """The token a request carries, in any of the forms GitHub takes; None: it carries none."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    match kind.lower():
        case "bearer" | "token":
            return value.strip()
        case "basic":
            try:
                return base64.b64decode(value).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
    return None
