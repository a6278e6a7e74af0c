"""Environments at the command line, and kept ahead of a branch that moves."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import SandboxSettings
from sandbox.environments.records import Record, Records
from tests.end_to_end.stage import ask, finish, product, wait_event, wait_task, write_replies
from tests.sandbox.git_repository import Repository

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slack_modes,
    pytest.mark.usefixtures("agent_image"),
]

SCRIPT = "echo preparing; touch /opt/made\n"
CONVERSATIONS: dict[str, list[Any]] = {"works": [[finish("Looked at it")]]}


async def threadsmith(directory: Path, *args: str) -> tuple[int, str, str]:
    """The command as people type it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from chatbot.cli import main; main()", *args),
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "THREADSMITH_MODEL_DEFAULT": f"replay:{directory / 'replies.json'}",
            "THREADSMITH_DATA_DIRECTORY": str(directory / "data"),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_from_the_first_run_to_the_last_command(tmp_path: Path) -> None:
    write_replies(tmp_path / "replies.json", CONVERSATIONS)
    Repository(tmp_path / "repository").commit({"a.txt": "1\n", "setup.sh": SCRIPT})
    run = ("run", "--repo", "repository", "--json", "works")

    code, out, err = await threadsmith(tmp_path, *run)
    assert code == 1
    assert "pass --setup run or --setup skip" in err
    assert json.loads(out)["status"] == "stopped"

    code, out, _ = await threadsmith(tmp_path, *run, "--setup", "skip")
    assert (code, json.loads(out)["events"].get("setup_started")) == (0, None)

    code, out, _ = await threadsmith(tmp_path, *run, "--setup", "run")
    assert (code, json.loads(out)["events"]["setup_started"]) == (0, 1)
    code, out, _ = await threadsmith(tmp_path, *run)
    assert (code, json.loads(out)["events"].get("setup_started")) == (0, None)

    code, out, _ = await threadsmith(tmp_path, "environments", "list", "--json")
    [kept] = json.loads(out)
    assert (kept["repository"].endswith("repository"), kept["failure"]) == (True, None)
    assert Path(kept["log"]).read_text() == "preparing\n"
    code, out, _ = await threadsmith(tmp_path, "environments", "list")
    assert kept["key"][:12] in out

    code, out, err = await threadsmith(tmp_path, "environments", "rebuild", kept["key"][:8])
    assert (code, "preparing" in err) == (0, True)
    code, _, err = await threadsmith(tmp_path, "environments", "rebuild", "nothing")
    assert (code, "No environment begins with" in err) == (1, True)

    code, out, _ = await threadsmith(tmp_path, "environments", "remove", kept["key"])
    assert (code, "removed" in out) == (0, True)
    code, out, _ = await threadsmith(tmp_path, "environments", "list", "--json")
    assert json.loads(out) == []


async def test_it_is_rebuilt_when_the_default_branch_moves(tmp_path: Path) -> None:
    sandbox = SandboxSettings(trust_setup=("acme/*",), refresh_minutes=0.01)
    files = {"a.txt": b"1\n", "setup.sh": SCRIPT.encode()}
    async with product(
        tmp_path, conversations=CONVERSATIONS, repositories={"acme/api": files}, sandbox=sandbox
    ) as stage:
        thread = await ask(stage, "this works in acme/api")
        task = await wait_task(stage, thread)
        await wait_event(stage, task.id, "run_finished")
        commit = await stage.forge.commit("acme/api", {"a.txt": b"2\n"})
        records = Records(stage.app.settings.environments_directory)

        async def newest() -> list[Record]:
            return [record for record in await records.all() if record.commit == commit]

        async with asyncio.timeout(60):
            while not await newest():
                await asyncio.sleep(0.2)
        # A lock file that changed makes another environment, ahead of the first task on it.
        commit = await stage.forge.commit("acme/api", {"poetry.lock": b"1\n"})
        async with asyncio.timeout(60):
            while not await newest():
                await asyncio.sleep(0.2)
        thread = await ask(stage, "this works in acme/api")
        task = await wait_task(stage, thread)
        event = await wait_event(stage, task.id, "environment")
        assert event.payload["state"] == "hit"
