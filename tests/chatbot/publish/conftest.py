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
from chatbot.publish.forge import GitHubForge
from chatbot.publish.publisher import PublishRequest, Signature
from sandbox.git import GitCredentials
from sandbox.sources.mirror import Mirrors

NAME = "acme/api"
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
        return PublishRequest(
            repository=NAME,
            clone_url=url,
            mirror=Path(tree.mirror),
            base_commit=tree.commit,
            base_branch="main",
            patch=patch,
            patch_sha256=hashlib.sha256(patch).hexdigest(),
            branch=branch,
            title="Count to two",
            body="Because.",
            message="Count to two\n\nBecause.\n",
            author=Signature(name="Threadsmith", email="bot@example.com"),
            at=1_700_000_000,
            credentials=self.credentials,
        )

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
    github = GitHubForge(base_url=forge.api_url, token=forge.token)
    clones = tmp_path / "clones"
    clones.mkdir()
    yield Scene(forge=forge, github=github, mirrors=Mirrors(tmp_path / "mirrors"), directory=clones)
    await github.close()
    await forge.stop()


def with_token(request: PublishRequest, token: str) -> PublishRequest:
    return replace(request, credentials=GitCredentials(username="x", token=token))
