"""A real history, and actions over it with a clock of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.actions import Actions
from chatbot.history.store import History
from tests.chatbot.history.lives import Clock


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    history = await History.open(tmp_path / "threadsmith.db")
    yield history
    await history.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def actions(history: History, clock: Clock) -> Actions:
    return Actions(history=history, clock=clock)
