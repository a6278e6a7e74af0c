"""Budgets in the thread: a warning in time, a turn to wrap up, and a clear word at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.config import BudgetSettings
from tests.end_to_end.stage import ask, call, finish, press, product, said, wait_said

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes(both=True),
    pytest.mark.usefixtures("agent_image"),
]


def costly(*content: dict[str, object]) -> dict[str, object]:
    return {"content": list(content), "usage": {"input_tokens": 400, "output_tokens": 0}}


CONVERSATIONS = {
    "go on for ever": [
        costly(call("write", path="a.txt", content="two\n")),
        *(costly(call("bash", command=f"echo {number}")) for number in range(20)),
    ],
    "count to two": [costly(call("write", path="a.txt", content="two\n")), [finish("Two")]],
}


async def test_a_budget_from_its_warning_to_its_end(tmp_path: Path) -> None:
    budgets = BudgetSettings(person_tokens=1000)
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={"acme/api": {"a.txt": b"one\n"}},
        adjust=lambda settings: settings.model_copy(update={"budgets": budgets}),
    ) as stage:
        thread = await ask(stage, "go on for ever in acme/api")
        await wait_said(stage, thread, "Open a pull request")
        words = ":moneybag: 80% of the person's daily budget of 1,000 tokens is used."
        text = await wait_said(stage, thread, words)
        assert "The person's daily budget of 1,000 tokens is used up." in text
        # What was done is there, and may be published.
        await press(stage, thread, "open_pr")
        await wait_said(stage, thread, "Opened")
        # Nobody waits for a container that could ask nothing.
        later = await ask(stage, "count to two in acme/api")
        text = await wait_said(stage, later, "is used up")
        assert "Failed" in text
        assert "Wait until tomorrow" in text
        assert "Working…" not in text
        # It is this person's budget alone.
        other = await ask(stage, "count to two in acme/api", user="grace")
        await wait_said(stage, other, "Open a pull request")
        assert "is used up" not in said(stage, other)
