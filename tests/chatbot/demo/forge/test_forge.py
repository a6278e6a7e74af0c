"""The forge as GitHub's own client and git see it, and as a person does."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from github import Auth, Github, GithubException, UnknownObjectException

from chatbot.demo.forge import Forge

NAME = "acme/api"
FILES = {"a.txt": b"one\n", "run.sh": b"#!/bin/sh\n", "d/x y.txt": b"q"}


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    forge = Forge(directory=tmp_path / "forge")
    await forge.start()
    await forge.add_repository(NAME, FILES)
    await forge.add_repository("acme/secret", FILES, private=True)
    yield forge
    await forge.stop()


def _client(forge: Forge, token: str | None = None) -> Github:
    return Github(base_url=forge.api_url, auth=Auth.Token(token or forge.token), retry=None)


def _git(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _push(forge: Forge, directory: Path, *, token: str, branch: str = "topic") -> str:
    clone = directory / f"clone-{branch}"
    _git("clone", "-q", forge.clone_url(NAME), str(clone))
    (clone / "a.txt").write_text("two\n")
    _git("commit", "-qam", "Two", cwd=clone)
    url = forge.clone_url(NAME).replace("://", f"://x:{token}@")
    return _git("push", "-q", url, f"HEAD:refs/heads/{branch}", cwd=clone).stderr


async def test_git_clones_and_pushes_with_the_token_only(forge: Forge, tmp_path: Path) -> None:
    assert "Authentication failed" in await asyncio.to_thread(_push, forge, tmp_path, token="no")
    assert list(await forge.branches(NAME)) == ["main"]
    assert await asyncio.to_thread(_push, forge, tmp_path, token=forge.token, branch="b2") == ""
    assert await forge.read_file(NAME, "b2", "a.txt") == b"two\n"
    assert await forge.read_file(NAME, "b2", "d/x y.txt") == b"q"


async def test_a_pull_request_through_githubs_client(forge: Forge, tmp_path: Path) -> None:
    await asyncio.to_thread(_push, forge, tmp_path, token=forge.token)

    def use() -> None:
        repository = _client(forge).get_repo(NAME)
        assert (repository.default_branch, repository.permissions.push) == ("main", True)
        assert {branch.name for branch in repository.get_branches()} == {"main", "topic"}
        pull = repository.create_pull("main", "topic", title="Two", body="**Why**", draft=True)
        assert (pull.number, pull.draft, pull.state) == (1, True, "open")
        found = repository.get_pulls(state="open", head="acme:topic")
        assert [pull.number for pull in found] == [1]
        pull.edit(title="Three")
        assert repository.get_pull(1).title == "Three"
        for head, message in (
            ("topic", "already exists"),
            ("none", "head"),
            ("main", "No commits"),
        ):
            with pytest.raises(GithubException) as caught:
                repository.create_pull("main", head, title="x")
            assert caught.value.status == 422
            assert message in str(caught.value.data)

    await asyncio.to_thread(use)


async def test_what_a_token_may_not_see_does_not_exist(forge: Forge) -> None:
    def use() -> None:
        with pytest.raises(UnknownObjectException):
            _client(forge).get_repo("acme/none")
        with pytest.raises(GithubException) as caught:
            _client(forge, "wrong").get_repo(NAME)
        assert caught.value.status == 401
        assert _client(forge).get_repo("acme/secret").private

    await asyncio.to_thread(use)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{forge.api_url}/repos/acme/secret") as answer:
            assert answer.status == 404
        async with session.get(f"{forge.url}/acme/secret") as answer:
            assert answer.status == 404


async def test_conditional_requests_and_injected_failures(forge: Forge) -> None:
    url = f"{forge.api_url}/repos/{NAME}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            etag = answer.headers["ETag"]
        async with session.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304
        forge.fail_next("GET", "*/api", 503)
        async with session.get(url) as answer:
            assert answer.status == 503
        async with session.get(url) as answer:
            assert answer.status == 200


async def test_the_pages_show_hostile_words_as_words(forge: Forge, tmp_path: Path) -> None:
    await asyncio.to_thread(_push, forge, tmp_path, token=forge.token)
    hostile = "<script>alert(1)</script> [x](javascript:alert(1))"

    def open_pull() -> None:
        _client(forge).get_repo(NAME).create_pull("main", "topic", title=hostile, body=hostile)

    await asyncio.to_thread(open_pull)
    head = (await forge.branches(NAME))["topic"]
    async with aiohttp.ClientSession(forge.url) as session:
        for path in ("/", f"/{NAME}", f"/{NAME}/pull/1", f"/{NAME}/commit/{head}"):
            async with session.get(path) as answer:
                text = await answer.text()
            assert answer.status == 200
            assert "<script>" not in text
            assert 'href="javascript' not in text
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.get(f"/{NAME}/blob/main/d/x%20y.txt") as answer:
            assert answer.status == 200
        async with session.get(f"/{NAME}/pull/9") as answer:
            assert answer.status == 404


async def test_merging_moves_the_base(forge: Forge, tmp_path: Path) -> None:
    await asyncio.to_thread(_push, forge, tmp_path, token=forge.token)

    def use() -> bool:
        pull = _client(forge).get_repo(NAME).create_pull("main", "topic", title="x")
        return pull.merge().merged

    assert await asyncio.to_thread(use)
    assert await forge.read_file(NAME, "main", "a.txt") == b"two\n"
