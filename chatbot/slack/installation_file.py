"""The SDK's stores of installations and of states, in one SQLite file whose connections are closed.

The SDK (3.47) leaves each connection to the garbage collector, which Python 3.13 warns of. Its
statements are its own; the tables that they need are made here.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Literal

from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

_BOT = """
    id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL, app_id TEXT NOT NULL,
    enterprise_id TEXT NOT NULL DEFAULT '', enterprise_name TEXT,
    team_id TEXT NOT NULL DEFAULT '', team_name TEXT,
    bot_token TEXT, bot_id TEXT, bot_user_id TEXT, bot_scopes TEXT,
    bot_refresh_token TEXT, bot_token_expires_at DATETIME,
    is_enterprise_install BOOLEAN NOT NULL DEFAULT 0,
    installed_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
"""
"""To the millisecond: the newest counts, and a token may be renewed as soon as it is there."""
_TABLES = f"""
CREATE TABLE IF NOT EXISTS slack_bots ({_BOT});
CREATE TABLE IF NOT EXISTS slack_installations ({_BOT},
    enterprise_url TEXT, user_id TEXT NOT NULL, user_token TEXT, user_scopes TEXT,
    user_refresh_token TEXT, user_token_expires_at DATETIME,
    incoming_webhook_url TEXT, incoming_webhook_channel TEXT, incoming_webhook_channel_id TEXT,
    incoming_webhook_configuration_url TEXT, token_type TEXT
);
CREATE TABLE IF NOT EXISTS oauth_states (
    id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, expire_at DATETIME NOT NULL
);
"""


class _Connection(sqlite3.Connection):
    """Closed at the end of its `with`."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        try:
            return super().__exit__(kind, error, trace)
        finally:
            self.close()


def connect(path: str) -> sqlite3.Connection:
    """A token that was taken back is overwritten, not only left out."""
    db = sqlite3.connect(path, factory=_Connection)
    db.execute("PRAGMA secure_delete = ON")
    return db


def make_tables(path: str) -> None:
    """Where they are missing; raises sqlite3.Error."""
    with connect(path) as db:
        db.executescript(_TABLES)


class InstallationStore(SQLite3InstallationStore):
    def connect(self) -> sqlite3.Connection:
        return connect(self.database)


class StateStore(SQLite3OAuthStateStore):
    def connect(self) -> sqlite3.Connection:
        return connect(self.database)
