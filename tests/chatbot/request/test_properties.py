"""What holds for any words at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.request import Vocabulary, find_default, is_stop, plain, understand
from chatbot.request.resolving import resolve
from chatbot.request.slack_text import escaped

PIECES = st.sampled_from(
    """in|the|fix
    acme/api|acme/web|and/or|src/app.py|on branch dev|at v2.1
    with opus|用 gpt-5.1|draft PR|open a|try it 3 times|PR #12|```|`acme/x`|`|"|> |\n|, |。
    在|仓库|分支上|https://github.com/a/b
    <@U123>|<https://x.y/z|x>|&amp;|&lt;|a@b.c
    the api repo|image=node:22|12/05|( )|:|- |使用 codex
    mode: review|不要改代码|<!here>|is|[api]|repo:|\u200b
    \u00e9|🎉|claude code|on the x branch""".replace("\n    ", "|").split("|")
)
SENTENCES = st.lists(PIECES, max_size=14).map(" ".join)
WORDS = st.one_of(st.text(max_size=300), SENTENCES)
KNOWN = Vocabulary(repositories=("acme/api", "acme/web", "beta/api"), default="acme/api")


@given(WORDS, st.sampled_from([Vocabulary(), KNOWN]))
def test_any_words_are_read_without_fault(words: str, vocabulary: Vocabulary) -> None:
    request = understand(words, vocabulary)
    resolution = resolve(request, channel="acme/api", known=vocabulary.repositories)
    assert resolution.repository is not None or resolution.question
    assert request.repository is None or request.candidates == ()
    is_stop(words)
    find_default(words)


@given(WORDS)
def test_a_task_is_made_of_the_words_that_remain(words: str) -> None:
    """Each word of the task was said, in that order; nothing is made up."""
    said = iter(re.findall(r"[^\W_]", plain(words)))
    assert all(letter in said for letter in re.findall(r"[^\W_]", understand(words).task))


@given(SENTENCES, st.sampled_from(["reticulate", "修好它吧"]))
def test_what_is_no_option_stays_in_the_task(words: str, work: str) -> None:
    assert work in understand(f"{words}\n{work} now").task


@given(st.text(alphabet="abc/.-_ \n", min_size=1, max_size=60))
def test_code_names_no_repository(code: str) -> None:
    request = understand(f"fix this ```in acme/thing {code}``` please")
    assert request.repository is None
    assert request.candidates == ()
    assert code.strip() in request.task


@given(st.text(max_size=200))
def test_what_is_typed_comes_back_from_slack(typed: str) -> None:
    """Escaped as Slack does it, and read again: the same words."""
    assert plain(escaped(plain_typed(typed))) == plain_typed(typed)


@given(WORDS)
def test_plain_text_is_plain_already(words: str) -> None:
    text = plain(words)
    if not re.search(r"&(?:amp|lt|gt);|<[^<>]*>", text):
        assert plain(text) == text


def plain_typed(typed: str) -> str:
    """Without what Slack itself would drop or tidy."""
    return plain(escaped(typed))


def test_a_long_paste_is_kept_whole() -> None:
    paste = "in acme/api fix this:\n" + "line of a log, 2024/01/05\n" * 3000 + "that is all"
    request = understand(paste)
    assert request.repository == "acme/api"
    assert request.task == paste.removeprefix("in acme/api ")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a/",
        "a.b-",
        "`",
        '"a" ',
        "(",
        "in the ",
        "branch a/b ",
        "use opus, ",
        "x3 ",
        "修复 a/b 的",
    ],
)
def test_a_message_of_one_thing_over_and_over_is_read(piece: str) -> None:
    """Forty thousand characters of it: a pattern that is tried again and again would not end."""
    request = understand(piece * (40_000 // len(piece)), KNOWN)
    assert request.repository is None or request.candidates == ()
