"""`threadsmith parse`: what was understood, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chatbot.cli import cli

KEYS = {
    *("repository", "ref", "mode", "task", "model", "image", "draft", "count", "from", "ask"),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration stands there."""
    monkeypatch.chdir(tmp_path)


def parse(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["parse", *words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    assert found.keys() >= KEYS
    return found


def test_what_is_named_is_taken_out_of_the_task() -> None:
    found = parse("@Threadsmith fix the retry test in acme/api on branch dev, as a draft PR")
    assert (found["repository"], found["ref"], found["from"]) == ("acme/api", "dev", "named")
    assert (found["task"], found["mode"], found["draft"]) == ("fix the retry test", "change", True)
    assert found["ask"] is None


def test_a_known_name_and_a_default_are_used_and_told() -> None:
    known = parse("fix the retry test in the api repo", "--known", "acme/api,acme/web")
    assert known["repository"] == "acme/api"
    default = parse("fix the retry test", "--default-repo", "acme/web")
    assert default["repository"] == "acme/web"
    assert default["from"] not in {None, "named"}


def test_where_nothing_is_clear_it_would_ask() -> None:
    found = parse("fix the retry test")
    assert found["repository"] is None
    assert found["ask"]


def test_people_read_the_same() -> None:
    done = CliRunner().invoke(cli, ["parse", "explain how retries work in acme/api"])
    assert done.exit_code == 0
    assert "acme/api" in done.output
    assert "explain" in done.output
