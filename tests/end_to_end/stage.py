"""The whole product on loopback, driven as people drive it; the model's replies are recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from chatbot.config import ModelSettings, SandboxSettings, Settings
from chatbot.demo.forge.access import ForgeApp
from chatbot.demo.stage import Stage, staged
from chatbot.demo.workspace import Workspace
from chatbot.history import queries
from chatbot.models import Event, Task
from tests.slack_mode import reached

Json = dict[str, Any]
SECONDS = 120.0


def say(text: str) -> Json:
    return {"type": "text", "text": text}


def call(tool: str, **arguments: Any) -> Json:
    return {"type": "tool_call", "name": tool, "arguments": arguments}


def finish(title: str = "Done", **more: Any) -> Json:
    return call("finish", **{"title": title, "summary": title, "claimed": "nothing", **more})


def write_replies(path: Path, conversations: Mapping[str, list[Any]]) -> str:
    """A recording; each reply is a list of blocks or a reply as it stands. Answers the model."""
    entries = [
        {
            "when": when,
            "replies": [{"content": r} if isinstance(r, list) else r for r in replies],
        }
        for when, replies in conversations.items()
    ]
    path.write_text(json.dumps({"replies_for": entries}))
    return f"replay:{path}"


@asynccontextmanager
async def product(
    directory: Path,
    *,
    conversations: Mapping[str, list[Any]],
    repositories: Mapping[str, Mapping[str, bytes]],
    sandbox: SandboxSettings | None = None,
    model: str | None = None,
    forge_app: ForgeApp | None = None,
    adjust: Callable[[Settings], Settings] = lambda settings: settings,
) -> AsyncIterator[Stage]:
    recording = write_replies(directory / "replies.json", conversations)
    async with staged(
        directory / "stage",
        model=ModelSettings(default=model or recording),
        repositories=repositories,
        sandbox=sandbox,
        forge_app=forge_app,
        adjust=lambda settings: adjust(reached(settings)),
    ) as stage:
        yield stage


async def ask(stage: Stage, words: str, *, channel: str = "shop", user: str = "ada") -> str:
    """Mention the bot; answers the thread's ts."""
    return await stage.workspace.post(user, channel, f"@Threadsmith {words}")


async def wait_task(stage: Stage, thread_ts: str) -> Task:
    """The task of a thread, once it is stored."""
    workspace = stage.workspace
    found = partial(
        queries.find_task_by_thread,
        team=workspace.team_id,
        channel=workspace.state.channel("shop").id,
        thread_ts=thread_ts,
    )
    async with asyncio.timeout(SECONDS):
        async for _ in stage.app.history.follow(after=0):
            if (task := await stage.app.history.read(found)) is not None:
                return task
    raise AssertionError


async def wait_event(stage: Stage, task_id: str, kind: str, *, count: int = 1) -> Event:
    """The n-th event of that kind."""
    seen = 0
    async for event in stage.app.history.follow(after=0, task_id=task_id):
        seen += event.kind == kind
        if seen == count:
            return event
    raise AssertionError


async def wait_said(stage: Stage, thread_ts: str, words: str) -> str:
    """Until the thread says it; answers all that the thread says."""

    def look() -> str | None:
        text = said(stage, thread_ts)
        return text if words in text else None

    try:
        return str(await stage.workspace.wait_for(look, seconds=SECONDS))
    except TimeoutError:
        raise AssertionError(f"{words!r} is not in:\n{said(stage, thread_ts)}") from None


def said(stage: Stage, thread_ts: str) -> str:
    """Every text of the thread, blocks and files included."""
    return "\n".join(
        "\n".join([message["text"], *_texts(message.get("blocks") or [])])
        for message in stage.workspace.messages("shop", thread_ts)
    )


def bash_says(turn: Json) -> str:
    """The first result that the turn brought the model."""
    content = turn["messages"][0]["content"]
    return str(next(block["text"] for block in content if block["type"] == "tool_result"))


def find_button(stage: Stage, thread_ts: str, action_id: str) -> str | None:
    """The ts of the newest message that has the button."""
    found = messages_with(stage.workspace, thread_ts, action_id)
    return found[-1] if found else None


def find_gates(workspace: Workspace, thread_ts: str) -> list[str]:
    """Messages that ask whether to open a pull request."""
    return messages_with(workspace, thread_ts, "open_pr")


def messages_with(workspace: Workspace, thread_ts: str, action_id: str) -> list[str]:
    """The ts of each message that has the button."""
    return [
        str(message["ts"])
        for message in workspace.messages("shop", thread_ts)
        for block in message.get("blocks") or []
        for element in block.get("elements") or []
        if element.get("action_id") == action_id
    ]


async def press(stage: Stage, thread_ts: str, action_id: str, *, user: str = "ada") -> None:
    """Wait for the button and press it."""
    look = partial(find_button, stage, thread_ts, action_id)
    ts = await stage.workspace.wait_for(look, seconds=SECONDS)
    await stage.workspace.click(user, "shop", ts, action_id)


def _texts(value: Any) -> list[str]:
    match value:
        case {"text": str() as text, **rest}:
            return [text, *_texts(list(rest.values()))]
        case dict():
            return [text for inner in value.values() for text in _texts(inner)] + [
                str(inner)
                for name, inner in value.items()
                if name == "title" and isinstance(inner, str)
            ]
        case list():
            return [text for inner in value for text in _texts(inner)]
        case _:
            return []
