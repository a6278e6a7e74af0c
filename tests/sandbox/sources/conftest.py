"""A repository, and a server for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.git_repository import Repository
from tests.sandbox.git_server import GitServer, serve_git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """`acme/api` with one commit on `main`."""
    repository = Repository(tmp_path / "served" / "acme" / "api")
    repository.commit({"README.md": "# API\n"}, "First")
    return repository


@pytest.fixture
def server(tmp_path: Path, repository: Repository) -> Iterator[GitServer]:
    with serve_git(tmp_path / "served") as server:
        yield server
