"""The real application on a real socket, over a real history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.config import DataSettings, ForgeSettings, Settings, WebSettings
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.web.app import make_web_app
from tests.chatbot.history.lives import Life

TOKEN = "the-api-token"


@dataclass(frozen=True, slots=True)
class Site:
    """A served application, and a caller with the token."""

    settings: Settings
    actions: Actions
    client: TestClient[Request, Application]

    @property
    def history(self) -> History:
        return self.actions.history

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"}

    async def page(self, life: Life) -> str:
        task = await life.task()
        return f"/t/{task.id}/{task.share_token}"


def make_settings(directory: Path, *, token: str | None = TOKEN) -> Settings:
    return Settings(
        data=DataSettings(directory=directory),
        forge=ForgeSettings(url="https://forge.example"),
        web=WebSettings(
            port=0, api_token=None if token is None else SecretStr(token), max_upload_mib=1
        ),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "data")


@pytest.fixture
async def site(settings: Settings, history: History, actions: Actions) -> AsyncIterator[Site]:
    app = make_web_app(settings, history, actions, Intake(settings, history, actions))
    async with TestClient(TestServer(app)) as client:
        yield Site(settings, actions, client)
