"""The sample repository `demo/shop`, and the recorded replies that work on it."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_RENAMED = {"gitignore": ".gitignore"}
"""Kept under another name here, where it would act on this project's own files."""


def sample_files() -> dict[str, bytes]:
    """Every file of the repository, by its path in it."""
    root = _HERE / "shop"
    return {
        _RENAMED.get(name, name): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for name in [path.relative_to(root).as_posix()]
    }


def replies_path() -> Path:
    """The recording that `replay:` reads."""
    return _HERE / "replies.json"


def suggestions() -> tuple[str, ...]:
    """What the recording knows an answer to."""
    return (
        "@Threadsmith fix the failing test in demo/shop",
        "@Threadsmith explain how discounts are applied in demo/shop",
        "@Threadsmith review the pricing code in demo/shop",
        "@Threadsmith fix the failing test in demo/shop, three attempts",
    )
