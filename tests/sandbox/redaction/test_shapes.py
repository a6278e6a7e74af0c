"""What looks like a secret, and what only looks a little like one."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.redaction import NO_SECRETS
from sandbox.redaction.shapes import SHAPES

A, N = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7", "0123456789abcdef" * 8
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9\nabc+/==\n-----END RSA PRIVATE KEY-----"
)


def split(*parts: str) -> str:
    """No file of this project holds a whole one, or scanners would find it."""
    return "".join(parts)


@pytest.mark.parametrize(
    "secret",
    [
        split("sk-", "ant-api03-", A),
        split("sk-", "proj-", A, "-_", A),
        split("sk-", "or-v1-", N[:64]),
        split("sk-", (A * 2)[:48]),
        *(split("gh", kind, "_", (A * 2)[:36]) for kind in "pousr"),
        split("github", "_pat_", A, "_", A),
        split("gl", "pat-", A),
        split("xo", "xb-123456789012-", A),
        split("xo", "xe.xoxp-1-", A),
        split("xa", "pp-1-A0123-456-abcdef"),
        split("AK", "IAIOSFODNN7EXAMPLE"),
        split("AI", "za", (A * 2)[:35]),
        split("ya", "29.", A, A),
        split("sk", "_live_", A),
        split("wh", "sec_", (A * 2)[:40]),
        split("ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxMjM0In0.", A),
        split("np", "m_", (A * 2)[:36]),
        split("py", "pi-AgEIcHlwaS5vcmc", A, A),
        split("S", "G.", A[:22], ".", (A * 2)[:43]),
        split("S", "K", N[:32]),
        split("dop", "_v1_", N[:64]),
        split("hf", "_", (A * 2)[:34]),
        split("dckr", "_pat_", A),
        split("dapi", N[:32]),
        split("hv", "s.", A),
        KEY,
        KEY.replace("\n", " "),
        KEY.replace("\n", "\\n"),
        KEY.replace("\n", "\r\n"),
        KEY.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128,0A\n\n", 1),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    assert NO_SECRETS.counted(f"token={secret} end") == ("token=[redacted] end", 1)
    assert NO_SECRETS.text(f'"{secret}"') == '"[redacted]"'
    assert NO_SECRETS.text(secret) == "[redacted]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"aws_secret_access_key = {(A * 2)[:40]}\n", "aws_secret_access_key = [redacted]\n"),
        (f'"SecretAccessKey": "{(A * 2)[:40]}"', '"SecretAccessKey": "[redacted]"'),
        (f"AccountKey={(A * 4)[:86]}==;", "AccountKey=[redacted];"),
        (f"Authorization: Bearer {A}'", "Authorization: Bearer [redacted]'"),
        (f"https://hooks.slack.com/services/T01234567/B01234567/{A[:24]}", None),
        ("https://ada:hunter22@git.acme.dev/x.git", "https://ada:[redacted]@git.acme.dev/x.git"),
        ("postgres://app:a:b/c@db", "postgres://app:a:b/c@db"),
        ("postgres://app:r3al:one@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
        ("redis://:longpassword1@cache/0", "redis://:[redacted]@cache/0"),
    ],
)
def test_only_the_secret_part_is_taken_out(text: str, shown: str | None) -> None:
    expected = shown or "https://hooks.slack.com/services/[redacted]"
    assert NO_SECRETS.text(text) == expected
    assert NO_SECRETS.text(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ask-me-anything-about-this-long-hyphenated-name-please",
        "sk-learn sk-some-very-long-class-name-of-a-style-sheet-that-goes-on",
        "ghp_short MyGhp_" + A + A,
        "xoxb-your-token-here",
        "https://user:password@example.com https://u:your-password@h.io https://a:****@b",
        "https://{user}:{password}@host https://$USER:$PASSWORD@host https://%s:%s@host",
        "postgres://postgres:postgres@db/x postgres://me:verysecret@localhost/x",
        "http://host:8080/path@2x https://[redacted]:[redacted]@host",
        'if "-----BEGIN PRIVATE KEY-----" in data: return load(data, password=None)',
        'f"-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----"',
        "secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
        "Authorization: Bearer YOUR_ACCESS_TOKEN",
        "TASK" + N[:32],
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "eyJhbGciOiJIUzI1NiJ9.not.one",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert NO_SECRETS.counted(text) == (text, 0)


def test_starts_are_told_apart() -> None:
    """A start within another one would be taken for it."""
    starts = [start for shape in SHAPES for start in shape.starts]
    assert len(starts) == len(set(starts))
    assert not any(re.search(r"\s", start) for start in starts)


def _sources() -> list[Path]:
    library = Path(sysconfig.get_path("stdlib"))
    found = sorted(library.glob("*.py")) + sorted(library.glob("*/*.py"))
    return [path for path in found if "site-packages" not in path.parts][:600]


KNOWN_HITS: dict[str, int] = {}
"""In the standard library: files in which something looks like a secret, and how often."""


def test_ordinary_code_is_left_alone() -> None:
    hits = {}
    for path in _sources():
        _, count = NO_SECRETS.counted(path.read_text(errors="replace"))
        if count:
            hits[path.name] = count
    assert len(_sources()) > 100
    assert hits == KNOWN_HITS


@given(st.text("ghpskeyJxob_-.:/@=A1 \n", max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = NO_SECRETS.text(text)
    assert NO_SECRETS.counted(once) == (once, 0)


@pytest.mark.parametrize(
    "unit",
    [
        *("eyJ-", "eyJaaaaaaaaaa.", "eyJ", "xoxb-1-", "xoxb-", "://", "://a:", "://a:b@", "sk-"),
        *("secret_access_key ", "SessionToken", "Authorization: Bearer a.", "-----BEGIN "),
        *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n: ", "A", "a1", "\n", "\\n"),
        "-----BEGIN PRIVATE KEY-----\nVersion: x\n",
    ],
)
def test_no_text_makes_it_slow(unit: str) -> None:
    """With catastrophic backtracking this would take hours: the time limit of tests holds it."""
    NO_SECRETS.text(unit * (1_000_000 // len(unit)))
