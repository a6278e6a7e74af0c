"""Workspaces, and whole organisations, that installed the app: their tokens, and the renewal.

Kept in a file of their own, readable by nobody else: the story's file may be copied and shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.slack.installation_file import InstallationStore, StateStore, connect, make_tables

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
class Owner:
    """Whose installation it is."""

    enterprise: str = ""
    """The organisation that the workspace is of; empty: of none."""
    team: str = ""
    """The workspace; empty: the organisation installed the app as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One workspace to serve."""

    team: str
    token: str
    is_org: bool = False
    """The token is the organisation's: each call says which workspace it means."""


class Installations:
    """``path``: the file; made where it is missing."""

    def __init__(
        self, path: Path, *, client_id: str, client_secret: str, client: AsyncWebClient
    ) -> None:
        self._path = path
        self._client_id = client_id
        self._client_secret = client_secret
        self._client = client
        self._store = InstallationStore(database=str(path), client_id=client_id)
        self._states = StateStore(database=str(path), expiration_seconds=STATE_SECONDS)

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

    async def owners(self) -> list[Owner]:
        return await asyncio.to_thread(self._owners)

    async def token(self, owner: Owner) -> str | None:
        """The bot's, good for a while yet."""
        found = await self._store.async_find_installation(
            enterprise_id=owner.enterprise or None,
            team_id=owner.team or None,
            is_enterprise_install=not owner.team,
        )
        if found is None or not found.bot_token:
            return None
        return str((await self._renewed(found)).bot_token)

    async def remove(self, owner: Owner) -> None:
        """The app was removed there, or its tokens were taken back."""
        await self._store.async_delete_all(
            enterprise_id=owner.enterprise or None, team_id=owner.team or None
        )

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
            log.warning("slack_token_not_renewed", of=_name(found), reason=str(error))
            return found
        if renewed is None:
            return found
        await self._store.async_save(renewed)
        log.info("slack_token_renewed", of=_name(found))
        return renewed

    def _make(self) -> None:
        self._path.touch(mode=0o600, exist_ok=True)
        self._path.chmod(0o600)
        make_tables(str(self._path))

    def _owners(self) -> list[Owner]:
        with connect(str(self._path)) as db:
            rows = db.execute(
                "SELECT DISTINCT enterprise_id, team_id FROM slack_installations"
                " WHERE client_id = ?",
                (self._client_id,),
            ).fetchall()
        return [Owner(enterprise=str(row[0]), team=str(row[1])) for row in rows]


def _name(found: Installation) -> str:
    return found.team_id or found.enterprise_id or ""
