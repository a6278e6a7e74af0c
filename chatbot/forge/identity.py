"""Who this program is on the forge: a person's token, or an app with a token per repository."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from chatbot.config import ConfigError, Settings
from chatbot.forge.errors import ForgeForbidden, ForgeNotFound
from chatbot.forge.transport import Client, app_client, open_client, token_client

RENEW_SECONDS = 600.0
"""A token that ends sooner is made anew: a push takes its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What may be done in one repository."""

    push: bool
    pulls: bool
    can_fork: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the forge lists the repositories that we may see."""

    title: str
    """Tells it from the others."""
    client: Client
    path: str
    query: dict[str, str] = field(default_factory=dict)
    inside: str = ""
    """The list's name in the answer; empty: the answer is the list."""


class Identity(Protocol):
    async def login(self) -> str:
        """By which the forge calls us."""

    async def token(self, repository: str) -> str:
        """For git and the API, good for some minutes at least."""

    async def client(self, repository: str) -> Client:
        """The API with that token."""

    async def open_client(self) -> Client:
        """For what everybody may read."""

    async def places(self) -> list[Place]:
        """Together they list everything that we may see."""

    async def rights(self, repository: str, shown: dict[str, Any]) -> Rights:
        """``shown``: what the forge shows us of the repository."""

    async def close(self) -> None: ...


class PersonalToken:
    """One token for everything that its owner may do."""

    def __init__(self, base_url: str, token: str) -> None:
        self._token = token
        self._client = token_client(base_url, token)
        self._login = ""

    async def login(self) -> str:
        if not self._login:
            answer = await self._client.ask("GET", "/user")
            self._login = str(answer.data["login"])
        return self._login

    async def token(self, repository: str) -> str:  # noqa: ARG002 - the same for all
        return self._token

    async def client(self, repository: str) -> Client:  # noqa: ARG002 - the same for all
        return self._client

    async def open_client(self) -> Client:
        return self._client

    async def places(self) -> list[Place]:
        query = {"affiliation": "owner,collaborator,organization_member"}
        return [Place(title="own", client=self._client, path="/user/repos", query=query)]

    async def rights(self, repository: str, shown: dict[str, Any]) -> Rights:  # noqa: ARG002
        push = bool((shown.get("permissions") or {}).get("push"))
        return Rights(push=push, pulls=True, can_fork=True)

    async def close(self) -> None:
        await self._client.close()


@dataclass(slots=True)
class _Minted:
    token: str
    expires_at: float
    client: Client


@dataclass(slots=True)
class _Place:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    minted: _Minted | None = None


class AppIdentity:
    """A GitHub App: for each repository a token of its own, made when it is needed."""

    def __init__(
        self,
        base_url: str,
        app_id: str,
        private_key: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url
        self._app = app_client(base_url, app_id, private_key)
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._open = open_client(base_url)
        self._login = ""

    async def login(self) -> str:
        if not self._login:
            answer = await self._app.ask("GET", "/app")
            self._login = f"{answer.data['slug']}[bot]"
        return self._login

    async def token(self, repository: str) -> str:
        return (await self._of(repository)).token

    async def client(self, repository: str) -> Client:
        return (await self._of(repository)).client

    async def open_client(self) -> Client:
        return self._open

    async def places(self) -> list[Place]:
        places = []
        for each in await self._app.pages("/app/installations", name=""):
            if each.get("suspended_at"):
                continue
            try:
                places.append(await self._place(int(each["id"])))
            except (ForgeForbidden, ForgeNotFound):
                # Taken back since it was told of.
                continue
        return places

    async def _place(self, number: int) -> Place:
        """With a token that may look, and nothing else."""
        body = {"permissions": {"metadata": "read"}}
        title = f"installation {number}"
        minted = await self._minted(title, partial(self._mint_for, number, title, body))
        return Place(
            title=title,
            client=minted.client,
            path="/installation/repositories",
            inside="repositories",
        )

    async def rights(self, repository: str, shown: dict[str, Any]) -> Rights:  # noqa: ARG002
        given = (await self._installation(repository)).get("permissions") or {}
        return Rights(
            push=given.get("contents") == "write",
            pulls=given.get("pull_requests") == "write",
            can_fork=False,
        )

    async def close(self) -> None:
        for place in self._places.values():
            if place.minted is not None:
                await place.minted.client.close()
        await self._open.close()
        await self._app.close()

    async def _of(self, repository: str) -> _Minted:
        return await self._minted(repository, partial(self._mint, repository))

    async def _minted(self, key: str, mint: Callable[[], Awaitable[_Minted]]) -> _Minted:
        place = self._places.setdefault(key, _Place())
        async with place.lock:
            minted = place.minted
            if minted is None or minted.expires_at < self._clock() + RENEW_SECONDS:
                fresh = await mint()
                if minted is not None:
                    await minted.client.close()
                place.minted = minted = fresh
            return minted

    async def _mint(self, repository: str) -> _Minted:
        installation = await self._installation(repository)
        body = {"repositories": [repository.partition("/")[2]]}
        return await self._mint_for(int(installation["id"]), repository, body)

    async def _mint_for(self, number: int, name: str, body: dict[str, Any]) -> _Minted:
        path = f"/app/installations/{number}/access_tokens"
        answer = await self._app.ask("POST", path, name=name, body=body)
        token = str(answer.data["token"])
        expires_at = datetime.fromisoformat(answer.data["expires_at"]).timestamp()
        return _Minted(token, expires_at, token_client(self._base_url, token))

    async def _installation(self, repository: str) -> dict[str, Any]:
        path = f"/repos/{repository}/installation"
        try:
            answer = await self._app.ask("GET", path, name=repository)
        except ForgeNotFound as error:
            raise ForgeNotFound(
                f"The app is not installed for `{repository}`, or there is no such repository.",
                details=error.details,
                resolution="Install the GitHub App there, or add the repository to it.",
            ) from error
        found: dict[str, Any] = answer.data
        return found


def make_identity(settings: Settings) -> Identity | None:
    """As configured; None where no forge is."""
    forge = settings.forge
    if forge.app_id:
        if forge.app_private_key_file is not None:
            try:
                key = forge.app_private_key_file.expanduser().read_text()
            except OSError as error:
                raise ConfigError(f"forge.app_private_key_file cannot be read: {error}") from error
        elif forge.app_private_key is not None:
            key = forge.app_private_key.get_secret_value()
        else:
            raise ConfigError("forge.app_id needs forge.app_private_key_file.")
        return AppIdentity(forge.api_url, forge.app_id, key)
    if forge.token is not None:
        return PersonalToken(forge.api_url, forge.token.get_secret_value())
    return None
