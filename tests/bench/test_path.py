"""`make bench`: the whole path, as ratios against a bare container start in the same run."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import docker
import pytest

from chatbot.actions import Actions
from chatbot.config import ModelSettings
from chatbot.demo.sample import replies_path, sample_files
from chatbot.demo.stage import Stage, staged
from chatbot.history.store import History, connect
from chatbot.models import NewTask, Person, Source
from chatbot.report import task_report
from tests.end_to_end.stage import ask, find_button, press, wait_event, wait_task

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ROUNDS = 5
MENTIONS = 50


def _row(name: str, values: list[float], floor: float | None = None) -> None:
    """Median, spread and ratio, in milliseconds."""
    median = statistics.median(values)
    spread = f"{min(values) * 1000:.0f} to {max(values) * 1000:.0f}"
    ratio = f"{median / floor:6.1f} x" if floor else ""
    print(f"  {name:<44}{median * 1000:8.0f} ms  ({spread}) {ratio}")


def _floor(client: docker.DockerClient, image: str) -> list[float]:
    found = []
    for _ in range(ROUNDS + 1):
        at = time.perf_counter()
        container = client.containers.create(image, ["echo", "up"], network_mode="none")
        container.start()
        stream = container.logs(stream=True, follow=True)
        next(stream)
        found.append(time.perf_counter() - at)
        # To its end, or the connection would be left open.
        for _ in stream:
            pass
        container.remove(force=True)
    return found[1:]


async def _one_task(stage: Stage) -> dict[str, float]:
    at = time.perf_counter()
    thread = await ask(stage, "fix the failing test in demo/shop")
    workspace = stage.workspace
    await workspace.wait_for(lambda: workspace.reactions("shop", thread), seconds=30)
    acknowledged = time.perf_counter() - at
    await workspace.wait_for(lambda: find_button(stage, thread, "open_pr"), seconds=60)
    shown = time.perf_counter() - at
    await press(stage, thread, "open_pr")
    task = await wait_task(stage, thread)
    await wait_event(stage, task.id, "published")
    report = await task_report(stage.app.history, task.id)
    timings: dict[str, Any] = report["timings"]
    return {**timings, "acknowledged": acknowledged, "shown": shown}


async def test_the_whole_path(
    tmp_path: Path, docker_client: docker.DockerClient, agent_image: str
) -> None:
    floor_values = _floor(docker_client, agent_image)
    floor = statistics.median(floor_values)
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        # One task after another in one channel: Slack's second between posts is not ours.
        rate_limits=False,
    ) as stage:
        await _one_task(stage)
        calls = len(stage.workspace.calls)
        rounds = [await _one_task(stage) for _ in range(ROUNDS)]
        calls = len(stage.workspace.calls) - calls
    print(f"\n\nOne task of seven turns, median of {ROUNDS}, against the bare container start:")
    _row("bare container, network none, to first output", floor_values, floor)
    for name, label in (
        ("acknowledged", "request to reaction"),
        ("accepted", "request to repository and commit known"),
        ("container_started", "request to agent's container started"),
        ("first_turn", "request to first model turn"),
        ("shown", "request to diff shown, with the button"),
        ("published", "request to pull request (pressed at once)"),
    ):
        _row(label, [one[name] for one in rounds], floor)
    print(f"  Slack calls a task: {calls / ROUNDS:.1f}")
    assert all(one["published"] > one["first_turn"] for one in rounds)


async def test_acknowledging_while_tasks_run(tmp_path: Path, agent_image: str) -> None:
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
    ) as stage:
        workspace = stage.workspace
        latencies = []
        for number in range(MENTIONS):
            at = time.perf_counter()
            # Every tenth is a task; the others are refused in words, after the same reaction.
            words = "fix the failing test in demo/shop" if number % 10 == 0 else "fix it"
            thread = await ask(stage, words)
            await workspace.wait_for(
                lambda thread=thread: workspace.reactions("shop", thread),  # type: ignore[misc]
                seconds=90,
            )
            latencies.append(time.perf_counter() - at)
    ordered = sorted(latencies)
    print(f"\n\nRequest to reaction, {MENTIONS} mentions one after another while tasks run:")
    _row("median", [statistics.median(ordered)])
    _row("p90", [ordered[int(MENTIONS * 0.9)]])
    assert len(ordered) == MENTIONS


async def test_writing_the_story(tmp_path: Path) -> None:
    count = 300
    history = await History.open(tmp_path / "history.db")
    actions = Actions(history=history)
    source = Source(kind="git", repository="a/b", url="http://127.0.0.1/a/b")
    new = NewTask(
        origin="api",
        mode="change",
        model="replay:x",
        request="x",
        author=Person("u", "U"),
        source=source,
    )
    task, _ = await actions.create_task(new)
    at = time.perf_counter()
    for number in range(count):
        await actions.record_publish_step(task.id, "bench", {"result": str(number)})
    ours = (time.perf_counter() - at) / count
    await history.close()
    raw = connect(tmp_path / "raw.db")
    raw.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, payload TEXT)")
    at = time.perf_counter()
    for number in range(count):
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO events (payload) VALUES (?)", (str(number),))
        raw.execute("COMMIT")
    floor = (time.perf_counter() - at) / count
    raw.close()
    print(f"\n\nOne durable event: {ours * 1000:.2f} ms, {ours / floor:.1f} x a bare insert")
    assert ours > 0
