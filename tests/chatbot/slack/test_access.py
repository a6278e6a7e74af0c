"""The rules, held in Slack: groups, channels, requesters; refusals to the one alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import RuleSettings
from chatbot.history import given
from chatbot.models import Person, Status, Task, Thread
from chatbot.permissions import Act, Words
from chatbot.slack.access import KEPT_SECONDS, Access, MembersUnknown, NotAllowed
from chatbot.slack.people import People
from tests.chatbot.history.lives import Clock
from tests.chatbot.slack.stage import Stage, staged, until
from tests.chatbot.slack.test_reviews import fill
from tests.chatbot.slack.ways import ways_in

pytestmark = pytest.mark.slack_modes(both=True)

BOB = Person("UBOB", "Bob")


@asynccontextmanager
async def ruled(tmp_path: Path, **rules: Any) -> AsyncIterator[Stage]:
    async with staged(tmp_path, rules=(RuleSettings(match="demo/*", **rules),)) as stage:
        stage.slack.groups = {"S0OWNERS": ["UBOB"]}
        stage.slack.members = {"C1": ["UADA", "UBOB"], "C0WEB": ["UBOB"]}
        yield stage


async def refused(stage: Stage, words: str, user: str = "UADA") -> None:
    (told,) = await until(stage.ephemerals)
    assert (told["user"], told["text"]) == (user, words)
    stage.slack.ephemerals.clear()


@pytest.mark.parametrize("word", ["UBOB", "S0OWNERS", "C0WEB"])
async def test_only_some_may_start_tasks(tmp_path: Path, word: str) -> None:
    async with ruled(tmp_path, ask=(word,)) as stage:
        await stage.say("<@UBOT> fix the failing test in demo/shop")
        names = {"UBOB": "Bob", "S0OWNERS": "@s0owners", "C0WEB": "members of #c0web"}
        await refused(stage, f"Only {names[word]} can start tasks in demo/shop.")
        assert await stage.tasks() == []
        assert stage.messages() == []
        # The rule is about these repositories alone.
        await stage.ask("fix it in other/shop")
        await stage.say("<@UBOT> fix the failing test in DEMO/shop", user="UBOB")
        assert len(await stage.tasks()) == 2


async def test_naming_the_repository_later_is_no_way_around(tmp_path: Path) -> None:
    async with ruled(tmp_path, ask=("UBOB",)) as stage:
        ts = await stage.ask("fix the failing test")
        await stage.say("demo/shop", thread=ts)
        await refused(stage, "Only Bob can start tasks in demo/shop.")
        assert (await stage.task()).status == Status.FAILED


async def test_a_link_is_no_way_around_either(tmp_path: Path) -> None:
    async with ruled(tmp_path, ask=("UBOB",)) as stage:
        link = "https://github.com/demo/shop/issues/1"
        ts = await stage.ask(f"fix it in other/shop as in {link}")
        await stage.say(f"and {link}", thread=ts, user="UBOB")
        task = await stage.task()
        mine, bobs = await stage.history.read(lambda db: given.of_task(db, task.id))
        assert (mine.state, mine.note) == ("missing", "Only Bob can start tasks in demo/shop.")
        assert bobs.state == "wanted"


async def test_only_some_may_steer_and_everybody_may_stop(tmp_path: Path) -> None:
    async with ruled(tmp_path, steer=("requester",)) as stage:
        ts = await stage.ask()
        task = await stage.task()
        run = await stage.begin_run(task)
        await stage.say("also this", thread=ts, user="UBOB")
        words = "Only Ada (who asked for it) can say what is to be done in demo/shop."
        await refused(stage, words, "UBOB")
        asked = {"question": "Which?", "options": ["This", "That"]}
        await stage.actions.record_event(run.id, "question", asked)
        await until(lambda: "question" in stage.shown())
        await stage.press("question", "answer_0", "UBOB")
        await refused(stage, words, "UBOB")
        await stage.say("also that", thread=ts)
        assert [m.text for m in await stage.run_messages(run)] == ["also that"]
        await stage.say("stop", thread=ts, user="UBOB")
        assert "stop_requested" in await stage.kinds(task)


async def test_a_review_is_sent_by_those_who_may_steer(tmp_path: Path) -> None:
    async with ruled(tmp_path, steer=("requester",)) as stage:
        await stage.ask()
        task = await stage.task()
        await stage.play_change(task)
        await stage.told(task)
        await stage.press("result", "review", "UBOB")
        (view,) = await until(stage.views)
        answer = await stage.slack.submit(view, fill(view, remark="Why?"), "UBOB")
        assert answer["errors"]["remark.0"].startswith("Only Ada (who asked for it) can")
        assert not await stage.slack.submit(view, fill(view, remark="Why?"), "UADA")
        assert (await stage.task()).status == Status.QUEUED


@pytest.mark.parametrize("action", ["open_pr", "edit_pr", "request_changes", "discard"])
async def test_the_gate_is_for_those_who_may_approve(tmp_path: Path, action: str) -> None:
    async with ruled(tmp_path, approve=("S0OWNERS",)) as stage:
        await stage.ask()
        task = await stage.task()
        await stage.play_change(task)
        await stage.told(task)
        await stage.press("gate", action, "UADA")
        await refused(stage, "Only @s0owners can decide about pull requests in demo/shop.")
        assert stage.views() == []
        await stage.press("gate", "open_pr", "UBOB")
        assert (await stage.task()).status == Status.PUBLISHING


async def test_where_logs_are_for_some_the_link_is_given_to_those_alone(tmp_path: Path) -> None:
    async with ruled(tmp_path, logs=("UBOB",)) as stage:
        await stage.ask()
        task = await stage.task()
        run = await stage.begin_run(task)
        await until(lambda: "progress" in stage.shown())
        await stage.finish(run, kind="failed", brief="No.")
        await stage.told(task)
        assert task.share_token not in str(stage.messages())
        await stage.press("result", "show_log", "UADA")
        await refused(stage, "Only Bob can read the logs of demo/shop.")
        await stage.press("result", "show_log", "UBOB")
        (told,) = await until(stage.ephemerals)
        assert told["user"] == "UBOB"
        assert f"/t/{task.id}/{task.share_token}|" in told["text"]


async def test_who_is_where_is_asked_once_in_a_while_and_an_old_answer_beats_none(
    tmp_path: Path,
) -> None:
    async with ruled(tmp_path, approve=("S0OWNERS", "members")) as stage:
        await stage.ask()
        task = await stage.task()
        front = stage.intake.gatekeepers["T1"]
        assert isinstance(front, Access)
        clock = Clock()
        client = front._client
        access = Access(stage.settings, client, People(client), clock=clock)
        stage.slack.members["C1"] = []
        stage.slack.calls.clear()
        await access.check("approve", task, BOB)
        await access.check("approve", task, BOB)
        assert stage.slack.calls.count("usergroups.users.list") == 1
        stage.slack.groups["S0OWNERS"] = []
        await access.check("approve", task, BOB)
        clock.now += KEPT_SECONDS + 1
        with pytest.raises(NotAllowed):
            await access.check("approve", task, BOB)
        clock.now += KEPT_SECONDS + 1
        stage.slack.groups.clear()
        # Slack does not answer: what it said before stands.
        with pytest.raises(NotAllowed):
            await access.check("approve", task, BOB)
        fresh = Access(stage.settings, client, People(client))
        with pytest.raises(MembersUnknown):
            await fresh.check("approve", task, BOB)
        # One answer is enough where it lets the person through.
        stage.slack.members["C1"] = ["UBOB"]
        await Access(stage.settings, client, People(client)).check("approve", task, BOB)


async def test_the_api_and_the_command_line_have_the_hosts_own_rights(tmp_path: Path) -> None:
    async with ruled(tmp_path, approve=(), steer=()) as stage:
        await stage.ask()
        task = await stage.task()
        access = stage.intake.gatekeepers["T1"]
        assert access is not None
        await access.check("steer", task, Person("api", "API"))
        with pytest.raises(NotAllowed, match="Nobody can"):
            await access.check("steer", task, BOB)


class Keeper:
    """Lets everybody through, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def check_ask(self, repository: str, author: Person, channel: str) -> None:
        self.asked.append(repository)

    async def check(self, act: Act, task: Task, person: Person) -> None:
        self.asked.append(act)

    async def usable(self, names: Iterable[str], *_given: object, **_more: object) -> Words:
        return tuple(names)


async def test_each_workspace_knows_its_own_people(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        here, there = Keeper(), Keeper()
        stage.intake.gatekeepers.update({"T1": here, "T2": there})
        thread = Thread(team="T2", channel="C9", thread_ts="9.000001", message_ts="9.000001")
        words = "fix it in demo/shop"
        task = await stage.intake.ask(words, author=BOB, origin="slack", thread=thread, key="k")
        await stage.intake.reply(task, "and a test", author=BOB, key=None)
        assert (here.asked, there.asked) == ([], ["demo/shop", "steer"])


async def test_the_slash_command_keeps_the_rules_before_it_says_anything(tmp_path: Path) -> None:
    rules = (RuleSettings(match="acme/*", ask=("S0SHOP",)),)
    async with ways_in(tmp_path, rules=rules) as ways:
        told = await ways.code("fix the retry test in Acme/api")
        assert "Only @shop-owners can start tasks in Acme/api." in told
        assert (ways.said(), await ways.tasks()) == ([], [])
        await ways.code("fix the retry test in acme/api", user="grace")
        assert (await ways.task()).author.name == "Grace Park"
