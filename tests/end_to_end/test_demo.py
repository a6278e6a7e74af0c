"""The demonstration, as the command line runs it, and the follow-up in its thread."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.config import ModelSettings
from chatbot.demo.sample import replies_path, sample_files
from chatbot.demo.stage import staged
from chatbot.models import Status
from tests.end_to_end.stage import ask, press, wait_event, wait_said, wait_task
from tests.slack_mode import reached

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("agent_image")]

FIELDS = {
    "task_id",
    "status",
    "repository",
    "base_commit",
    "patch_path",
    "pull_request",
    "events",
    "timings",
}
COMMAND = [sys.executable, "-c", "from chatbot.cli import main; main()"]


def _environment() -> dict[str, str]:
    """Without keys, so that the replies are the recorded ones."""
    hidden = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def test_demo_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--once", "--json"],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) >= FIELDS
    assert (report["status"], report["repository"]) == ("done", "demo/shop")
    assert set(report["pull_request"]) == {
        "number",
        "url",
        "branch",
        "head_commit",
        "head_repository",
        "state",
    }
    order = ["accepted", "container_started", "first_turn", "finished", "published"]
    times = [report["timings"][name] for name in order]
    assert times == sorted(times)
    assert "quantity >= pieces" in Path(report["patch_path"]).read_text()
    logs = Path(report["patch_path"]).parent
    assert {path.name for path in logs.iterdir()} >= {
        "prompt.txt",
        "llm_response.txt",
        "diff.patch",
        "setup.log",
        "events.jsonl",
    }


def test_demo_once_names_the_stage_where_it_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--once", "--json"],
        cwd=tmp_path,
        env={**_environment(), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["stage"] in done.stderr
    assert "Docker does not answer." in done.stderr


@pytest.mark.slack_modes(both=True)
async def test_a_reply_updates_the_same_pull_request(tmp_path: Path) -> None:
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        adjust=reached,
    ) as stage:
        thread = await ask(stage, "fix the failing test in demo/shop")
        await press(stage, thread, "open_pr")
        task = await wait_task(stage, thread)
        first = await wait_event(stage, task.id, "published")
        person = await stage.forge.commit(
            "demo/shop", {"NOTES.md": b"mine\n"}, branch=first.payload["branch"]
        )
        await stage.workspace.post(
            "grace", "shop", "also add a test for an empty basket", thread_ts=thread
        )
        await wait_said(stage, thread, "Update pull request #1 in demo/shop with 1 file")
        await press(stage, thread, "open_pr", user="grace")
        second = await wait_event(stage, task.id, "published", count=2)
        assert (second.payload["number"], second.payload["created"]) == (1, False)
        assert len(stage.forge.pulls("demo/shop")) == 1
        resolved = await wait_event(stage, task.id, "run_resolved", count=2)
        assert resolved.payload["base_commit"] == person
        head = second.payload["head_commit"]
        tests = await stage.forge.read_file("demo/shop", head, "tests/test_basket.py")
        assert b"test_an_empty_basket" in tests
        assert await stage.forge.read_file("demo/shop", head, "NOTES.md") == b"mine\n"
        assert b">= pieces" in await stage.forge.read_file("demo/shop", head, "shop/discounts.py")
        await wait_said(stage, thread, "Updated")
        assert (await wait_task(stage, thread)).status == Status.DONE


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("explain how discounts are applied in demo/shop", "two steps"),
        ("review the pricing code in demo/shop", "shop/discounts.py"),
    ],
)
@pytest.mark.slack_modes
async def test_reading_modes(tmp_path: Path, words: str, answer: str) -> None:
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        adjust=reached,
    ) as stage:
        thread = await ask(stage, words)
        await wait_said(stage, thread, answer)
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "run_finished")
        assert (await wait_task(stage, thread)).patch_sha256 is None


@pytest.mark.slack_modes
async def test_publishing_that_failed_after_the_push_succeeds_when_approved_again(
    tmp_path: Path,
) -> None:
    async with staged(
        tmp_path,
        model=ModelSettings(default=f"replay:{replies_path()}"),
        repositories={"demo/shop": sample_files()},
        adjust=reached,
    ) as stage:
        stage.forge.fail_next("POST", "*/pulls", 422)
        thread = await ask(stage, "fix the failing test in demo/shop")
        await press(stage, thread, "open_pr")
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "approval_requested", count=2)
        # Another second: the commit must not depend on when it is approved.
        await asyncio.sleep(1.1)
        await press(stage, thread, "open_pr")
        published = await wait_event(stage, task.id, "published")
        assert published.payload["number"] == 1
