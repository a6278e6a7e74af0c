"""Who may start what by an issue: names, quotations, rights, and what was there before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from chatbot.actions import Actions
from chatbot.config import ForgeSettings, RepositorySettings, Settings
from chatbot.feedback.issues import IssueReader
from chatbot.history import queries
from chatbot.intake import Intake
from chatbot.models import Task, Thread
from sandbox.errors import ThreadsmithError
from tests.chatbot.feedback.conftest import NAME, Desk


@dataclass(kw_only=True)
class Board:
    desk: Desk
    actions: Actions
    reader: IssueReader
    threads: list[tuple[str, str, str]] = field(default_factory=list)
    fails: bool = False

    async def open_thread(self, channel: str, words: str, key: str) -> Thread | None:
        if self.fails:
            raise ThreadsmithError("Slack is away.")
        self.threads.append((channel, words, key))
        ts = f"{len(self.threads)}.0"
        return Thread(team="T", channel=channel, thread_ts=ts, message_ts=ts)

    async def tasks(self) -> list[Task]:
        return await self.actions.history.read(lambda db: queries.list_tasks(db))

    async def issue(self, title: str = "It breaks", body: str = "Badly.") -> int:
        return await self.desk.forge.open_issue(NAME, title, body, by="mallory")


@pytest.fixture
async def board(desk: Desk, actions: Actions) -> Board:
    rule = RepositorySettings(match=NAME, issues_channel="C1")
    settings = Settings(
        forge=ForgeSettings(url=desk.forge.url, api_url=desk.forge.api_url), repositories=(rule,)
    )
    intake = Intake(settings, actions.history, actions)
    reader = IssueReader(settings, actions, intake, desk.github)
    board = Board(desk=desk, actions=actions, reader=reader)
    reader.open_thread = board.open_thread
    await reader.look(NAME)
    return board


async def test_a_label_of_somebody_who_may_write(board: Board) -> None:
    number = await board.issue()
    await board.desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    await board.reader.look(NAME)
    await board.reader.look(NAME)
    (task,) = await board.tasks()
    assert (task.origin, task.author.name, task.source.repository) == ("issue", "ada", NAME)
    assert task.issue is not None
    assert (task.issue.number, task.issue.url) == (
        number,
        f"{board.desk.forge.url}/{NAME}/issues/{number}",
    )
    assert f"Resolve issue #{number}" in task.request
    assert "> It breaks" in task.request
    assert "> Badly." in task.request
    assert [channel for channel, _, _ in board.threads] == ["C1"]


@pytest.mark.parametrize(
    ("by", "label"), [("mallory", "threadsmith"), ("ada", "bug"), ("grace", "threadsmith")]
)
async def test_others_and_other_labels_start_nothing(board: Board, by: str, label: str) -> None:
    number = await board.issue()
    await board.desk.forge.label_issue(NAME, number, label, by=by)
    await board.reader.look(NAME)
    assert await board.tasks() == []


@pytest.mark.parametrize(
    ("words", "request_words"),
    [
        ("@threadsmith-bot please do it", "please do it"),
        ("Hey @Threadsmith-Bot, fix it", "Hey , fix it"),
        ("> @threadsmith-bot do it\n\nI would not.", None),
        ("ask @threadsmith-bot-two", None),
        ("mail x@threadsmith-bot now", None),
        ("`@threadsmith-bot`", None),
        ("nothing of the kind", None),
    ],
)
async def test_a_comment_that_names_us(board: Board, words: str, request_words: str | None) -> None:
    number = await board.issue()
    await board.desk.forge.comment_on(NAME, number, words, by="ada")
    await board.reader.look(NAME)
    tasks = await board.tasks()
    assert [task.request.splitlines()[0] for task in tasks] == (
        [] if request_words is None else [request_words]
    )


async def test_being_assigned(board: Board) -> None:
    number = await board.issue()
    await board.desk.forge.assign_issue(NAME, number, "grace", by="ada")
    await board.reader.look(NAME)
    assert await board.tasks() == []
    await board.desk.forge.assign_issue(NAME, number, "threadsmith-bot", by="ada")
    await board.reader.look(NAME)
    assert len(await board.tasks()) == 1


async def test_what_was_there_before_the_first_look_starts_nothing(
    board: Board, desk: Desk, actions: Actions
) -> None:
    number = await board.issue()
    await desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    await actions.history.write(lambda db: db.execute("DELETE FROM cursors"))
    await board.reader.look(NAME)
    await board.reader.look(NAME)
    assert await board.tasks() == []


async def test_a_closed_issue_and_a_pull_request_start_nothing(board: Board) -> None:
    number = await board.issue()
    board.desk.forge.repositories[NAME].issues[-1].state = "closed"
    await board.desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    words = "@threadsmith-bot do it"
    await board.desk.forge.comment_on(NAME, board.desk.number, words, by="ada")
    await board.reader.look(NAME)
    assert await board.tasks() == []


async def test_while_slack_is_away_nothing_is_lost(board: Board) -> None:
    number = await board.issue()
    await board.desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    board.fails = True
    with pytest.raises(ThreadsmithError):
        await board.reader.look(NAME)
    board.fails = False
    await board.reader.look(NAME)
    assert len(await board.tasks()) == 1


async def test_a_further_word_goes_to_the_task_that_is_at_work(board: Board) -> None:
    number = await board.issue()
    await board.desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    await board.reader.look(NAME)
    await board.desk.forge.label_issue(NAME, number, "threadsmith", by="ada")
    await board.desk.forge.comment_on(NAME, number, "@threadsmith-bot and a test", by="ada")
    await board.reader.look(NAME)
    (task,) = await board.tasks()
    said: list[Any] = await board.actions.history.read(
        lambda db: queries.pending_messages(db, task.id)
    )
    assert [message.text for message in said] == ["and a test"]
