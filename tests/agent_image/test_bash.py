"""The bash tool, through the real program."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.agent_image.conftest import MakeStage
from tests.agent_image.fake_gateway import TOKEN, bash, call, finish
from tests.agent_image.test_inbox import processes_with

Run = Any


@pytest.fixture
def run(make_stage: MakeStage) -> Run:
    """Run commands one after the other; answers what each told the model."""

    async def run_commands(*commands: Any, **changes: Any) -> list[dict[str, Any]]:
        stage = await make_stage(**changes)
        calls = [bash(command) if isinstance(command, str) else command for command in commands]
        await stage.play(calls, [finish()])
        return stage.gateway.results(1)

    return run_commands


def is_running(pid: int) -> bool:
    """An orphan's corpse may lie about where no init buries it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def texts(run: Run, *commands: Any, **changes: Any) -> list[str]:
    return [result["text"] for result in await run(*commands, **changes)]


async def test_directory_variables_and_functions_last(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "a 'b\n$c"
    place.mkdir()
    quoted = "'" + str(place).replace("'", "'\\''") + "'"
    assert await texts(
        run,
        f"cd {quoted}; x=1; export y=2; f() {{ echo f; }}",
        "pwd; echo $x; bash -c 'echo $y'; f",
    ) == ["[exit 0]", f"{place}\n1\n2\nf\n[exit 0]"]


async def test_aliases_last_and_what_shadows_ours_does_no_harm(run: Run) -> None:
    shadows = "; ".join(f"{name}() {{ builtin echo shadow; }}" for name in ("printf", "cd", "set"))
    found = await texts(
        run,
        "alias hi='\\builtin echo hello'",
        "hi",
        f"command() {{ builtin echo shadow; }}; {shadows}; alias printf=false unset=false",
        "cd x",
        "set -x",
        "true",
        bash("sleep 0", background=True),
        "set +x; unset -f cd; set -eu",
        "false; builtin echo on",
        "env | grep -c THREADSMITH_COMMAND=.",
    )
    assert found[:5] == [
        "[exit 0]",
        "hello\n[exit 0]",
        "[exit 0]",
        "shadow\n[exit 0]",
        "[exit 0]",
    ]
    assert found[5].endswith("true\n[exit 0]")
    assert "printf" not in found[5]
    assert found[6].startswith("Started in the background")
    assert found[7].endswith("set +x\n[exit 0]")
    assert found[8:] == ["on\n[exit 0]", "1\n[exit 0]"]


async def test_exit_codes_are_shown(run: Run) -> None:
    assert await texts(run, "false", "(exit 7)", "no-such-command 2>/dev/null", "true") == [
        "[exit 1]",
        "[exit 7]",
        "[exit 127]",
        "[exit 0]",
    ]


async def test_output_comes_in_order_from_both_streams(run: Run) -> None:
    (text,) = await texts(run, "echo a; echo b >&2; printf c")
    assert text == "a\nb\nc\n[exit 0]"


async def test_commands_have_no_input(run: Run) -> None:
    assert await texts(run, "cat; read x; echo $?") == ["1\n[exit 0]"]


async def test_broken_syntax_does_not_break_the_shell(run: Run) -> None:
    broken, after = await texts(run, "echo 'unclosed\n", "echo fine")
    assert "unexpected EOF" in broken
    assert after == "fine\n[exit 0]"


@pytest.mark.parametrize(
    ("command", "code"), [("echo bye; exit 3", 3), ("kill -9 $$", 137), ("exec sh -c 'exit 4'", 4)]
)
async def test_a_shell_that_ends_is_started_anew(run: Run, command: str, code: int) -> None:
    ended, after = await texts(run, f"x=1; {command}", "echo ${x:-gone}")
    assert f"[exit {code}; the shell ended with it" in ended
    assert after == "gone\n[exit 0]"


async def test_redirections_of_the_shell_itself_do_not_stick(run: Run) -> None:
    assert (await texts(run, "exec >/dev/null 2>&1 </dev/zero", "echo heard"))[
        1
    ] == "heard\n[exit 0]"


@pytest.mark.parametrize("start", ["", "exec ", "setsid "])
async def test_a_command_is_killed_at_its_limit_with_its_children(run: Run, start: str) -> None:
    sleep = f"sleep 4711.{time.time_ns()}"  # not that of a test beside this one
    result, after = await run(
        bash(f"cd /tmp; x=1; echo begun; {sleep} & {start}{sleep}", timeout_seconds=1),
        bash("pwd; echo ${x:-gone}"),
    )
    assert result["is_error"]
    assert result["text"].startswith("begun\n[killed after 1 seconds; the shell ended with it")
    assert after["text"].endswith("gone\n[exit 0]")
    assert processes_with(sleep) == []


async def test_the_run_s_limit_caps_the_call_s(run: Run) -> None:
    (result,) = await run(bash("sleep 100", timeout_seconds=99), limits={"command_seconds": 1})
    assert result["text"].startswith("[killed after 1 seconds")


async def test_a_background_command_goes_on_and_ends_with_the_run(run: Run) -> None:
    started, _, seen, alive = await texts(
        run,
        bash("x=hello; while :; do echo $x; sleep 0.02; done", background=True),
        bash("until test -s $TMPDIR/*/output-1.txt; do sleep 0.02; done"),
        bash("head -c 6 $TMPDIR/*/output-1.txt"),
        bash("sleep 9; true", timeout_seconds=1),
    )
    assert (pid := re.search(r"process (\d+) .*output: (\S+)", started))
    assert seen == "hello\n[exit 0]"
    assert alive.startswith("[killed")
    assert not is_running(int(pid[1]))


async def test_a_background_command_outlives_a_killed_one(run: Run) -> None:
    _, _, alive = await texts(
        run,
        bash("sleep 4712.25", background=True),
        bash("sleep 9", timeout_seconds=1),
        bash("pgrep -fx 'sleep 4712.25' > /dev/null && echo alive"),
    )
    assert alive == "alive\n[exit 0]"
    assert processes_with("sleep 4712.25") == []


async def test_a_flood_is_cut_in_the_middle_and_kept_in_a_file(run: Run) -> None:
    flood, count = await texts(run, "seq 1 200000", "wc -c < $TMPDIR/threadsmith-*/output-1.txt")
    assert len(flood.encode()) < 4300
    assert flood.startswith("1\n2\n3\n")
    assert flood.endswith("199999\n200000\n[exit 0]")
    total = sum(len(f"{n}\n") for n in range(1, 200_001))
    assert f"of {total:,} bytes left out; the whole is in " in flood
    assert count == f"{total}\n[exit 0]"


async def test_an_endless_flood_ends_at_the_limit(run: Run) -> None:
    (result,) = await run(bash("yes", timeout_seconds=1))
    assert "its beginning is in" in result["text"] or "the whole is in" in result["text"]
    assert len(result["text"]) < 5000


async def test_binary_output_is_not_shown(run: Run) -> None:
    (text,) = await texts(run, "head -c 5000 /dev/zero")
    assert text == "[binary output, 5,000 bytes, not shown]\n[exit 0]"


async def test_terminal_control_is_taken_out(run: Run) -> None:
    (text,) = await texts(
        run,
        r"printf '\033[31mred\033[0m \033]0;title\007x\r\n10%%\r50%%\r100%%\nbell\a \342\200\256'",
    )
    assert text == "red x\n100%\nbell\\u0007 \\u202e\n[exit 0]"


async def test_no_command_sees_the_token(run: Run) -> None:
    for text in await texts(run, "env; set", "cat /proc/self/environ | tr '\\0' '\\n'"):
        assert "PATH=" in text
        assert TOKEN not in text
        assert "THREADSMITH_TOKEN" not in text


async def test_the_program_s_own_environment_forgets_the_token(make_stage: MakeStage) -> None:
    stage = await make_stage()
    outcome = await stage.play(
        [bash("cat /proc/$PPID/environ | tr '\\0' '\\n'"), call("read", path="/proc/self/environ")],
        [finish()],
    )
    assert outcome["kind"] == "finished"
    through_bash, through_read = stage.gateway.results(1)
    assert "THREADSMITH_SOCKET" in through_bash["text"]
    assert TOKEN not in through_bash["text"] + through_read["text"]


async def test_commands_have_home_and_a_quiet_terminal(run: Run, tmp_path: Path) -> None:
    (text,) = await texts(run, "echo $HOME $TERM $PAGER; git log --oneline | cat")
    assert text.startswith(f"{tmp_path}/0/home dumb cat\n")
