"""A forge with a pull request of ours, and a reader with a clock of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatbot.demo.forge import Forge
from chatbot.feedback.reader import Look, PullReader
from chatbot.forge.github import GitHubForge
from chatbot.forge.identity import PersonalToken

NAME = "acme/api"


@dataclass(kw_only=True)
class Desk:
    forge: Forge
    github: GitHubForge
    now: float = field(default_factory=time.time)
    seen: dict[str, Any] = field(default_factory=dict)
    number: int = 1

    async def look(self) -> Look:
        """One look after the other, each knowing what the last one saw."""
        reader = PullReader(self.github.identity, clock=lambda: self.now)
        look = await reader.look(NAME, self.number, self.seen)
        self.seen = look.seen
        return look


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    forge = Forge(directory=tmp_path / "forge")
    await forge.start()
    await forge.add_repository(NAME, {"a.txt": b"one\n"})
    forge.repositories[NAME].people["ada"] = "write"
    await forge.repositories[NAME].move_branch("ours", await forge.commit(NAME, {"b.txt": b"b"}))
    await forge.commit(NAME, {"a.txt": b"two\n"}, branch="ours")
    github = GitHubForge(PersonalToken(forge.api_url, forge.token))
    pull = await github.create_pull(
        NAME, branch="ours", base="main", title="Two", body="", draft=False
    )
    yield Desk(forge=forge, github=github, number=pull.number)
    await github.close()
    await forge.stop()
