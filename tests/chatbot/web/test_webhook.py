"""The forge's webhook: believed by its signature alone, and never taken at its word."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.config import DataSettings, ForgeSettings, Settings
from chatbot.intake import Intake
from chatbot.web.app import make_web_app

SECRET = "the-webhook-secret"
Client = TestClient[Request, Application]


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
async def client(actions: Actions, tmp_path: Path, woken: list[str]) -> AsyncIterator[Client]:
    settings = Settings(
        data=DataSettings(directory=tmp_path),
        forge=ForgeSettings(webhook_secret=SecretStr(SECRET)),
    )
    intake = Intake(settings, actions.history, actions)
    application = make_web_app(settings, actions.history, actions, intake, wake=woken.append)
    async with TestClient(TestServer(application)) as client:
        yield client


async def send(
    client: Client, data: bytes, *, secret: str = SECRET, event: str = "check_run", **more: str
) -> int:
    digest = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={digest}", **more}
    async with client.post("/github/webhook", data=io.BytesIO(data), headers=headers) as answer:
        return answer.status


def about(name: Any) -> bytes:
    return json.dumps({"repository": {"full_name": name}}).encode()


async def test_a_signed_delivery_wakes_the_repository(client: Client, woken: list[str]) -> None:
    assert await send(client, about("acme/api")) == 202
    assert woken == ["acme/api"]


@pytest.mark.parametrize("more", [{}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": "é"}])
async def test_others_are_refused(client: Client, woken: list[str], more: dict[str, str]) -> None:
    secret = SECRET if more else "wrong"
    assert await send(client, about("acme/api"), secret=secret, **more) == 401
    assert woken == []


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"{}", "ping"),
        (b"not json", "check_run"),
        (b"[]", "check_run"),
        (about("../../etc"), "check_run"),
        (about({"a": 1}), "check_run"),
        (about("acme/api"), "star"),
    ],
)
async def test_what_says_nothing_to_us_is_taken_and_left(
    client: Client, woken: list[str], data: bytes, event: str
) -> None:
    assert await send(client, data, event=event) == 200
    assert woken == []


async def test_a_large_delivery_is_taken_and_an_endless_one_is_not(
    client: Client, woken: list[str]
) -> None:
    padded = json.dumps({"repository": {"full_name": "a/b"}, "x": "y" * 3_000_000}).encode()
    assert await send(client, padded) == 202
    assert await send(client, b"x" * (26 * 1024**2)) == 413
    assert woken == ["a/b"]


async def test_without_a_secret_there_is_no_webhook(actions: Actions, tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(directory=tmp_path))
    intake = Intake(settings, actions.history, actions)
    application = make_web_app(settings, actions.history, actions, intake)
    async with TestClient(TestServer(application)) as client:
        assert await send(client, about("acme/api")) == 404
