"""Known values never show, however they are written and whatever stands around them."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.redaction import REDACTED, Redactor
from tests.sandbox.redaction.writings import WRITINGS

VALUES = st.one_of(
    st.text(string.ascii_letters + string.digits + "-_", min_size=6, max_size=60),
    st.text(string.ascii_letters + string.digits + "+/=!$&'\"\\ %@:?#", min_size=6, max_size=40),
    st.text(min_size=6, max_size=30).filter(lambda text: text.isprintable()),
).filter(lambda value: len(value.strip()) >= 6 and value.strip() not in REDACTED)
"""Passwords, tokens, and phrases in any language."""
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="[]"), max_size=30)


@pytest.mark.parametrize("name", WRITINGS)
@given(value=VALUES, before=AROUND, after=AROUND)
def test_a_known_value_never_survives(name: str, value: str, before: str, after: str) -> None:
    write = WRITINGS[name]
    assume("]" not in value and "[" not in value)
    redactor = Redactor([value, "another-value"])
    shown, count = redactor.counted(before + write(value) + after)
    assert count >= 1
    assert value.strip() not in shown
    if name.startswith(("plain", "quoted", "hex", "HEX")):
        assert write(value.strip()) not in shown


@pytest.mark.parametrize("name", WRITINGS)
def test_little_of_a_value_is_left_in_any_writing(name: str) -> None:
    value = "pa$$ w0rd/with+every=thing'&\"\\?#é"
    written = WRITINGS[name](value)
    shown = Redactor([value]).text(written)
    assert REDACTED in shown
    # What two bytes share in base64 with what stands around them, quotation marks, names.
    assert len(shown.replace(REDACTED, "")) <= 20


def test_values_that_overlap_are_hidden_together() -> None:
    redactor = Redactor(["abcdefgh", "efghijkl", "mnopqrst"])
    assert redactor.counted("<abcdefghijkl>") == ("<[redacted]>", 1)
    assert redactor.counted("abcdefghmnopqrst") == ("[redacted][redacted]", 2)


def test_a_value_that_begins_another() -> None:
    redactor = Redactor(["secret-one", "secret-one-and-more"])
    assert redactor.text("secret-one-and-more, secret-one") == "[redacted], [redacted]"


def test_short_values_are_not_looked_for() -> None:
    assert Redactor(["short", "", "  x\n"]).text("a short text x") == "a short text x"


def test_the_mark_itself_is_never_a_value() -> None:
    assert Redactor(["redacted"]).counted("[redacted]") == ("[redacted]", 0)


def test_line_ends_around_a_value_are_not_part_of_it() -> None:
    assert Redactor(["hunter22\n"]).text("is hunter22!") == "is [redacted]!"


def test_each_line_of_a_value_with_several_is_hidden() -> None:
    key = "\n".join(["KEYBEGIN", "abcdefghijklmnopqrstuvwx", "0123456789abcdefghijklmn", "END"])
    redactor = Redactor([key])
    assert redactor.text(f"x {key} y") == "x [redacted] y"
    assert redactor.text(key.replace("\n", " ")) == "[redacted]"
    shown = redactor.text("1| abcdefghijklmnopqrstuvwx\n2| 0123456789abcdefghijklmn\n")
    assert shown == "1| [redacted]\n2| [redacted]\n"


@given(AROUND, VALUES)
def test_what_holds_nothing_stays_as_it_is(text: str, value: str) -> None:
    assume(value.strip() not in text)
    redactor = Redactor([value])
    shown, count = redactor.counted(text)
    assert count > 0 or shown == text
    assert redactor.counted(shown) == (shown, 0)


def test_data_is_redacted_to_its_depth() -> None:
    redactor = Redactor(["hunter22"])
    data = {"a": ["hunter22", 1, None, True, 0.5], "hunter22": {"b": ("x hunter22",)}}
    assert redactor.value(data) == {
        "a": ["[redacted]", 1, None, True, 0.5],
        "[redacted]": {"b": ["x [redacted]"]},
    }
