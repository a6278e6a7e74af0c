"""The set-up phase of the real program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.agent_image.conftest import FILES, MakeStage, Stage
from tests.agent_image.test_inbox import processes_with, until


async def set_up(
    make_stage: MakeStage, script: str, **changes: Any
) -> tuple[Stage, dict[str, Any]]:
    files = {**FILES, "setup.sh": script}
    stage = await make_stage(files, phase="setup", setup_path="setup.sh", **changes)
    return stage, await stage.play()


def printed(stage: Stage) -> str:
    return "".join(payload["text"] for payload in stage.gateway.payloads("setup_output"))


async def test_the_script_s_output_is_told_and_its_files_stay(make_stage: MakeStage) -> None:
    stage, outcome = await set_up(
        make_stage,
        "set -e\necho begin; pwd\ncat; printf 'é\\033[1m!' >&2; echo 1 > made.txt\n",
    )
    assert outcome == {"kind": "finished", "exit_code": 0}
    assert printed(stage) == f"begin\n{stage.workspace}\né!"
    assert (stage.workspace / "made.txt").read_text() == "1\n"
    assert stage.gateway.turns == []
    assert list((stage.directory / "tmp").iterdir()) == []


async def test_everything_belongs_to_the_agent_s_user_afterwards(make_stage: MakeStage) -> None:
    stage, _ = await set_up(make_stage, "mkdir -p x/y; ln -s /etc x/etc; touch $HOME/cache\n")
    if os.geteuid() == 0:
        for path in (stage.workspace, stage.workspace / "x/y", stage.directory / "home/cache"):
            assert (path.lstat().st_uid, path.lstat().st_gid) == (1000, 1000)
        assert (stage.workspace / "x/etc").lstat().st_uid == 1000
    assert Path("/etc").stat().st_uid == 0


async def test_a_failing_script_fails_the_phase(make_stage: MakeStage) -> None:
    stage, outcome = await set_up(make_stage, "echo no; exit 9\n")
    assert outcome["kind"] == "failed"
    assert outcome["exit_code"] == 9
    assert outcome["brief"] == "The set-up script `setup.sh` failed (exit code 9)."
    assert printed(stage) == "no\n"


async def test_a_script_that_takes_too_long_is_killed(make_stage: MakeStage) -> None:
    stage, outcome = await set_up(
        make_stage, "echo begun; setsid sleep 4713.25 & sleep 4713.25\n", limits={"wall_seconds": 2}
    )
    assert outcome["brief"] == "The set-up script reached its time limit."
    assert printed(stage) == "begun\n"
    assert processes_with("sleep 4713.25") == []


async def test_what_a_script_leaves_running_is_ended(make_stage: MakeStage) -> None:
    _, outcome = await set_up(
        make_stage, "setsid sleep 4714.25 &\n(sleep 4714.25; :) &\necho done\n"
    )
    assert outcome == {"kind": "finished", "exit_code": 0}
    assert processes_with("sleep 4714.25") == []


async def test_a_flood_arrives_in_pieces_and_in_order(make_stage: MakeStage) -> None:
    stage, _ = await set_up(make_stage, "seq 1 30000\n")
    assert printed(stage) == "".join(f"{n}\n" for n in range(1, 30_001))
    sizes = [len(payload["text"].encode()) for payload in stage.gateway.payloads("setup_output")]
    assert max(sizes) <= 4096


async def test_a_script_without_a_line_end_is_told_while_it_runs(make_stage: MakeStage) -> None:
    files = {**FILES, "setup.sh": "printf working...; sleep 4715.25\n"}
    stage = await make_stage(files, phase="setup", setup_path="setup.sh")
    process = await stage.start()
    await until(lambda: printed(stage) == "working...")
    process.terminate()
    outcome = await stage.end()
    assert outcome["brief"] == "The set-up was stopped."
    assert processes_with("sleep 4715.25") == []


async def test_no_script_is_no_failure(make_stage: MakeStage) -> None:
    stage = await make_stage({"a": "1\n"}, phase="setup", setup_path="setup.sh")
    assert await stage.play() == {"kind": "finished", "exit_code": 0}
    assert (stage.workspace / "a").exists()


async def test_a_script_that_breaks_git_fails_the_phase(make_stage: MakeStage) -> None:
    _, outcome = await set_up(make_stage, "rm -rf .git\n")
    assert outcome["kind"] == "failed"
    assert "damaged the workspace's .git folder" in outcome["brief"]
