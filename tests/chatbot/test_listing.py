"""`threadsmith tasks`: those that speak of some words."""

from __future__ import annotations

from pathlib import Path

from chatbot.actions import Actions
from chatbot.config import DataSettings, Settings
from chatbot.history.store import History
from chatbot.listing import list_tasks
from chatbot.models import NewTask, Person, Source

BOB = Person("UBOB", "Bob")


async def test_tasks_are_found_by_what_was_asked_and_said(tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(directory=tmp_path))
    history = await History.open(settings.database_path)
    actions = Actions(history=history)
    for request in ("mend 100% of the colours", "修复 重试 测试"):
        source = Source(kind="git", repository="acme/api", url="https://example.com/a.git")
        new = NewTask(
            origin="api", mode="change", model="m", request=request, author=BOB, source=source
        )
        task, _ = await actions.create_task(new)
    await actions.add_message(task.id, BOB, "and the Flaky one")
    await history.close()

    async def found(search: str) -> list[str]:
        listing = await list_tasks(settings, limit=10, search=search)
        return [item["title"] for item in listing.data]

    assert await found("100% Colours") == ["mend 100% of the colours"]
    assert await found("重试 flaky") == ["修复 重试 测试"]
    assert await found("1_0") == []
    assert len(await found("")) == 2
