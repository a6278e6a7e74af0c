"""A model is asked which repository is meant, by the real SDK; told, counted, never trusted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.budgets import find_allowance
from chatbot.config import BudgetSettings, ModelSettings, Settings
from chatbot.history import queries, spending
from chatbot.history.known import Known, all_known, put_known
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Event, Person, Task, Thread
from chatbot.repositories import Repositories
from chatbot.suggesting import Suggesting
from sandbox.llm.providers import Providers
from tests.sandbox.llm.anthropic_server import AnthropicServer
from tests.sandbox.llm.script import Failure, Script, Words

ANN = Person("U1", "Ann")
KNOWN = (
    Known(name="acme/api", description="Orders and <b>payments</b>"),
    Known(name="acme/checkout", description="The pages where people pay"),
    Known(name="vault/keys", description="pay pay pay"),
)
SURE = Words(
    calls=(("x", "choose", '{"name": "acme/checkout", "sure": true}'),),
    stop="tool_calls",
    uncached_tokens=1_000_000,
)


class Keeper:
    """Keeps everybody from the vault, and from nothing else."""

    async def check_ask(self, repository: str, author: Person, channel: str) -> None: ...

    async def check(self, act: str, task: Task, person: Person) -> None: ...

    async def usable(self, names: Iterable[str], *_given: object, **_more: Any) -> tuple[str, ...]:
        return tuple(name for name in names if not name.startswith("vault/"))


class House:
    """What a process has of it; ``begin`` and ``kill`` it."""

    def __init__(self, history: History, actions: Actions, url: str, budgets: BudgetSettings):
        model = ModelSettings(anthropic_base_url=url, anthropic_api_key=SecretStr("sk-ant-test"))
        self.settings = Settings(model=model, budgets=budgets)
        self.history, self.actions = history, actions
        self.providers = Providers(self.settings.model)

        async def listed() -> tuple[Known, ...]:
            return await history.read(all_known)

        repositories = Repositories(self.settings, history, listed=listed)
        self.intake = Intake(self.settings, history, actions, repositories=repositories)
        self.intake.gatekeepers["T1"] = Keeper()
        suggesting = Suggesting(
            *(self.settings, actions, self.providers, repositories, self.intake.reader)
        )
        self.running = asyncio.create_task(suggesting.run())

    async def ask(self, words: str = "the button to pay is gone", *, team: str = "T1") -> Task:
        thread = Thread(team=team, channel="C1", thread_ts=words, message_ts=words)
        return await self.intake.ask(words, author=ANN, origin="slack", thread=thread)

    async def kill(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.providers.close()


@asynccontextmanager
async def house(
    history: History, actions: Actions, url: str, budgets: BudgetSettings | None = None
) -> AsyncIterator[House]:
    await history.write(lambda db: put_known(db, KNOWN, at=1.0))
    found = House(history, actions, url, budgets or BudgetSettings())
    try:
        yield found
    finally:
        await found.kill()


@pytest.fixture
async def server() -> AsyncIterator[tuple[AnthropicServer, str]]:
    server = AnthropicServer(Script([]))
    runner = web.AppRunner(server.application(), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Takes a question and never answers it."""
    asked, end = asyncio.Event(), asyncio.Event()

    async def take(_: web.Request) -> web.Response:
        asked.set()
        await end.wait()
        return web.Response(status=500)

    application = web.Application()
    application.router.add_post("/v1/messages", take)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    end.set()
    await runner.cleanup()


async def suggested(history: History, task: Task) -> Event:
    async with asyncio.timeout(60):
        async for event in history.follow(after=0, task_id=task.id):
            if event.kind == "repository_suggested":
                return event
    raise AssertionError


async def test_the_suggestion_is_told_and_counted_and_begins_nothing(
    server: tuple[AnthropicServer, str], history: History, actions: Actions
) -> None:
    server[0].script.answers = [SURE]
    async with house(history, actions, server[1], BudgetSettings(person_usd=10.0)) as here:
        task = await here.ask()
        told = (await suggested(history, task)).payload
        assert told["repository"] == "acme/checkout"
        assert told["cost_usd"] == pytest.approx(2.0, rel=0.01)
        assert told["usage"]["input_tokens"] == 1_000_000
        spent = await history.read(
            lambda db: spending.of_person(db, "U1", spending.day_of(actions.clock()))
        )
        assert spent.usd == pytest.approx(told["cost_usd"])
        now = await history.read(lambda db: queries.get_task(db, task.id))
        assert (now.source.repository, now.status) == ("", task.status)
        said = json.dumps(server[0].requests)
        # What shares words with the request comes first; what nobody may name, never.
        assert said.index("acme/checkout: The pages") < said.index("acme/api: Orders")
        assert "vault" not in said
        # Whoever picks it is named in the story, and so is what led there.
        await here.intake.pick(now, "acme/checkout", author=ANN)
        events = await history.read(lambda db: queries.task_events(db, task.id))
        (named,) = (event for event in events if event.kind == "source_named")
        assert (named.payload["from"], named.payload["by"]["name"]) == ("model", "Ann")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Words(text="No idea."), None),
        (Failure(status=401, type="authentication_error"), "Anthropic refused the key."),
    ],
)
async def test_what_is_not_known_is_said_to_the_story(
    server: tuple[AnthropicServer, str],
    history: History,
    actions: Actions,
    answer: Words | Failure,
    why: str | None,
) -> None:
    server[0].script.answers = [answer]
    async with house(history, actions, server[1]) as here:
        told = (await suggested(history, await here.ask())).payload
        assert (told["repository"], told.get("why")) == ("", why)


async def test_a_budget_that_is_used_up_asks_nobody(
    server: tuple[AnthropicServer, str], history: History, actions: Actions
) -> None:
    server[0].script.answers = [SURE]
    budgets = BudgetSettings(person_usd=1.0)
    async with house(history, actions, server[1], budgets) as here:
        first = await here.ask()
        await suggested(history, first)
        told = (await suggested(history, await here.ask("the other button to pay"))).payload
        assert told["why"] == "The person's daily budget of $1.00 is used up."
        assert len(server[0].requests) == 1
        run = await history.read(lambda db: queries.newest_run(db, first.id))
        used = await history.read(lambda db: find_allowance(db, run.id, budgets, actions.clock()))
        assert used.used >= 1


async def test_a_kill_in_between_loses_nothing(
    server: tuple[AnthropicServer, str], history: History, actions: Actions
) -> None:
    server[0].script.answers = [SURE]
    async with silent_server() as (url, asked), house(history, actions, url) as dying:
        task = await dying.ask()
        async with asyncio.timeout(60):
            await asked.wait()
        await dying.kill()
    async with house(history, actions, server[1]):
        assert (await suggested(history, task)).payload["repository"] == "acme/checkout"
    async with house(history, actions, server[1]) as third:
        # It is not asked about again: the next answer is another question's.
        server[0].script.answers = [Words(text="No idea.")]
        await suggested(history, await third.ask("make it quicker"))
    assert len(server[0].requests) == 2


async def test_a_rule_or_a_person_that_says_it_asks_no_model(
    server: tuple[AnthropicServer, str], history: History, actions: Actions
) -> None:
    server[0].script.answers = [SURE]
    async with house(history, actions, server[1]) as here:
        await here.ask("fix the typo in acme/api")
        # Where the thread's own rules are not at hand nothing is offered to anybody.
        await here.ask("fix the typo", team="T2")
        task = await here.ask()
        await suggested(history, task)
        assert len(server[0].requests) == 1
