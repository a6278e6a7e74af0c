"""Workspaces that installed the app: who they are, their tokens, and the tokens' renewal.

Kept in a file of their own, readable by nobody else: the story's file may be copied and shown.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import structlog
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

STATE_SECONDS = 600
RENEW_MINUTES = 120
"""Slack's tokens are good for twelve hours; they are renewed so long before their end."""
SCOPES = (
    *("app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write"),
    *("commands", "files:read", "files:write", "groups:history", "groups:read", "im:history"),
    *("im:read", "im:write", "reactions:write", "usergroups:read", "users:read"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    team: str
    token: str


class _Store(SQLite3InstallationStore):
    """A token that was taken back is overwritten, not only left out."""

    def connect(self) -> sqlite3.Connection:
        db = super().connect()
        db.execute("PRAGMA secure_delete = ON")
        return db


class Installations:
    """``path``: the file; made where it is missing."""

    def __init__(
        self, path: Path, *, client_id: str, client_secret: str, client: AsyncWebClient
    ) -> None:
        self._path = path
        self._client_id = client_id
        self._client_secret = client_secret
        self._client = client
        self._store = _Store(database=str(path), client_id=client_id)
        self._states = SQLite3OAuthStateStore(database=str(path), expiration_seconds=STATE_SECONDS)

    async def open(self) -> None:
        """Raises OSError, sqlite3.Error."""
        await asyncio.to_thread(self._make)

    def flow(self, *, public_url: str) -> AsyncOAuthFlow:
        """Slack's own way from the install button to the stored tokens."""
        settings = AsyncOAuthSettings(
            client_id=self._client_id,
            client_secret=self._client_secret,
            scopes=list(SCOPES),
            redirect_uri=f"{public_url.rstrip('/')}/slack/oauth_redirect",
            installation_store=self._store,
            state_store=self._states,
        )
        return AsyncOAuthFlow(client=self._client, settings=settings)

    async def teams(self) -> list[str]:
        return await asyncio.to_thread(self._teams)

    async def find(self, team: str) -> Installed | None:
        """With a token that is good for a while yet."""
        found = await self._store.async_find_installation(
            enterprise_id=None, team_id=team, is_enterprise_install=False
        )
        if found is None or not found.bot_token:
            return None
        return Installed(team=team, token=str((await self._renewed(found)).bot_token))

    async def remove(self, team: str) -> None:
        """The app was removed there, or its tokens were taken back."""
        await self._store.async_delete_all(enterprise_id=None, team_id=team)

    async def _renewed(self, found: Installation) -> Installation:
        rotator = AsyncTokenRotator(
            client_id=self._client_id, client_secret=self._client_secret, client=self._client
        )
        try:
            renewed = await rotator.perform_token_rotation(
                installation=found, minutes_before_expiration=RENEW_MINUTES
            )
        except SlackTokenRotationError as error:
            # The old one may be good for an hour yet; it is tried again.
            log.warning("slack_token_not_renewed", team=found.team_id, reason=str(error))
            return found
        if renewed is None:
            return found
        await self._store.async_save(renewed)
        log.info("slack_token_renewed", team=found.team_id)
        return renewed

    def _make(self) -> None:
        self._path.touch(mode=0o600, exist_ok=True)
        self._path.chmod(0o600)
        self._store.init()  # type: ignore[no-untyped-call]
        self._states.init()  # type: ignore[no-untyped-call]

    def _teams(self) -> list[str]:
        with self._store.connect() as db:
            rows = db.execute(
                "SELECT DISTINCT team_id FROM slack_installations WHERE client_id = ?",
                (self._client_id,),
            ).fetchall()
        db.close()
        return [str(row[0]) for row in rows if row[0]]
