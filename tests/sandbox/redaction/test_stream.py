"""A text in pieces is shown as the whole would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.redaction import NO_SECRETS, Redactor
from tests.sandbox.redaction.test_shapes import KEY, A, split

VALUES = ["hunter22", "correct horse battery staple", "a/b+c=d&e f", "line-one\nline-two-is-long"]
TOKENS = [
    split("gh", "p_", (A * 2)[:36]),
    split("sk-", "ant-api03-", A),
    f"aws_secret_access_key = {(A * 2)[:40]}",
    f"Authorization: Bearer {A}",
    "https://ada:hunter2222@git.acme.dev/",
    split("ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxMjM0In0.", A),
    KEY,
    *VALUES,
]
PIECES = st.one_of(
    st.sampled_from(TOKENS),
    st.sampled_from(["\n", " ", "g", "-----BEGIN ", "x", "https://", "Downloads", "é", "\r\n"]),
    st.sampled_from(TOKENS).flatmap(
        lambda token: st.integers(1, len(token)).map(lambda end: token[:end])
    ),
    st.text(max_size=8),
)


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places})
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


@given(st.lists(PIECES, max_size=8), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_shows_what_the_whole_shows(parts: list[str], places: list[int]) -> None:
    text = "".join([*parts, "\n. end."])
    redactor = Redactor(VALUES)
    stream = redactor.stream()
    shown = "".join(stream.feed(piece) for piece in cut(text, places))
    shown += stream.flush()
    assert (shown, stream.count) == redactor.counted(text)


@given(st.sampled_from(TOKENS), st.integers(1, 40))
def test_nothing_of_a_secret_shows_before_it_is_whole(token: str, size: int) -> None:
    stream = Redactor(VALUES).stream()
    shown = ""
    text = f"begin\n{token}\nend of the output\n" + "." * 600
    for at in range(0, len(text), size):
        shown += stream.feed(text[at : at + size])
        assert "hunter22" not in shown
        assert A[:24] not in shown
        assert "MIIE" not in shown
    assert shown.startswith("begin\n")
    assert "end of the output" in shown + stream.flush()


@pytest.mark.parametrize(
    "text", ["Downloading...", "....", "100% of 3.2 MiB", "Install it? [y/N] ", "one\ntwo"]
)
def test_ordinary_output_does_not_wait(text: str) -> None:
    assert NO_SECRETS.stream().feed(text) == text


def test_a_beginning_at_the_very_end_is_hidden() -> None:
    """Output that is cut off in a value shows no part of it worth the name."""
    stream = Redactor(["0123456789abcdef"]).stream()
    assert stream.feed("is 0123456789ab") == "is "
    assert stream.flush() == "[redacted]"
    assert stream.feed("is 0123") + stream.flush() == "is 0123"


def test_little_is_held_whatever_comes() -> None:
    stream = NO_SECRETS.stream()
    shown = sum(len(stream.feed("://" + "a" * 997)) for _ in range(100))
    assert shown > 100_000 - 25_000
    assert shown + len(stream.flush()) == 100_000


def test_a_long_unbroken_secret_is_one() -> None:
    stream = Redactor(["z" * 30_000 + "end"]).stream()
    shown = "".join(stream.feed("z" * 1000) for _ in range(30)) + stream.feed("end.")
    assert shown + stream.flush() == "[redacted]."
