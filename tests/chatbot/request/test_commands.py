"""Words that settle something instead of asking for work."""

from __future__ import annotations

import pytest

from chatbot.request import find_choice, find_default, is_stop


@pytest.mark.parametrize(
    ("words", "repository"),
    [
        ("use acme/api", "acme/api"),
        ("use `acme/api` here.", "acme/api"),
        ("please use the repo acme/api in this channel", "acme/api"),
        ("default repo: acme/api", "acme/api"),
        ("use <https://github.com/acme/api>", "https://github.com/acme/api"),
        ("这里默认使用 acme/api", "acme/api"),
        ("forget the default repository", ""),
        ("取消默认仓库", ""),
        ("use acme/api to fix the bug", None),
        ("use and/or", None),
        ("use src/utils", None),
        ("use opus", None),
        ("fix acme/api", None),
        ("", None),
    ],
)
def test_a_default_is_named(words: str, repository: str | None) -> None:
    assert find_default(words) == repository


@pytest.mark.parametrize(
    ("words", "attempt"),
    [
        ("2", 2),
        ("#3", 3),
        ("the second one", 2),
        ("Take attempt 1, please.", 1),
        ("let's go with the third", 3),
        ("10", 10),
        ("第二个", 2),
        ("选第三个吧", 3),
        ("用2", 2),
        ("11", None),
        ("0", None),
        ("no one", None),
        ("none of them", None),
        ("the second one, but rename it", None),
        ("take 2 more attempts", None),
        ("两个都不错", None),
        ("三个", None),
        ("", None),
    ],
)
def test_a_number_alone_chooses(words: str, attempt: int | None) -> None:
    assert find_choice(words) == attempt


@pytest.mark.parametrize("words", ["停止", "请停一下", "取消任务。"])
def test_stop_in_chinese(words: str) -> None:
    assert is_stop(words)
