"""Bad input gets a clear answer in the thread, nothing is lost, and the process goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.config import SandboxSettings
from chatbot.demo.stage import Stage
from chatbot.models import Status
from tests.end_to_end.stage import (
    ask,
    call,
    finish,
    press,
    product,
    said,
    say,
    wait_event,
    wait_said,
    wait_task,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes,
    pytest.mark.usefixtures("agent_image"),
]

FILES = {"a.txt": b"one\n"}
CHANGE = call("write", path="a.txt", content="two\n")
CONVERSATIONS = {
    "works": [[CHANGE], [finish("Counted on")]],
    "words only": [[say("I think it is fine.")], [say("Really.")], [say("Truly.")], [say("Yes.")]],
    "broken json": [
        [{"type": "tool_call", "name": "bash", "arguments": None, "raw": '{"comm'}],
        [CHANGE],
        [finish("Recovered")],
    ],
    "unknown tool": [[call("teleport", to="prod")], [CHANGE], [finish("Recovered")]],
    "wrong arguments": [[call("bash", cmd=3)], [CHANGE], [finish("Recovered")]],
    "model dies": [[CHANGE], {"error": {"brief": "The model is overloaded."}}],
    "kills the agent": [[CHANGE], [call("bash", command="sleep 2; kill -9 -1")], [finish()]],
    "sleeps": [[CHANGE], [call("bash", command="sleep 300")], [finish()]],
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with product(
        tmp_path, conversations=CONVERSATIONS, repositories={"acme/api": FILES}
    ) as stage:
        yield stage
        # Whatever was asked before, the next request works.
        thread = await ask(stage, "this works in acme/api")
        await wait_said(stage, thread, "Open a pull request in acme/api with 1 file, +1 −1?")


@pytest.mark.parametrize(
    ("words", "brief", "step"),
    [
        ("fix it in acme/none", "does not exist", "Check"),
        ("fix it in acme/api on branch nowhere", "nowhere", "Name a branch"),
        ("acme/api", "The request says nothing to do.", "Say what to do"),
        ("fix it in acme/api with replay:/etc/passwd", "cannot be named here", "Leave the model"),
        ("fix it in acme/api with openai:gpt-5.1", "No key for OpenAI", "OPENAI_API_KEY"),
    ],
)
async def test_requests_that_cannot_be_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, words: str, brief: str, step: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    thread = await ask(stage, words)
    text = await wait_said(stage, thread, step)
    assert brief in text
    task = await wait_task(stage, thread)
    await wait_event(stage, task.id, "run_finished")
    assert (await wait_task(stage, thread)).status == Status.FAILED
    await stage.workspace.wait_for(
        lambda: stage.workspace.reactions("shop", thread) == {"x"}, seconds=60
    )


async def test_the_repository_that_was_asked_for_starts_the_task(stage: Stage) -> None:
    thread = await ask(stage, "this works")
    await wait_said(stage, thread, "No repository is named.")
    await stage.workspace.post("ada", "shop", "in acme/api", thread_ts=thread)
    await wait_said(stage, thread, "Open a pull request in acme/api")


async def test_a_zip_that_is_none(stage: Stage) -> None:
    thread = await stage.workspace.post(
        "ada", "shop", "@Threadsmith this works", files={"x.zip": b"no zip at all"}
    )
    await wait_said(stage, thread, "zip")
    task = await wait_task(stage, thread)
    await wait_event(stage, task.id, "run_finished")
    assert (await wait_task(stage, thread)).status == Status.FAILED


@pytest.mark.parametrize("words", ["broken json", "unknown tool", "wrong arguments"])
async def test_nonsense_of_the_model_is_answered_and_it_goes_on(stage: Stage, words: str) -> None:
    thread = await ask(stage, f"{words} in acme/api")
    await wait_said(stage, thread, "Open a pull request in acme/api with 1 file, +1 −1?")
    assert "Recovered" in said(stage, thread)


async def test_a_model_without_tool_calls_is_given_up(stage: Stage) -> None:
    thread = await ask(stage, "words only in acme/api")
    task = await wait_task(stage, thread)
    end = await wait_event(stage, task.id, "run_finished")
    assert end.payload["status"] == Status.FAILED
    await wait_said(stage, thread, end.payload["brief"])


async def test_a_failing_provider_keeps_the_work(stage: Stage) -> None:
    thread = await ask(stage, "the model dies in acme/api")
    await wait_said(stage, thread, "The model is overloaded.")
    task = await wait_task(stage, thread)
    assert task.patch_sha256 is not None


async def test_an_agent_that_is_killed(stage: Stage) -> None:
    thread = await ask(stage, "it kills the agent in acme/api")
    task = await wait_task(stage, thread)
    end = await wait_event(stage, task.id, "run_finished")
    assert end.payload["outcome"] in {"failed", "patch"}
    assert (await wait_task(stage, thread)).patch_sha256 is not None


@pytest.mark.slack_modes(both=True)
@pytest.mark.parametrize("way", ["word", "button"])
async def test_stop_keeps_what_was_made(stage: Stage, way: str) -> None:
    thread = await ask(stage, "it sleeps in acme/api")
    task = await wait_task(stage, thread)
    await wait_event(stage, task.id, "patch")
    if way == "word":
        await stage.workspace.post("grace", "shop", "stop", thread_ts=thread)
    else:
        await press(stage, thread, "stop", user="grace")
    await wait_said(stage, thread, "Okay, I stopped.")
    task = await wait_task(stage, thread)
    assert (task.status, task.patch_sha256 is not None) == (Status.STOPPED, True)


async def test_a_missing_image_is_named(tmp_path: Path) -> None:
    async with product(
        tmp_path,
        conversations=CONVERSATIONS,
        repositories={"acme/api": FILES},
        sandbox=SandboxSettings(image="threadsmith-none:latest"),
    ) as stage:
        thread = await ask(stage, "this works in acme/api")
        text = await wait_said(stage, thread, "make setup")
        assert "does not exist on this host" in text


async def test_an_engine_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    async with product(
        tmp_path, conversations=CONVERSATIONS, repositories={"acme/api": FILES}
    ) as stage:
        thread = await ask(stage, "this works in acme/api")
        text = await wait_said(stage, thread, "Docker does not answer.")
        assert "Start Docker" in text
