"""Thousands of repositories that the forge lists: found, asked about, and shown to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.history.known import Known
from chatbot.models import Status, Task
from tests.chatbot.slack.test_home import press, shows
from tests.chatbot.slack.ways import Ways, texts, ways_in

Json = dict[str, Any]
MANY = tuple(Known(name=f"acme/part-{n:04}", is_private=n % 2 == 0) for n in range(5000))
TOLD_APART = (
    Known(name="acme/api", pushed_at=3.0),
    Known(name="acme/web-api", pushed_at=4.0),
    Known(name="beta/api", pushed_at=2.0),
    Known(name="acme/checkout", pushed_at=1.0),
    Known(name="acme/my_site", pushed_at=1.0),
    Known(name="acme/my-site", pushed_at=1.0),
    Known(name="vault/keys", pushed_at=9.0),
    *(Known(name=f"team-{n}/docs", pushed_at=-1.0) for n in range(7)),
    Known(name=f"acme/{'long-' * 20}a", pushed_at=-1.0),
)
RULES = (RuleSettings(match="vault/*", ask=("U0GRACE",)),)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.slack.homes.PACE_SECONDS", 0.05)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_in(
        tmp_path, rules=RULES, known=(*TOLD_APART, *MANY), allow_guests=True
    ) as found:
        yield found


async def asked(ways: Ways, words: str, user: str = "ada") -> tuple[Task, Json]:
    """The task that waits for its repository, and the question in its thread."""
    ts = await ways.workspace.post(user, "shop", f"@Threadsmith {words}")

    def question() -> Json | None:
        told = ways.workspace.messages("shop", ts)[1:]
        return next((m for m in told if "repository" in texts(m.get("blocks") or [])), None)

    found = dict(await ways.workspace.wait_for(question))
    (task,) = (task for task in await ways.tasks() if task.thread and task.thread.thread_ts == ts)
    return task, found


async def offered(ways: Ways, question: Json, typed: str, user: str = "ada") -> list[str]:
    answer = await ways.workspace.suggest(
        user, "repository", typed, channel="shop", ts=question["ts"]
    )
    return [option["value"] for option in answer]


async def test_a_name_that_the_forge_lists_is_enough_where_it_is_called_a_repository(
    ways: Ways,
) -> None:
    await ways.code("fix the retry test in the checkout repo")
    assert (await ways.task()).source.repository == "acme/checkout"
    # Spelt alike is not the same: the very name wins.
    await ways.code("fix it in the my_site repo")
    assert "acme/my_site" in {task.source.repository for task in await ways.tasks()}


async def test_the_very_name_wins_and_several_of_them_are_asked_about_first(ways: Ways) -> None:
    task, question = await asked(ways, "fix the retry test in the api repo")
    assert task.status == Status.FAILED
    (row,) = (block for block in question["blocks"] if block["type"] == "actions")
    buttons = [each["value"] for each in row["elements"] if each["type"] == "button"]
    assert buttons == ["acme/api", "beta/api"]
    assert (await offered(ways, question, "api"))[:3] == ["acme/api", "beta/api", "acme/web-api"]
    assert "web-api" not in str(question)
    _, question = await asked(ways, "fix the typo in the docs repo")
    assert "Several repositories are called" in texts(question["blocks"])
    assert len(await offered(ways, question, "docs")) == 7


async def test_ordinary_words_are_no_repositories_however_many_there_are(ways: Ways) -> None:
    task, question = await asked(ways, "fix the typo in checkout")
    assert task.status == Status.FAILED
    assert "acme/checkout" not in str(question)


async def test_the_menu_holds_to_slacks_limits_and_to_the_rules(ways: Ways) -> None:
    _, question = await asked(ways, "fix the typo")
    assert len(await offered(ways, question, "")) == 100
    assert await offered(ways, question, "acme part-0471") == ["acme/part-0471"]
    assert await offered(ways, question, "keys") == []
    assert await offered(ways, question, "keys", user="grace") == ["vault/keys"]
    (long,) = await ways.workspace.suggest(
        *("ada", "repository", "long-a"), channel="shop", ts=question["ts"]
    )
    assert long["text"]["text"].startswith("acme/long-")
    assert long["text"]["text"].endswith("-long-a")


async def test_guests_learn_no_private_name(ways: Ways) -> None:
    users = ways.workspace.state.users
    users["U0GRACE"] = replace(users["U0GRACE"], is_guest=True)
    _, question = await asked(ways, "fix the typo in the checkout repo", user="grace")
    assert "acme/checkout" not in str(question)
    assert await offered(ways, question, "part-000", user="grace") == [
        f"acme/part-{n:04}" for n in (1, 3, 5, 7, 9)
    ]
    assert await offered(ways, question, "api", user="grace") == []
    # What a rule gives them they may know of.
    assert await offered(ways, question, "keys", user="grace") == ["vault/keys"]


async def test_no_word_leads_to_what_one_may_not_ask_for(ways: Ways) -> None:
    task, question = await asked(ways, "fix it in the keys repo")
    assert "vault" not in str(question)
    assert task.status == Status.FAILED
    # Not even to whoever may, aloud: the channel reads it.
    _, question = await asked(ways, "fix the typo", user="grace")
    assert "vault" not in str(question)
    await ways.code("fix it in the keys repo", user="grace")
    assert "vault/keys" in {task.source.repository for task in await ways.tasks()}


async def test_where_others_read_along_nothing_private_is_said(tmp_path: Path) -> None:
    known = (Known(name="acme/open", is_private=False), Known(name="acme/closed"))
    async with ways_in(tmp_path, known=known) as ways:
        _, question = await asked(ways, "fix the typo")
        assert "acme/closed" in str(question)
    async with ways_in(tmp_path / "shared", known=known) as ways:
        ways.workspace.state.channel("shop").is_ext_shared = True
        _, question = await asked(ways, "fix the typo")
        assert "acme/open" in str(question)
        assert "acme/closed" not in str(question)
        # The menu is the person's own.
        assert set(await offered(ways, question, "")) == {"acme/open", "acme/closed"}


async def test_a_form_knows_whose_members_count(tmp_path: Path) -> None:
    rules = (RuleSettings(match="acme/*", ask=("members",)),)
    known = (Known(name="acme/api"), Known(name="acme/web"))
    async with ways_in(tmp_path, rules=rules, known=known) as ways:
        await ways.code("")
        view = ways.view()
        found = await ways.workspace.suggest("ada", "repository", "", view=view["id"])
        assert {each["value"] for each in found} == {"acme/api", "acme/web"}


async def test_a_question_waits_for_whoever_asked(ways: Ways) -> None:
    await asked(ways, "fix the typo")
    assert "waits for its repository" in await ways.code("list open")
    await ways.workspace.open_home("ada")
    await shows(ways, "ada", "waits for its repository", "fix the typo", never="failed")
    home = texts(ways.workspace.home("ada"))
    assert home.index("fix the typo") < home.index("At work")


async def test_the_home_shows_them_page_by_page(ways: Ways) -> None:
    await ways.workspace.open_home("ada")
    home = await shows(ways, "ada", "acme/web-api", "acme/part-0018", never="vault/keys")
    assert "acme/part-0019" not in texts(home)
    await press(ways, "ada", home, "home_repositories_next")
    home = await shows(ways, "ada", "acme/part-0019", "acme/part-0043", never="acme/part-0044")
    await press(ways, "ada", home, "home_repositories_next")
    home = await shows(ways, "ada", "acme/part-0044", never="acme/part-0019")
    await press(ways, "ada", home, "home_repositories_previous")
    home = await shows(ways, "ada", "acme/part-0019", never="acme/part-0044")
    await press(ways, "ada", home, "home_repositories_previous")
    home = await shows(ways, "ada", "acme/web-api", never="acme/part-0019")
    assert "home_repositories_previous" not in str(home)
