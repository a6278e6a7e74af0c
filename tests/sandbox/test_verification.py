"""The result is tried again in a clean container: for real, and told as it was found."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import ThreadsmithError
from sandbox.gateway.journal import Journal
from sandbox.llm.provider import Reply
from sandbox.recorder import InboxItem, Outcome
from sandbox.spec import Setup
from tests.probes.ground import LIMITS, Ground, ground, says

pytestmark = pytest.mark.docker

FILES = {
    "sums.py": "def add(a, b):\n    return a - b\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    ".gitignore": "ignored.txt\n",
}
MEND = ("edit", {"path": "sums.py", "old": "a - b", "new": "a + b"})


def finish(*checks: str) -> Reply:
    given = {"title": "Add", "summary": "Mended.", "claimed": "All of it.", "checks": list(checks)}
    return says(("finish", given))


async def work(here: Ground, *replies: Reply, **changes: Any) -> Outcome:
    here.provider.replies = list(replies)
    return await here.runner.run(replace(here.spec, **changes), here.recorder)


def found(outcome: Outcome) -> dict[str, Any]:
    assert outcome.verification is not None
    return outcome.verification


async def test_what_holds_is_verified(tmp_path: Path, agent_image: str) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        outcome = await work(here, says(MEND), finish("python3 -m pytest -q"))
        assert outcome.kind == "patch"
        (check,) = found(outcome)["checks"]
        assert (found(outcome)["state"], check["command"]) == ("verified", "python3 -m pytest -q")
        assert (check["exit_code"], check["summary"]) == (0, "1 passed")
        phases = [e["phase"] for e in here.recorder.payloads("container_started")]
        assert phases == ["agent", "verify"]
        assert await here.engine.list() == []


async def test_the_agents_word_is_not_believed(tmp_path: Path, agent_image: str) -> None:
    """It only holds where the agent's container was: files that are ignored, and what it made."""
    async with ground(tmp_path, agent_image, FILES) as here:
        outcome = await work(
            here,
            says(
                ("bash", {"command": "echo 1 > ignored.txt; mkdir -p ~/.local; echo x > ~/x"}),
                ("write", {"path": "b.txt", "content": "b\n"}),
            ),
            finish("cat b.txt", "cat ignored.txt", "cat ~/x"),
        )
        codes = [check["exit_code"] for check in found(outcome)["checks"]]
        assert (found(outcome)["state"], codes) == ("failed", [0, 1, 1])
        assert "No such file" in found(outcome)["checks"][1]["output"]


async def test_what_set_up_made_is_there_and_the_configured_command_comes_first(
    tmp_path: Path, agent_image: str
) -> None:
    files = {**FILES, "setup.sh": "echo tool > /opt/tool\n"}
    async with ground(tmp_path, agent_image, files) as here:
        outcome = await work(
            here,
            says(MEND),
            finish("python3 -m pytest -q", "cat /opt/tool"),
            setup=Setup(),
            checks=("cat /opt/tool; id -u",),
        )
        assert found(outcome)["state"] == "verified"
        commands = [check["command"] for check in found(outcome)["checks"]]
        assert commands == ["cat /opt/tool; id -u", "python3 -m pytest -q", "cat /opt/tool"]
        assert found(outcome)["checks"][0]["output"] == "tool\n1000\n"


@pytest.mark.parametrize(
    ("replies", "changes", "reason"),
    [
        ([says(MEND), finish()], {}, "No test command is known"),
        ([says(MEND), finish("true")], {"verify": False}, "switched off"),
    ],
)
async def test_why_not(
    tmp_path: Path, agent_image: str, replies: list[Reply], changes: dict[str, Any], reason: str
) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        outcome = await work(here, *replies, **changes)
        assert (outcome.kind, found(outcome)["state"]) == ("patch", "unverified")
        assert reason in found(outcome)["reason"]


