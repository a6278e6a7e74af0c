"""What requests mean with what is known here, down to the stored task."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.actions import Actions
from chatbot.config import Settings, load_settings
from chatbot.history import defaults, queries
from chatbot.history.known import Known
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Person, Status, Thread
from chatbot.reader import Reader
from chatbot.repositories import Repositories, rank

ANN = Person("U1", "Ann")
THREAD = Thread(team="T1", channel="C1", thread_ts="1.0", message_ts="1.0")
CONFIGURATION = """
[[repositories]]
match = "acme/auth"
keywords = ["login"]
[[repositories]]
match = "acme/api"
[[channels]]
id = "C1"
repository = "acme/web"
"""


def configured(tmp_path: Path) -> Settings:
    path = tmp_path / "threadsmith.toml"
    path.write_text(CONFIGURATION)
    return load_settings(path, {})


async def test_a_channel_has_a_repository_of_its_own(
    tmp_path: Path, history: History, actions: Actions
) -> None:
    intake = Intake(configured(tmp_path), history, actions)
    task = await intake.ask("fix the login", author=ANN, origin="slack", thread=THREAD)
    assert task.source.repository == "acme/web"
    created = (await history.read(lambda db: queries.task_events(db, task.id)))[0]
    assert created.payload["from"] == "channel"


async def test_what_is_said_in_a_channel_wins_over_the_configuration(
    tmp_path: Path, history: History
) -> None:
    repositories = Repositories(configured(tmp_path), history)
    chosen = defaults.Defaults(repository="acme/api")
    await history.write(lambda db: defaults.put(db, "T1", "channel", "C1", chosen, by=ANN, at=1.0))
    assert await repositories.of_channel(THREAD) == "acme/api"


async def test_keywords_short_names_and_notes(
    tmp_path: Path, history: History, actions: Actions
) -> None:
    intake = Intake(configured(tmp_path), history, actions)
    task = await intake.ask("fix the login", author=ANN, origin="api")
    assert (task.source.repository, task.status) == ("acme/auth", Status.QUEUED)
    words = "in the api repo fix it, try it 3 times using opencode, draft PR"
    task = await intake.ask(words, author=ANN, origin="api")
    assert (task.source.repository, task.draft, task.request) == ("acme/api", True, "fix it")
    assert task.attempts == 3
    created = (await history.read(lambda db: queries.task_events(db, task.id)))[0]
    assert created.payload["notes"] == [
        "opencode is not set up here; Threadsmith's own agent works.",
    ]


@pytest.mark.parametrize(
    ("words", "attempts", "note"),
    [
        ("fix the flaky test in acme/api, two attempts", 2, None),
        ("fix it in acme/api", 1, None),
        (
            "fix the flaky test in acme/api, best of 7",
            3,
            "3 attempts are made: 7 are more than is allowed here.",
        ),
        (
            "explain how retries work in acme/api, try it 2 times",
            1,
            "One answer is given: several attempts are made at changes only.",
        ),
    ],
)
async def test_attempts_are_made_within_what_is_allowed_and_at_changes_only(
    tmp_path: Path, history: History, actions: Actions, words: str, attempts: int, note: str | None
) -> None:
    intake = Intake(configured(tmp_path), history, actions)
    task = await intake.ask(words, author=ANN, origin="api")
    assert task.attempts == attempts
    created = (await history.read(lambda db: queries.task_events(db, task.id)))[0]
    assert created.payload.get("notes", []) == ([note] if note else [])


async def test_a_short_name_that_two_have_is_asked_about_the_better_known_first(
    tmp_path: Path, history: History
) -> None:
    async def listed() -> tuple[Known, ...]:
        return (Known(name="beta/api"), Known(name="acme/web-api"))

    settings = configured(tmp_path)
    reader = Reader(settings, Repositories(settings, history, listed=listed))
    reading = await reader.read("fix it in the api repo", thread=None, person=ANN)
    assert reading.resolution.repository is None
    assert reading.resolution.likely == ("acme/api", "beta/api")
    for words in ("fix it in acme/api", "fix it in https://github.com/acme/api"):
        reading = await reader.read(words, thread=None, person=ANN)
        assert reading.resolution.rule == "named"
    # The channel's own is meant where it is called so.
    chosen = defaults.Defaults(repository="acme/api")
    await history.write(lambda db: defaults.put(db, "T1", "channel", "C1", chosen, by=ANN, at=1.0))
    reading = await reader.read("fix it in the api repo", thread=THREAD, person=ANN)
    assert reading.resolution.repository == "acme/api"


async def test_the_name_alone_answers_the_question(
    tmp_path: Path, history: History, actions: Actions
) -> None:
    intake = Intake(configured(tmp_path), history, actions)
    task = await intake.ask("fix the typo", author=ANN, origin="api")
    assert task.status == Status.FAILED
    await intake.reply(task, "api", author=ANN, key="k1")
    task = await history.read(lambda db: queries.get_task(db, task.id))
    assert (task.source.repository, task.status) == ("acme/api", Status.QUEUED)
    assert (
        await history.read(lambda db: queries.newest_run(db, task.id))
    ).request == "fix the typo"


def test_the_nearest_names_come_first() -> None:
    names = ("acme/web-api", "acme/api", "acme/api-docs", "beta/web")
    assert rank("api", names) == ("acme/api", "acme/api-docs", "acme/web-api")
    assert rank("acme/ web", names) == ("acme/web-api",)
    assert rank("", names) == names
