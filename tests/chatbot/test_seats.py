"""Which agent does a task's runs, and what it hears of those before."""

from __future__ import annotations

from typing import Any

import pytest

from chatbot.actions import Actions
from chatbot.config import ConfigError, Settings, load_settings
from chatbot.config_sections import AgentSettings, RepositorySettings
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Status, Task
from chatbot.repository_rules import rules_for
from chatbot.seats import find_agent, find_earlier
from sandbox.spec import Exchange
from tests.chatbot.history.lives import ADA, Life

CODEX = Settings(
    agent=AgentSettings(default="claude-code"),
    repositories=(RepositorySettings(match="acme/own", agent="threadsmith"),),
)


async def ask(actions: Actions, settings: Settings, **named: Any) -> Task:
    intake = Intake(settings, actions.history, actions)
    named = {"repository": "acme/api", **named}
    return await intake.ask("mend it", author=ADA, origin="api", **named)


async def find(history: History, life: Life, settings: Settings) -> str:
    task, run = await life.task(), await life.run()
    rules = rules_for(settings, task.source.repository)
    return await history.read(lambda db: find_agent(db, task, run, rules))


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, "claude-code"),
        ({"agent": "mini-swe-agent"}, "mini-swe-agent"),
        ({"repository": "acme/own"}, "threadsmith"),
    ],
)
async def test_the_task_then_the_repository_then_the_installation(
    history: History, actions: Actions, named: dict[str, str], expected: str
) -> None:
    task = await ask(actions, CODEX, **named)
    assert task.status == Status.QUEUED
    assert await find(history, Life(actions, task.id), CODEX) == expected


async def test_a_task_keeps_its_agent(history: History, actions: Actions) -> None:
    task = await ask(actions, CODEX)
    life = Life(actions, task.id)
    run = await life.prepare()
    await actions.record_spec(run.id, {"agent": "claude-code"})
    await life.tell("container_started", phase="agent", image="agent:latest")
    await life.finish("nothing", summary="There is **nothing** to do.")
    await actions.add_message(task.id, ADA, "and now?", key=None)
    assert await find(history, life, Settings()) == "claude-code"
    task, run = await life.task(), await life.run()
    earlier = await history.read(lambda db: find_earlier(db, task, run))
    assert earlier == (Exchange(request="mend it", summary="There is **nothing** to do."),)


async def test_an_agent_that_cannot_speak_to_the_model_is_refused_at_once(
    actions: Actions,
) -> None:
    task = await ask(actions, Settings(), agent="codex")
    assert task.status == Status.FAILED
    events = await Life(actions, task.id).events()
    assert "does not speak to the model" in events[-1].payload["brief"]
    other = await ask(actions, Settings(), agent="codex", model="openai:gpt-5.2")
    assert (other.status, other.agent) == (Status.QUEUED, "codex")


def test_a_configuration_that_cannot_work_is_refused() -> None:
    environment = {"THREADSMITH_AGENT_DEFAULT": "codex"}
    with pytest.raises(ConfigError, match=r"agent\.default: The agent codex does not speak"):
        load_settings(None, environment)
    environment["THREADSMITH_MODEL_DEFAULT"] = "openai:gpt-5.2"
    assert load_settings(None, environment).agent.default == "codex"
    with pytest.raises(ConfigError, match=r"agent\.default"):
        load_settings(None, {"THREADSMITH_AGENT_DEFAULT": "aider"})
