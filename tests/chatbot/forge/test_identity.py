"""A person's token, and an app's: minted for one repository, renewed before they end, named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.config import ConfigError, ForgeSettings, Settings
from chatbot.demo.forge import Forge
from chatbot.demo.forge.access import ForgeApp
from chatbot.forge.errors import ForgeBusy, ForgeError, ForgeNotFound, ForgeTokenRefused
from chatbot.forge.github import GitHubForge
from chatbot.forge.identity import AppIdentity, PersonalToken, make_identity

NAME = "acme/api"
APP = ForgeApp(repositories={NAME})


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    APP.permissions = ForgeApp().permissions
    forge = Forge(directory=tmp_path / "forge", app=APP)
    await forge.start()
    await forge.add_repository(NAME, {"a.txt": b"one\n"}, private=True)
    await forge.add_repository("acme/other", {"a.txt": b"one\n"}, private=True)
    yield forge
    await forge.stop()


@pytest.fixture
async def identity(forge: Forge) -> AsyncIterator[AppIdentity]:
    identity = AppIdentity(forge.api_url, str(APP.id), APP.private_key, clock=Clock())
    yield identity
    await identity.close()


async def test_a_token_is_minted_for_one_repository_and_used_until_it_is_old(
    forge: Forge, identity: AppIdentity
) -> None:
    tokens = await asyncio.gather(*(identity.token(NAME) for _ in range(5)))
    assert len(set(tokens)) == 1
    (minted,) = forge.access.minted
    assert minted.repositories == frozenset({NAME})
    clock = identity._clock
    assert isinstance(clock, Clock)
    clock.now += 3600 - 500
    assert await identity.token(NAME) != tokens[0]
    info = await GitHubForge(identity).repository(NAME)
    assert (info.is_private, info.missing) == (True, ())


async def test_where_the_app_is_not_installed_that_is_said(identity: AppIdentity) -> None:
    with pytest.raises(ForgeNotFound, match="not installed for `acme/other`") as raised:
        await identity.token("acme/other")
    assert "Install the GitHub App" in raised.value.resolution


async def test_missing_rights_are_named(forge: Forge, identity: AppIdentity) -> None:
    APP.permissions = {"contents": "read", "metadata": "read"}
    info = await GitHubForge(identity).repository(NAME)
    assert info.missing == (
        "the right to push (contents: write) is missing",
        "the right to open pull requests is missing",
    )


async def test_who_we_are(forge: Forge, identity: AppIdentity) -> None:
    assert await GitHubForge(identity).check() == "answers as threadsmith-app[bot]"
    personal = PersonalToken(forge.api_url, forge.token)
    assert await GitHubForge(personal).check() == "answers as threadsmith-bot"
    await personal.close()


async def test_a_key_that_is_none_and_a_key_of_another_app(forge: Forge) -> None:
    broken = AppIdentity(forge.api_url, "1", "no key")
    with pytest.raises(ForgeError, match="key cannot be used"):
        await broken.token(NAME)
    await broken.close()
    stranger = AppIdentity(forge.api_url, str(APP.id), ForgeApp().private_key)
    with pytest.raises(ForgeTokenRefused):
        await stranger.token(NAME)
    await stranger.close()


async def test_a_rate_limit_that_takes_too_long_is_told(forge: Forge) -> None:
    personal = PersonalToken(forge.api_url, forge.token)
    message = "API rate limit exceeded for user ID 1."
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3000)}
    forge.fail_next("GET", "*/user", 403, headers=headers, message=message)
    with pytest.raises(ForgeBusy):
        await personal.login()
    await personal.close()


def test_what_the_configuration_asks_for(tmp_path: Path) -> None:
    assert make_identity(Settings()) is None
    with pytest.raises(ConfigError, match=r"needs forge\.app_private_key_file"):
        make_identity(Settings(forge=ForgeSettings(app_id="1")))
    missing = ForgeSettings(app_id="1", app_private_key_file=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match="cannot be read"):
        make_identity(Settings(forge=missing))