async def test_a_command_that_never_ends(tmp_path: Path, agent_image: str) -> None:
    limits = replace(LIMITS, command_seconds=1)
    async with ground(tmp_path, agent_image, FILES, limits=limits) as here:
        outcome = await work(here, says(MEND), finish("sleep 100", "true"))
        codes = [check["exit_code"] for check in found(outcome)["checks"]]
        assert (found(outcome)["state"], codes) == ("failed", [None, 0])
    limits = replace(LIMITS, verify_seconds=2)
    async with ground(tmp_path, agent_image, FILES, limits=limits) as here:
        outcome = await work(here, says(MEND), finish("sleep 100"))
        assert found(outcome)["state"] == "unverified"
        assert "longer than 2 seconds" in found(outcome)["reason"]


async def test_a_command_that_takes_all_and_kills_all(tmp_path: Path, agent_image: str) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        outcome = await work(here, says(MEND), finish("kill -9 -1; kill -9 1; true"))
        assert outcome.kind == "patch"
        assert found(outcome)["state"] != "verified"


async def test_odd_commands_do_not_lose_the_outcome(tmp_path: Path, agent_image: str) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        outcome = await work(here, says(MEND), finish(" ", "x" * 2000, "true"))
        assert [check["command"] for check in found(outcome)["checks"]] == ["true"]


async def test_the_agent_cannot_speak_for_the_verification(
    tmp_path: Path, agent_image: str
) -> None:
    """Nor can the verified code speak to the model, or change the patch."""
    forge = (
        "import http.client, json, os, socket\n"
        "s = socket.socket(socket.AF_UNIX); s.connect('/run/threadsmith/gateway.sock')\n"
        "s.sendall(b'PUT /turns/0 HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\n\\r\\n{}')\n"
        "print(s.recv(100).split()[1].decode())\n"
    )
    async with ground(tmp_path, agent_image, {**FILES, "forge.py": forge}) as here:
        outcome = await work(here, says(MEND), finish("python3 forge.py"))
        (check,) = found(outcome)["checks"]
        assert check["output"] == "401\n"
        assert here.recorder.patches[-1][1].files[0].path == "sums.py"


async def test_a_stop_while_it_is_verified_keeps_the_patch(
    tmp_path: Path, agent_image: str
) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        here.provider.replies = [says(MEND), finish("sleep 100")]
        running = asyncio.create_task(here.runner.run(here.spec, here.recorder))
        async with asyncio.timeout(60):
            while "check_started" not in here.recorder.kinds():
                await asyncio.sleep(0.05)
        here.recorder.say(InboxItem(id=1, kind="stop"))
        await here.runner.stop(here.spec.run_id)
        outcome = await running
        assert (outcome.kind, found(outcome)["state"]) == ("patch", "unverified")
        assert "stopped" in found(outcome)["reason"]


async def test_a_process_that_dies_meanwhile_begins_it_anew(
    tmp_path: Path, agent_image: str
) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        here.provider.replies = [says(MEND), finish("sleep 2; python3 -m pytest -q")]
        running = asyncio.create_task(here.runner.run(here.spec, here.recorder))
        async with asyncio.timeout(60):
            while "check_started" not in here.recorder.kinds():
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        handle = json.loads(json.dumps(here.recorder.handles[-1]))
        journal = await Journal.find(here.runner._directory / here.spec.run_id)
        assert journal is not None
        assert journal.entry.phase == "verify"
        outcome = await here.runner.attach(here.spec, handle, here.recorder)
        assert (outcome.kind, outcome.title, found(outcome)["state"]) == (
            "patch",
            "Add",
            "verified",
        )
        assert await here.engine.list() == []


async def test_without_its_image_it_says_why(
    tmp_path: Path, agent_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ground(tmp_path, agent_image, FILES) as here:
        start = here.engine.start

        async def refuse(spec: Any) -> Any:
            if spec.phase == "verify":
                raise ThreadsmithError("The disk is full.")
            return await start(spec)

        monkeypatch.setattr(here.engine, "start", refuse)
        outcome = await work(here, says(MEND), finish("true"))
        assert (outcome.kind, found(outcome)["reason"]) == ("patch", "The disk is full.")
