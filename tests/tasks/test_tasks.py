"""Working tasks with recorded replies: three with the other tests, all of them in `make soak`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatbot.config import Settings
from tests.tasks import report
from tests.tasks.hidden import check
from tests.tasks.packages import fetch, unpack
from tests.tasks.recording import record
from tests.tasks.rounds import Result, run_tasks, task_settings
from tests.tasks.working_task import load_tasks

TASKS = load_tasks()
SOME = ("boltons", "idna", "more-itertools")
"""Quickly fetched: what builds them is one small package."""


async def _run(names: tuple[str, ...], directory: Path) -> list[Result]:
    tasks = [TASKS[name] for name in names]
    model = record(directory / "replies.json", tasks)
    settings = task_settings(Settings(), model=model, directory=directory / "data")
    return [result async for result in run_tasks(tasks, settings, at_once=2)]


@pytest.mark.docker
@pytest.mark.timeout(300)
async def test_some_are_done_by_the_recorded_replies(tmp_path: Path, agent_image: str) -> None:
    results = await _run(SOME, tmp_path)
    assert sorted(result.name for result in results) == sorted(SOME)
    for result in results:
        assert (result.passed, result.verified) == (True, "verified"), result
        assert result.turns == 4
        assert result.input_tokens > 0


@pytest.mark.docker
@pytest.mark.soak
async def test_all_are_done_by_the_recorded_replies(tmp_path: Path, agent_image: str) -> None:
    results = await _run(tuple(TASKS), tmp_path)
    assert len(results) == len(TASKS) >= 12
    for result in results:
        assert (result.passed, result.verified) == (True, "verified"), result


@pytest.mark.docker
@pytest.mark.soak
async def test_no_check_passes_before_the_work(tmp_path: Path, agent_image: str) -> None:
    archives = fetch((task.package, task.sha256) for task in TASKS.values())
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    for task in TASKS.values():
        files = task.plant(unpack(archives[task.package]))
        for name, tree, passes in (("no", files, False), ("yes", task.mend(files), True)):
            directory = tmp_path / f"{task.name}-{name}"
            directory.mkdir()
            checked = await asyncio.to_thread(
                check, task, tree, patch=b"", directory=directory, image=agent_image
            )
            assert checked.passed == passes, (task.name, checked.said)


def test_the_catalogue_is_whole() -> None:
    assert len(TASKS) >= 12
    assert {task.kind for task in TASKS.values()} == {"fault", "feature"}
    for task in TASKS.values():
        compile(task.check, task.name, "exec")
        assert task.changes
        assert len(task.sha256) == 64


def _result(name: str, *, cost: float | None, passed: bool = True) -> Result:
    return Result(
        name=name,
        kind="fault",
        passed=passed,
        status="patch",
        verified="",
        turns=4,
        input_tokens=1000,
        output_tokens=10,
        cost_usd=cost,
        seconds=1.5,
        said="" if passed else "AssertionError: no",
    )


def test_the_report_adds_up() -> None:
    results = [_result("a", cost=0.25), _result("b", cost=0.5, passed=False)]
    assert report.totals(results) == {
        "tasks": 2,
        "passed": 1,
        "turns": 8,
        "input_tokens": 2000,
        "output_tokens": 20,
        "cost_usd": 0.75,
        "seconds": 3.0,
    }
    assert "FAIL" in report.line(results[1])
    assert "AssertionError: no" in report.line(results[1])
    assert "1/2" in report.summary(results)
    assert report.as_json(results, model="x:y")["tasks"][0]["name"] == "a"


def test_an_unknown_cost_makes_the_whole_unknown() -> None:
    results = [_result("a", cost=0.25), _result("b", cost=None)]
    assert report.totals(results)["cost_usd"] is None
    assert "?" in report.summary(results)
