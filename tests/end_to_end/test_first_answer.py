"""Whichever way a task is asked for, its thread says at once what was understood, with Change."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.demo.stage import Stage
from chatbot.slack.blocks.picker import repository_option
from tests.end_to_end.stage import SECONDS, finish, product
from tests.end_to_end.test_archive import as_zip

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("agent_image")]

NAME = "acme/api"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    conversations = {"look": [[finish("Looked")]]}
    async with product(
        tmp_path, conversations=conversations, repositories={NAME: {"a.txt": b"one\n"}}
    ) as stage:
        yield stage


async def answer(stage: Stage, channel: str, thread: str) -> str:
    """The first answer of a thread, once the run has begun to work."""

    def look() -> str | None:
        for message in stage.workspace.messages(channel, thread):
            told = (message.get("metadata") or {}).get("event_payload", {})
            words = str(message.get("blocks"))
            if str(told.get("kind")).startswith("accepted") and "environment" in words:
                return words
        return None

    return str(await stage.workspace.wait_for(look, seconds=SECONDS))


def check(words: str) -> None:
    assert f"Working on `{NAME}`" in words
    assert "branch `main`" in words
    assert re.search(r"at `[0-9a-f]{7}`", words)
    assert "mode `change`" in words
    assert "model `replay:replies.json`" in words
    assert "change_task" in words


def begun(stage: Stage, channel: str) -> str:
    """The newest thread that the bot itself began."""
    return str(stage.workspace.messages(channel)[-1]["ts"])


async def test_every_way_in(stage: Stage) -> None:
    workspace = stage.workspace
    thread = await workspace.post("ada", "shop", f"@Threadsmith look at {NAME}")
    check(await answer(stage, "shop", thread))
    dm = await workspace.open_dm("ada")
    thread = await workspace.post("ada", dm, f"look at {NAME}")
    check(await answer(stage, dm, thread))
    await workspace.command("ada", "shop", f"/code look at {NAME}")
    check(await answer(stage, "shop", begun(stage, "shop")))
    await workspace.command("grace", "shop", "/code")
    await send(stage, "grace", {"words": "look at it"})
    check(await answer(stage, "shop", begun(stage, "shop")))
    ts = await workspace.post("grace", "shop", f"{NAME} looks odd")
    await workspace.shortcut("ada", "fix_this", "shop", ts)
    await send(stage, "ada", {"words": "look at it"})
    check(await answer(stage, "shop", ts))


async def send(stage: Stage, user: str, words: dict[str, str]) -> None:
    (view,) = await stage.workspace.wait_for(lambda: stage.workspace.views(user), seconds=SECONDS)
    values: dict[str, Any] = {name: {"value": {"value": said}} for name, said in words.items()}
    values["repository"] = {"repository": {"selected_option": repository_option(NAME)}}
    answer = await stage.workspace.submit_view(user, view["id"], values)
    assert "errors" not in answer


async def test_an_archive_says_what_it_is(stage: Stage) -> None:
    data = as_zip({"a.txt": "one\n"})
    thread = await stage.workspace.post(
        "ada", "shop", "@Threadsmith look at this", files={"project.zip": data}
    )
    words = await answer(stage, "shop", thread)
    assert "Working on `project.zip`" in words
    assert "mode `change`" in words
    # There is no other branch to change to.
    assert "change_task" not in words
