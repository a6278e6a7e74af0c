"""What is understood of a person's words."""

from __future__ import annotations

import pytest

from chatbot.request import Request, is_stop, plain, understand


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "<@U123> fix the failing test in demo/shop",
            Request(task="fix the failing test", repository="demo/shop"),
        ),
        ("demo/shop: fix it", Request(task="fix it", repository="demo/shop")),
        (
            "explain how discounts are applied in demo/shop",
            Request(
                task="explain how discounts are applied", repository="demo/shop", mode="explain"
            ),
        ),
        (
            "review pricing in demo/shop at v2.1",
            Request(task="review pricing", repository="demo/shop", ref="v2.1", mode="review"),
        ),
        (
            "fix src/app.py in acme/api on branch dev/x, please",
            Request(task="fix src/app.py, please", repository="acme/api", ref="dev/x"),
        ),
        (
            "in <https://github.com/acme/api> fix the read/write race",
            Request(task="fix the read/write race", repository="acme/api"),
        ),
        (
            "in <https://github.com/acme/api|acme/api> fix it",
            Request(task="fix it", repository="acme/api"),
        ),
        (
            "fix the bug in acme/api@release-2 with anthropic:claude-opus-4-5",
            Request(
                task="fix the bug",
                repository="acme/api",
                ref="release-2",
                model="anthropic:claude-opus-4-5",
            ),
        ),
        (
            "fix it in acme/web with image node:22",
            Request(task="fix it", repository="acme/web", image="node:22"),
        ),
        (
            "fix it in acme/web image=registry.acme.example/tools/node:22-slim",
            Request(
                task="fix it",
                repository="acme/web",
                image="registry.acme.example/tools/node:22-slim",
            ),
        ),
        (
            "fix the image upload in acme/web",
            Request(task="fix the image upload", repository="acme/web"),
        ),
        (
            "look at `acme/api` and fix the bug",
            Request(task="look at `acme/api` and fix the bug", repository="acme/api"),
        ),
        (
            "fix https://github.com/acme/api/tree/dev the bug",
            Request(task="fix the bug", repository="acme/api", ref="dev"),
        ),
        (
            "why does src/x.py fail in demo/shop?",
            Request(task="why does src/x.py fail?", repository="demo/shop", mode="explain"),
        ),
        ("acme/api", Request(task="", repository="acme/api")),
        ("fix the bug", Request(task="fix the bug")),
        (
            "fix a bug in acme/api and in acme/web",
            Request(
                task="fix a bug in acme/api and in acme/web", candidates=("acme/api", "acme/web")
            ),
        ),
        (
            "fix <https://forge.example/acme/api/issues/12>",
            Request(
                task="fix https://forge.example/acme/api/issues/12",
                repository="https://forge.example/acme/api",
            ),
        ),
        (
            "port https://forge.example/acme/api/blob/main/a.py#L3 to acme/web, please",
            Request(
                task="port https://forge.example/acme/api/blob/main/a.py#L3, please",
                repository="acme/web",
            ),
        ),
        (
            "see https://f.example/a/b/pull/1 and https://f.example/a/c/commit/abcdef1",
            Request(
                task="see https://f.example/a/b/pull/1 and https://f.example/a/c/commit/abcdef1",
                candidates=("https://f.example/a/b", "https://f.example/a/c"),
            ),
        ),
        (
            "fix it in acme/api like `other/thing` does",
            Request(task="fix it like `other/thing` does", repository="acme/api"),
        ),
    ],
)
def test_understand(words: str, expected: Request) -> None:
    assert understand(words) == expected


@pytest.mark.parametrize("words", ["stop", "Stop!", "please stop", "<@U1> cancel", "abort it now"])
def test_stop_words(words: str) -> None:
    assert is_stop(words)


@pytest.mark.parametrize(
    "words", ["stop the leak", "don't stop", "stopwatch", "", "add a stop button"]
)
def test_other_words_are_no_stop(words: str) -> None:
    assert not is_stop(words)


def test_slack_escapes_are_undone() -> None:
    assert (
        plain("<@U1>  a &lt;b&gt; &amp; <https://x.example/y|y>") == "a <b> & https://x.example/y"
    )


def test_words_that_slack_made_links_of_are_read_as_typed() -> None:
    assert plain("fix <http://README.md|README.md> in acme/api") == "fix README.md in acme/api"
