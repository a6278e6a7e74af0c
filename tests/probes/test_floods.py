"""What runs in a container takes all it can get: each has its bound, and the work is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import watch
from sandbox.spec import Setup
from tests.probes.ground import FINISH, LIMITS, ground, says

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("after", ["sleep 60", "sleep 1", "true"])
async def test_a_fork_bomb(tmp_path: Path, agent_image: str, after: str) -> None:
    limits = replace(LIMITS, command_seconds=3)
    async with ground(tmp_path, agent_image, limits=limits) as here:
        bomb = f"bomb() {{ bomb | bomb & }}; bomb; {after}"
        outcome = await here.run(["echo kept > kept.txt", bomb, "cat kept.txt"])
        assert outcome.kind == "patch", outcome
        assert "kept" in here.results()[-1].splitlines()


async def test_a_hunger_for_memory(tmp_path: Path, agent_image: str) -> None:
    limits = replace(LIMITS, memory_bytes=128 * 1024**2)
    async with ground(tmp_path, agent_image, limits=limits) as here:
        eat = 'python3 -c \'x = bytearray(10 ** 9); print("EA" "TEN")\''
        eat += "; head -c 300M /dev/zero | tail"
        outcome = await here.run(["echo kept > kept.txt", eat, "cat kept.txt"])
        assert "EATEN" not in "".join(here.results())
        assert outcome.kind in ("patch", "failed")
        assert here.recorder.patches[-1][1].files[0].path == "kept.txt"


@pytest.mark.parametrize(
    ("flood", "limit", "changes"),
    [
        ("head -c 400M /dev/zero > /tmp/blob; sleep 15", "0.2 GiB", {"disk_bytes": 200 * 2**20}),
        (
            "mkdir /tmp/n; cd /tmp/n; seq 1 30000 | xargs touch; sleep 15",
            "20,000 files",
            {"disk_files": 20_000},
        ),
    ],
    ids=["bytes", "files"],
)
async def test_a_full_disk(
    tmp_path: Path,
    agent_image: str,
    monkeypatch: pytest.MonkeyPatch,
    flood: str,
    limit: str,
    changes: dict[str, int],
) -> None:
    monkeypatch.setattr(watch, "DISK_SECONDS", 0.2)
    limits = replace(LIMITS, **changes)  # type: ignore[arg-type]
    async with ground(tmp_path, agent_image, limits=limits) as here:
        outcome = await here.run(["echo kept > kept.txt", flood])
        assert outcome.brief == f"The run reached its limit of {limit} on disk."
        assert outcome.patch_sha256 is not None
        assert await here.engine.list() == []


async def test_a_full_disk_in_set_up(
    tmp_path: Path, agent_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "DISK_SECONDS", 0.2)
    limits = replace(LIMITS, disk_bytes=100 * 2**20)
    files = {"setup.sh": "head -c 300M /dev/zero > /opt/blob; sleep 30\n"}
    async with ground(tmp_path, agent_image, files, limits=limits) as here:
        outcome = await here.run(setup=Setup())
        assert outcome.stage == "setup"
        assert outcome.brief == "The set-up script reached its limit of 0.1 GiB on disk."
        assert await here.engine.images() == ()


async def test_output_without_end(tmp_path: Path, agent_image: str) -> None:
    async with ground(tmp_path, agent_image, limits=replace(LIMITS, command_seconds=5)) as here:
        outcome = await here.run(["yes flood | head -c 300M", "yes >&2", "echo still here"])
        assert outcome.kind == "nothing"
        assert here.results()[-1].startswith("still here")
        told = sum(len(json.dumps(payload)) for _, payload in here.recorder.events)
        asked = sum(len(turn) for turn in here.recorder.stored_turns)
        assert max(told, asked) < 2_000_000


async def test_a_command_that_never_ends(tmp_path: Path, agent_image: str) -> None:
    async with ground(tmp_path, agent_image, limits=replace(LIMITS, command_seconds=2)) as here:
        outcome = await here.run(["trap '' TERM INT; setsid sleep 999 & sleep 998", "pgrep sleep"])
        assert "time limit" in here.results()[0] or "[" in here.results()[0]
        assert not here.results()[1].splitlines()[0].isdigit()
        assert outcome.kind == "nothing"


async def test_an_agent_that_never_ends(tmp_path: Path, agent_image: str) -> None:
    limits = replace(LIMITS, wall_seconds=5)
    async with ground(tmp_path, agent_image, limits=limits) as here:
        here.provider.replies = [says(("bash", {"command": "sleep 15"})), FINISH]
        outcome = await here.runner.run(here.spec, here.recorder)
        assert outcome.kind == "failed"
        assert await here.engine.list() == []


async def test_whoever_kills_everything_kills_the_run_alone(
    tmp_path: Path, agent_image: str
) -> None:
    async with ground(tmp_path, agent_image) as here:
        outcome = await here.run(["echo kept > kept.txt", "kill -9 -1"])
        assert outcome.kind == "failed"
        assert here.recorder.patches[-1][1].files[0].path == "kept.txt"
        assert await here.engine.list() == []
