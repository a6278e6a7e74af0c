"""A Slack-compatible server, a door before it, and the real Bolt app; the story told by hand."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.config import DataSettings, RuleSettings, SandboxSettings, Settings, SlackSettings
from chatbot.history import delivery, queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Approval, Message, Run, Task
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import PATH, HttpDoor
from chatbot.web.app import make_web_app
from sandbox.recorder import Outcome
from tests.chatbot.slack.faulty import FaultyDoor, faulty_door
from tests.chatbot.slack.small_slack import SmallSlack
from tests.chatbot.slack.ways import listening
from tests.slack_mode import current

REQUEST = "fix the failing test in demo/shop"
DIFF = b"""diff --git a/shop/cart.py b/shop/cart.py
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -1 +1,2 @@
-total = 0
+total = 1
+rounded = 2
"""
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(kw_only=True)
class Stage:
    slack: SmallSlack
    door: FaultyDoor
    settings: Settings
    history: History
    actions: Actions
    intake: Intake
    http: HttpDoor
    fronts: list[SlackFront] = field(default_factory=list)

    async def open_front(self) -> None:
        front = SlackFront(
            self.settings,
            self.history,
            self.actions,
            self.intake,
            public_url="http://127.0.0.1:8080",
            linking=Linking(self.history, None),
            door=self.http,
        )
        await front.start()
        self.fronts.append(front)

    async def close_front(self) -> None:
        await self.fronts.pop().stop()

    # People

    async def say(self, words: str, *, thread: str | None = None, **more: Any) -> str:
        return await self.slack.say(words, thread_ts=thread, **more)

    async def ask(self, words: str = REQUEST, **more: Any) -> str:
        """Mention the bot; answers the message's ts once the task is stored."""
        ts = await self.say(f"<@UBOT> {words}", **more)
        await until(self.tasks)
        return ts

    async def press(self, key: str, action: str, user: str = "UADA") -> None:
        await self.slack.press(self.one(key), action, user)

    async def press_stale(self, message: dict[str, Any], action: str, user: str = "UADA") -> None:
        """On a message as somebody's screen still shows it."""
        await self.slack.press(message, action, user)

    async def submit(self, view: dict[str, Any], words: str) -> Any:
        values = {"changes": {"words": {"type": "plain_text_input", "value": words}}}
        return await self.slack.submit(view, values, "UADA")

    async def fill(self, view: dict[str, Any], given: dict[str, str], *, draft: bool) -> Any:
        """The form for edits."""
        values: dict[str, Any] = {
            name: {"value": {"value": words}} for name, words in given.items()
        }
        chosen = [{"value": "draft"}] if draft else []
        values["draft"] = {"value": {"type": "checkboxes", "selected_options": chosen}}
        return await self.slack.submit(view, values, "UADA")

    async def deliver_again(self, ts: str) -> None:
        """Slack was not sure that it was heard."""
        await self.slack.deliver_again(ts)

    def delete(self, key: str) -> None:
        del self.slack.messages[self.one(key)["ts"]]

    # What the thread shows

    def ephemerals(self) -> list[dict[str, Any]]:
        return list(self.slack.ephemerals)

    def views(self) -> list[dict[str, Any]]:
        return list(self.slack.views)

    def messages(self) -> list[dict[str, Any]]:
        """Of the bot, in order."""
        return [m for m in self.slack.messages.values() if m["user"] == "UBOT"]

    def shown(self) -> list[str]:
        """What kind of message each is; a file by its name, other words by themselves."""
        return [_key(message) for message in self.messages()]

    def one(self, key: str) -> dict[str, Any]:
        (message,) = (message for message in self.messages() if _key(message) == key)
        return message

    def words(self, key: str) -> str:
        return texts(self.one(key)["blocks"])

    def reactions(self, ts: str) -> list[str]:
        return list(self.slack.messages[ts]["reactions"])

    def file_bytes(self, name: str) -> bytes:
        return self.slack.file(name)

    # What is stored

    async def tasks(self) -> list[Task]:
        return await self.history.read(queries.list_tasks)

    async def task(self) -> Task:
        (task,) = await self.tasks()
        return task

    async def newest_run(self, task: Task) -> Run:
        return await self.history.read(lambda db: queries.newest_run(db, task.id))

    async def newest_approval(self, task: Task) -> Approval:
        approval = await self.history.read(lambda db: queries.approved(db, task.id))
        assert approval is not None
        return approval

    async def run_messages(self, run: Run) -> list[Message]:
        return await self.history.read(lambda db: queries.run_messages(db, run.id))

    async def kinds(self, task: Task) -> list[str]:
        events = await self.history.read(lambda db: queries.task_events(db, task.id))
        return [event.kind for event in events]

    async def told(self, task: Task) -> None:
        """Wait until the thread shows the whole story."""

        async def done() -> bool:
            now = await self.history.read(lambda db: queries.get_task(db, task.id))
            seq, _ = await self.history.read(lambda db: delivery.projection(db, "slack", task.id))
            return seq >= now.last_seq

        await until(done)

    # The story, by hand

    async def begin_run(self, task: Task) -> Run:
        run = await self.newest_run(task)
        await self.actions.resolve_run(run.id, branch="main", base_commit=COMMIT, detail={})
        claimed = await self.actions.claim_run(run.id, "o_test")
        assert claimed is not None
        await self.actions.record_event(run.id, "container_started", {"phase": "agent"})
        return claimed

    async def work(self, run: Run) -> None:
        """A plan, a step that fails, a step that does not."""
        event = self.actions.record_event
        items = [
            {"id": "1", "title": "Find the fault", "status": "in_progress"},
            {"id": "2", "title": "Mend it", "status": "pending"},
        ]
        await event(run.id, "plan", {"items": items})
        step = {"step": "1", "tool": "shell", "title": "Running the tests", "details": "pytest -q"}
        await event(run.id, "step_started", step)
        done = {"step": "1", "status": "error", "title": "Ran the tests", "output": "1 failed"}
        await event(run.id, "step_finished", done | {"seconds": 0.5})

    async def record_patch(self, run: Run, data: bytes = DIFF) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        paths = re.findall(rb"^\+\+\+ b/(.+)$", data, flags=re.MULTILINE)
        changed = [
            {"path": path.decode(), "change": "modified", "added": 2, "removed": 1}
            for path in paths or [b"shop/cart.py"]
        ]
        summary = {"sha256": sha256, "bytes": len(data), "tree": "t", "added": 2, "removed": 1}
        await self.actions.record_patch(run.id, data, summary | {"files": changed}, final=True)
        return sha256

    async def finish(self, run: Run, **outcome: Any) -> None:
        values: dict[str, Any] = {"kind": "patch", "title": "Fix rounding", "summary": "Rounds."}
        await self.actions.finish_run(run.id, Outcome(**(values | outcome)))

    async def play_change(self, task: Task, data: bytes = DIFF) -> Run:
        """A whole run, up to the gate."""
        run = await self.begin_run(task)
        await self.work(run)
        sha256 = await self.record_patch(run, data)
        await self.finish(run, claimed="I ran the tests.", patch_sha256=sha256)
        return run


