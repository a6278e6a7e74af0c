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


@pytest.mark.parametrize("words", ["", "  ", "@threadsmith", "<@U123ABC>", "🎉🎉", ":tada:", "?!"])
def test_words_that_ask_for_nothing_are_asked_about(words: str) -> None:
    found = parse(words, "--default-repo", "acme/api")
    assert found.keys() >= KEYS
    assert found["task"] == ""
    assert found["ask"] == "What is to be done?"


def test_what_a_terminal_would_obey_is_left_out() -> None:
    assert parse("fix \x1b[31mthe\x07 login in acme/api")["task"] == "fix [31mthe login"


def test_an_emoji_stays_as_it_was_said() -> None:
    assert parse(":bug: fix the login in acme/api :pray:")["task"] == ":bug: fix the login :pray:"


@pytest.mark.parametrize(
    "options",
    [("--known", "acme"), ("--known", "acme/api,a b"), ("--default-repo", "api"), ("--known", "/")],
)
def test_a_name_that_is_no_repository_is_refused(options: tuple[str, str]) -> None:
    done = CliRunner().invoke(cli, ["parse", "fix it", *options, "--json"])
    assert done.exit_code == 2
    assert options[0] in done.output


def test_a_folder_that_could_be_a_repository_is_offered() -> None:
    found = parse("in libs/payments fix the rounding", "--known", "acme/api")
    assert found["repository"] is None
    assert found["ask"]
    assert found["likely"] == ["libs/payments", "acme/api"]
