"""Who may do what on the forge: people by their tokens, an app by its key and minted tokens."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN_SECONDS = 3600.0
MAX_JWT_SECONDS = 600
READERS = frozenset({"read", "write"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whoever a token belongs to."""

    login: str
    repositories: frozenset[str] | None = None
    """The only ones it may touch; None: what the person may."""
    permissions: dict[str, str] | None = None
    """Of an installation's token, such as `contents: write`; None: everything the person may."""
    expires_at: float | None = None

    def may(self, permission: str, level: str = "read") -> bool:
        if self.permissions is None:
            return True
        given = self.permissions.get(permission, "")
        return given == "write" or (level == "read" and given in READERS)


@dataclass(kw_only=True)
class ForgeApp:
    """A GitHub App: its key, and where it is installed with which rights."""

    id: int = 4711
    slug: str = "threadsmith-app"
    permissions: dict[str, str] = field(
        default_factory=lambda: {
            "contents": "write",
            "pull_requests": "write",
            "issues": "write",
            "checks": "read",
            "statuses": "read",
            "metadata": "read",
        }
    )
    repositories: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    """Accounts that let the app do nothing for now."""
    token_seconds: float = TOKEN_SECONDS

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def private_key(self) -> str:
        """As GitHub hands it out, PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"

    def is_signed(self, token: str) -> bool:
        """Whether it is a JWT of the app's key, as young as GitHub wants it."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                options={"require": ["exp", "iat"]},
            )
        except jwt.InvalidTokenError:
            return False
        is_short = claims["exp"] - claims["iat"] <= MAX_JWT_SECONDS + 60
        return is_short and str(claims.get("iss")) == str(self.id)


@dataclass(kw_only=True)
class Access:
    """Every token that is known."""

    bot: str
    token: str
    app: ForgeApp
    clock: Callable[[], float] = time.time
    minted: list[Identity] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known = {self.token: Identity(login=self.bot)}

    def add_person(self, login: str) -> str:
        token = f"ghp_{secrets.token_hex(18)}"
        self._known[token] = Identity(login=login)
        return token

    def mint(
        self, repositories: frozenset[str], permissions: dict[str, str]
    ) -> tuple[str, Identity]:
        token = f"ghs_{secrets.token_hex(18)}"
        identity = Identity(
            login=self.app.login,
            repositories=repositories,
            permissions=permissions,
            expires_at=self.clock() + self.app.token_seconds,
        )
        self._known[token] = identity
        self.minted.append(identity)
        return token, identity

    def revoke(self, token: str) -> None:
        self._known.pop(token, None)

    def identity(self, request: web.Request) -> Identity | None:
        """None: no token, or none that is good (any more)."""
        given = offered_token(request)
        found = self._known.get(given) if given else None
        if found is not None and found.expires_at is not None and found.expires_at < self.clock():
            return None
        return found

    def is_app(self, request: web.Request) -> bool:
        given = offered_token(request)
        return given is not None and self.app.is_signed(given)


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


def user_json(login: str, number: int = 1) -> dict[str, Any]:
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": number, "type": kind, "name": login}