def _key(message: dict[str, Any]) -> str:
    if message.get("files"):
        return str(message["files"][0]["name"])
    payload = (message.get("metadata") or {}).get("event_payload")
    return str(payload["kind"]).split(":")[0] if payload else str(message["text"])


def texts(value: object) -> str:
    """Every word of some blocks, in order."""
    match value:
        case {"text": str(text)}:
            return text
        case dict():
            parts = [value["title"]] if isinstance(value.get("title"), str) else []
            parts += [texts(item) for item in value.values()]
            return "\n".join(filter(None, parts))
        case list() | tuple():
            return "\n".join(filter(None, (texts(item) for item in value)))
        case _:
            return ""


async def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll until the condition holds; its value. It may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.01)


@asynccontextmanager
async def staged(
    directory: Path,
    *,
    approvers: tuple[str, ...] = (),
    rules: tuple[RuleSettings, ...] = (),
    max_runs: int = 4,
    make_intake: Callable[[Settings, History, Actions], Intake] = Intake,
) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        slack = SmallSlack()
        await slack.start()
        stack.push_async_callback(slack.stop)
        door = await stack.enter_async_context(faulty_door(slack.api_url))
        http = HttpDoor()
        settings = Settings(
            data=DataSettings(directory=directory),
            sandbox=SandboxSettings(max_runs=max_runs),
            slack=SlackSettings(
                mode=current(),
                bot_token=SecretStr(slack.bot_token),
                app_token=SecretStr(slack.app_token),
                signing_secret=SecretStr(slack.signing_secret),
                api_url=door.url,
                approvers=approvers,
            ),
            rules=rules,
        )
        history = await History.open(settings.database_path)
        stack.push_async_callback(history.close)
        actions = Actions(history=history)
        intake = make_intake(settings, history, actions)
        pages = make_web_app(settings, history, actions, intake, more=http.routes())
        url = f"{await stack.enter_async_context(listening(pages))}{PATH}"
        stage = Stage(
            slack=slack,
            door=door,
            settings=settings,
            history=history,
            actions=actions,
            intake=intake,
            http=http,
        )
        try:
            await stage.open_front()
            if current() == "http":
                await slack.deliver_to(url)
            yield stage
        finally:
            while stage.fronts:
                await stage.close_front()
