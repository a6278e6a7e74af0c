"""How soon Slack is answered while tasks run, and how many calls a task makes.

Both sides share one event loop here, so what the measuring side does counts against the product.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from chatbot.actions import Actions
from chatbot.config import DataSettings, Settings, SlackSettings
from chatbot.history import queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Task
from chatbot.slack.front import SlackFront
from chatbot.slack.http_door import PATH, HttpDoor
from tests.chatbot.slack.small_slack import TEAM, SmallSlack
from tests.chatbot.slack.stage import COMMIT, staged

pytestmark = pytest.mark.bench

TASKS = 8
SECONDS = 12
PER_SECOND = 50
STEPS_PER_SECOND = 4
"""Of each running task; a plan's item or a tool call begins or ends."""
SECRET = "bench-signing"

Deliver = Callable[[dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def connected(
    directory: Path, mode: Literal["socket", "http"]
) -> AsyncIterator[tuple[SmallSlack, Actions, Deliver]]:
    """A front in that mode; ``Deliver`` returns when the event is acknowledged."""
    slack = SmallSlack()
    await slack.start()
    settings = Settings(
        data=DataSettings(directory=directory),
        slack=SlackSettings(
            mode=mode,
            bot_token=SecretStr(slack.bot_token),
            app_token=SecretStr(slack.app_token),
            signing_secret=SecretStr(SECRET),
            api_url=slack.api_url,
        ),
    )
    history = await History.open(settings.database_path)
    actions = Actions(history=history)
    door = HttpDoor()
    app = web.Application()
    app.add_routes(door.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    front = SlackFront(
        *(settings, history, actions, Intake(settings, history, actions)),
        public_url="http://127.0.0.1:8080",
        linking=Linking(history, None),
        door=door,
    )
    await front.start()
    numbers = itertools.count(1)
    async with aiohttp.ClientSession() as session:

        async def post(event: dict[str, Any]) -> None:
            body = json.dumps(
                {
                    "type": "event_callback",
                    "event_id": f"EvB{next(numbers)}",
                    "team_id": TEAM,
                    "event": event,
                }
            )
            now = str(int(time.time()))
            signed = hmac.new(SECRET.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256)
            headers = {
                "Content-Type": "application/json",
                "X-Slack-Request-Timestamp": now,
                "X-Slack-Signature": f"v0={signed.hexdigest()}",
            }
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == 200

        async def send(event: dict[str, Any]) -> None:
            await slack.tell(**event)

        try:
            yield slack, actions, post if mode == "http" else send
        finally:
            await front.stop()
            await runner.cleanup()
            await history.close()
            await slack.stop()


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_acknowledgement_while_tasks_run(
    tmp_path: Path, mode: Literal["socket", "http"]
) -> None:
    async with connected(tmp_path, mode) as (slack, actions, deliver):
        for number in range(TASKS):
            await deliver(_said(slack, f"<@UBOT> fix the test in demo/shop{number}", mention=True))
        tasks = await actions.history.read(queries.list_tasks)
        assert len(tasks) == TASKS
        running = [asyncio.create_task(_work(actions, task)) for task in tasks]
        taken: dict[str, list[float]] = {"stored": [], "dropped": []}
        lag = asyncio.create_task(_lag())
        began = time.perf_counter()
        asked: list[asyncio.Task[None]] = []
        for number in range(SECONDS * PER_SECOND):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            kind = "stored" if number % 2 else "dropped"
            thread = tasks[number % TASKS].thread if number % 2 else None
            event = _said(slack, f"and also {number}", thread.thread_ts if thread else None)
            asked.append(asyncio.create_task(_timed(deliver, event, taken[kind])))
        await asyncio.gather(*asked)
        for task in running:
            task.cancel()
        lag.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        print(f"\n{mode}, {PER_SECOND} events a second, {TASKS} tasks at {STEPS_PER_SECOND} steps:")
        for kind, times in taken.items():
            print(f"  acknowledged, {kind}: {_spread(times)}")
        print(f"  event loop behind: {_spread(await _result(lag))}")


async def test_calls_of_one_task(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.slack.has_sessions = True
        await stage.ask()
        task = await stage.task()
        run = await stage.begin_run(task)
        await stage.work(run)
        for number in range(40):
            await _step(stage.actions, run.id, str(number))
            await asyncio.sleep(0.5)
        sha256 = await stage.record_patch(run)
        await stage.finish(run, claimed="I ran the tests.", patch_sha256=sha256)
        await stage.told(task)
        calls = Counter(name for name, _ in stage.door.calls)
        for name in ("auth.test", "apps.connections.open"):
            calls.pop(name, None)
        print(f"\na task of 20 s with 40 steps: {calls.total()} calls: {dict(calls)}")


def _said(
    slack: SmallSlack, words: str, thread_ts: str | None = None, *, mention: bool = False
) -> dict[str, Any]:
    ts = slack._new_ts()
    seen = {"ts": ts, "channel": "C1", "thread_ts": thread_ts or ts, "user": "UADA", "text": words}
    slack.messages[ts] = {**seen, "reactions": []}
    kind = "app_mention" if mention else "message"
    event = {"type": kind, "user": "UADA", "text": words, "ts": ts, "channel": "C1"}
    return event | ({"thread_ts": thread_ts} if thread_ts else {})


async def _timed(deliver: Deliver, event: dict[str, Any], taken: list[float]) -> None:
    began = time.perf_counter()
    await deliver(event)
    taken.append(time.perf_counter() - began)


async def _work(actions: Actions, task: Task) -> None:
    run = await actions.history.read(lambda db: queries.newest_run(db, task.id))
    await actions.resolve_run(run.id, branch="main", base_commit=COMMIT, detail={})
    await actions.claim_run(run.id, "o_bench")
    await actions.record_event(run.id, "container_started", {"phase": "agent"})
    for number in itertools.count():
        await _step(actions, run.id, str(number))
        await asyncio.sleep(2 / STEPS_PER_SECOND)


async def _step(actions: Actions, run_id: str, step: str) -> None:
    begun = {"step": step, "tool": "shell", "title": f"Step {step}", "details": "pytest -q " * 20}
    await actions.record_event(run_id, "step_started", begun)
    done = {"step": step, "status": "complete", "output": "214 passed\n" * 100, "seconds": 0.5}
    await actions.record_event(run_id, "step_finished", done)


async def _lag() -> list[float]:
    """How late the loop comes to what is due, a hundred times a second."""
    found: list[float] = []
    try:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            found.append(time.perf_counter() - began - 0.01)
    except asyncio.CancelledError:
        return found


async def _result(lag: asyncio.Task[list[float]]) -> list[float]:
    return await lag


def _spread(times: list[float]) -> str:
    cuts = quantiles(times, n=100)
    p50, p99, most = cuts[49] * 1000, cuts[98] * 1000, max(times) * 1000
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {most:.1f} ms ({len(times)})"
