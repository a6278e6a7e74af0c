"""A stage for each test, with edits quicker than Slack would have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chatbot.slack.stage import Stage, staged


@pytest.fixture(autouse=True)
def _quick_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.slack.pace.UPDATE_SECONDS", 0.3)
    monkeypatch.setattr("chatbot.slack.pace.LIVE_SECONDS", 0.1)
    monkeypatch.setattr("chatbot.slack.pace.WAITING_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def _patient_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy is no Slack that does not answer."""
    for name in ("people.LOOKUP_SECONDS", "access.LOOKUP_SECONDS", "access.NAME_SECONDS"):
        monkeypatch.setattr(f"chatbot.slack.{name}", 20.0)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage
