"""What must never be shown."""

from __future__ import annotations

import pytest

from sandbox.policy import redact


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-abcdefghijklmnop",
        "sk-proj-" + "a1" * 20,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 40,
        "xoxb-123456789012-abcdefghijkl",
        "xapp-1-A0123-456-abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    assert redact(f"token={secret} end") == "token=[redacted] end"


def test_known_values_are_taken_out_whatever_they_look_like() -> None:
    assert redact("user:hunter2@host", ["hunter2", ""]) == "user:[redacted]@host"


@pytest.mark.parametrize(
    "text", ["ask-me-anything-about-this-long-hyphenated-name-please", "sk-learn", "ghp_short"]
)
def test_plain_words_stay(text: str) -> None:
    assert redact(text) == text
