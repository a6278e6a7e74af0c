"""How Slack reaches the product in a test: over the product's connections, or by own requests.

Tests marked `slack_modes` run in both; the second time in `make soak`, or at once (``both``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from chatbot.config import Settings

Mode = Literal["socket", "http"]
_current: Mode = "socket"


def current() -> Mode:
    return _current


@contextmanager
def use(mode: Mode) -> Iterator[None]:
    global _current
    before, _current = _current, mode
    try:
        yield
    finally:
        _current = before


def reached(settings: Settings) -> Settings:
    """The same settings, in this test's mode."""
    slack = settings.slack.model_copy(update={"mode": current()})
    return settings.model_copy(update={"slack": slack})


def params(mark: pytest.Mark) -> list[Any]:
    """What the fixture `slack_mode` is given for a test with this mark."""
    later = [] if mark.kwargs.get("both") else [pytest.mark.soak]
    return [pytest.param("socket", id="socket"), pytest.param("http", id="http", marks=later)]
