"""The set-up phase of the real program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.agent_image.conftest import FILES, MakeStage, Stage
from tests.agent_image.test_inbox import processes_with, until


async def set_up(
    make_stage: MakeStage, content: str, **changes: Any
) -> tuple[Stage, dict[str, Any]]:
    stage = await make_setup(make_stage, content, **changes)
    return stage, await stage.play()


async def make_setup(make_stage: MakeStage, content: str, **changes: Any) -> Stage:
    files = {**FILES, "setup.sh": content}
    shown = {"path": "setup.sh", "content": content, "is_own": False}
    return await make_stage(files, **{"phase": "setup", "script": shown, **changes})


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
    assert outcome["brief"] == "The set-up script `setup.sh` reached its time limit."
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
    stage = await make_setup(make_stage, "printf working...; sleep 4715.25\n")
    process = await stage.start()
    await until(lambda: printed(stage) == "working...")
    process.terminate()
    outcome = await stage.end()
    assert outcome["brief"] == "The set-up was stopped."
    assert processes_with("sleep 4715.25") == []


async def test_no_script_is_no_failure(make_stage: MakeStage) -> None:
    stage = await make_stage({"a": "1\n"}, phase="setup")
    assert await stage.play() == {"kind": "finished", "exit_code": 0}
    assert (stage.workspace / "a").exists()


async def test_a_script_that_breaks_git_fails_the_phase(make_stage: MakeStage) -> None:
    _, outcome = await set_up(make_stage, "rm -rf .git\n")
    assert outcome["kind"] == "failed"
    assert "damaged the workspace's .git folder" in outcome["brief"]


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("set -e\ntrue\nls /no/such/place\necho never\n", "line 3: `ls /no/such/place`"),
        ("set -eu\nf() {\n  false\n}\nf\n", "line 3: `false`"),
        ("true\nfalse | true\nfalse\n", "line 3: `false`"),
        ("set -euo pipefail\nfalse | cat\n", "line 2: `false | cat`"),
    ],
)
async def test_the_line_that_failed_is_named(
    make_stage: MakeStage, script: str, place: str
) -> None:
    _, outcome = await set_up(make_stage, script)
    assert outcome["brief"].startswith(f"The set-up script `setup.sh` failed at {place}")


async def test_what_a_script_starts_sees_nothing_of_the_trace(make_stage: MakeStage) -> None:
    stage, outcome = await set_up(make_stage, "bash -c 'echo [$BASH_ENV]'; env | grep -c BASH_ENV")
    assert outcome["exit_code"] == 1
    assert printed(stage) == "[]\n0\n"


async def test_declared_variables_are_the_scripts_alone_and_blotted_out(
    make_stage: MakeStage,
) -> None:
    value = "s3cret/value+1"
    script = (
        'printf "//registry/:_authToken=%s\\n" "$NPM_TOKEN" > .npmrc\n'
        'printf "%s" "$NPM_TOKEN" | base64 > encoded.txt; echo plain > plain.txt\n'
    )
    stage, outcome = await set_up(make_stage, script, variables={"NPM_TOKEN": value})
    assert outcome["kind"] == "finished"
    assert (stage.workspace / ".npmrc").read_text() == f"//registry/:_authToken={'*' * 14}\n"
    assert set((stage.workspace / "encoded.txt").read_text().strip()) == {"*"}
    assert (stage.workspace / "plain.txt").read_text() == "plain\n"


async def test_the_bytes_that_were_approved_are_run(make_stage: MakeStage) -> None:
    shown = {"path": "setup.sh", "content": "echo approved\n"}
    stage, _ = await set_up(make_stage, "echo from the repository\n", script=shown)
    assert printed(stage) == "approved\n"


async def test_a_script_behind_a_link_is_refused(make_stage: MakeStage, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "setup.sh").write_text("echo outside\n")
    shown = {"path": "tools/setup.sh", "content": "echo approved\n"}
    stage = await make_stage({"a": "1\n"}, phase="setup", script=shown)
    stage.workspace.mkdir()
    (stage.workspace / "tools").symlink_to(outside)
    outcome = await stage.play()
    assert outcome["kind"] == "failed"
    assert (outside / "setup.sh").read_text() == "echo outside\n"
