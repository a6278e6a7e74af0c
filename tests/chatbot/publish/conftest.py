"""A forge with one repository, its mirror, and a patch to publish."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chatbot.demo.forge import Forge
from chatbot.forge.github import GitHubForge
from chatbot.forge.identity import PersonalToken
from chatbot.publish.branch import Signature, Work
from chatbot.publish.publisher import PublishRequest, PullRequestText, Target
from sandbox.git import GitCredentials, credential_env
from sandbox.sources.mirror import Mirrors

NAME = "acme/api"
BODY = "<!-- threadsmith -->\nBecause.\n<!-- /threadsmith -->"
FILES = {"a.txt": b"one\n", "run.sh": b"#!/bin/sh\n"}


@dataclass(kw_only=True)
class Scene:
    forge: Forge
    github: GitHubForge
    mirrors: Mirrors
    directory: Path

    @property
    def credentials(self) -> GitCredentials:
        return GitCredentials(username="x-access-token", token=self.forge.token)

    async def request(
        self, files: dict[str, bytes], *, ref: str | None = None, branch: str = "threadsmith/x"
    ) -> PublishRequest:
        url = self.forge.clone_url(NAME)
        tree = await self.mirrors.fetch(url, ref, repository=NAME, credentials=self.credentials)
        # In a thread: the forge serves the clone from this very loop.
        patch = await asyncio.to_thread(self.make_patch, url, tree.commit, files)
        head = await self.mirrors.fetch(url, "main", repository=NAME, credentials=self.credentials)
        work = Work(
            mirror=Path(tree.mirror),
            base_commit=tree.commit,
            patch=patch,
            patch_sha256=hashlib.sha256(patch).hexdigest(),
            message="Count to two\n\nBecause.\n",
            author=Signature(name="Threadsmith", email="bot@example.com"),
            at=1_700_000_000,
            limit_bytes=1024**2,
        )
        target = Target(
            repository=NAME, push_url=url, branch=branch, env=credential_env(url, self.credentials)
        )
        pull = PullRequestText(base="main", base_head=head.commit, title="Count to two", body=BODY)
        return PublishRequest(work=work, target=target, pull=pull, is_first=ref is None)

    def make_patch(self, url: str, commit: str, files: dict[str, bytes]) -> bytes:
        """As a container would: a real git in a clone of its own."""
        clone = self.directory / f"clone-{commit[:8]}-{len(list(self.directory.iterdir()))}"
        _git("clone", "-q", url, str(clone))
        _git("-C", str(clone), "checkout", "-q", commit)
        for name, content in files.items():
            (clone / name).write_bytes(content)
        _git("-C", str(clone), "add", "-A")
        return _git("-C", str(clone), "diff", "--cached", "--binary", "--full-index")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], check=True, capture_output=True).stdout


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    forge = Forge(directory=tmp_path / "forge")
    await forge.start()
    await forge.add_repository(NAME, FILES)
    github = GitHubForge(PersonalToken(forge.api_url, forge.token))
    clones = tmp_path / "clones"
    clones.mkdir()
    yield Scene(forge=forge, github=github, mirrors=Mirrors(tmp_path / "mirrors"), directory=clones)
    await github.close()
    await forge.stop()


def with_token(request: PublishRequest, token: str) -> PublishRequest:
    credentials = GitCredentials(username="x", token=token)
    return replace(
        request,
        target=replace(request.target, env=credential_env(request.target.push_url, credentials)),
    )
