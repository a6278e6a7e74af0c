"""The files of a task: whole, growing, and made good again after any cut."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatbot.actions import Actions
from chatbot.history import delivery, export, queries
from chatbot.history.export import LogFiles, event_line
from chatbot.history.store import History
from tests.chatbot.history.lives import ADA, PATCH, Life, make_turn

NAMES = ["diff.patch", "events.jsonl", "llm_response.txt", "prompt.txt", "setup.log"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SPACING_SECONDS", 0.01)
    monkeypatch.setattr(export, "PAUSE_SECONDS", 0.05)


@asynccontextmanager
async def writing(files: LogFiles) -> AsyncIterator[None]:
    running = asyncio.create_task(files.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()


async def caught_up(history: History) -> None:
    async with asyncio.timeout(60):
        while await history.read(lambda db: delivery.behind(db, "files")):
            await asyncio.sleep(0.01)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


async def make_life(actions: Actions) -> Life:
    life = await Life.begin(actions)
    await life.prepare()
    await life.tell("setup_started", path="setup.sh", network=False)
    await life.tell("setup_output", text="installing…\nhalf a li")
    await life.tell("setup_output", text="ne\n")
    await life.tell("setup_finished", exit_code=0, seconds=1.5, tail="")
    await life.tell("container_started", phase="agent", image="i")
    await life.turn(0)
    await life.turn(1)
    return life


async def test_files_hold_the_story(actions: Actions, tmp_path: Path) -> None:
    life = await make_life(actions)
    await life.patch()
    files = LogFiles(actions.history, tmp_path / "logs")
    folder = await files.export(life.task_id)
    assert folder == tmp_path / "logs" / life.task_id
    found = contents(folder)
    assert sorted(found) == NAMES
    assert found["diff.patch"].encode() == PATCH
    assert found["setup.log"] == (
        "===== setup.sh, without network =====\n"
        "installing…\nhalf a line\n"
        "\n===== ended with exit code 0 =====\n"
    )
    assert found["prompt.txt"] == (
        "===== turn 0: system =====\nYou are a careful engineer.\n\n"
        "===== turn 0: tools =====\nrun: Run a command.\n\n"
        "===== turn 0: user =====\n# Task\nfix it\n\n"
        "===== turn 1: user =====\n[result c0]\nresult 1\n\n"
    )
    assert found["llm_response.txt"].startswith(
        "===== turn 0: demo, tool_calls, 100 tokens in, 10 out, 5 of the prompt from the cache"
        " =====\n"
        'reply 0\n\n[call c0] run {\n  "command": "pytest"\n}\n\n'
    )
    lines = [json.loads(line) for line in found["events.jsonl"].splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0]["kind"] == "task_created"


async def test_odd_blocks_are_readable(actions: Actions, tmp_path: Path) -> None:
    life = await Life.begin(actions)
    run = await life.work()
    turn = make_turn(0)
    turn["reply"]["content"] = [
        {"type": "opaque", "provider": "anthropic", "data": {"secret": "thought"}},
        {"type": "tool_call", "id": "c", "name": "run", "arguments": None, "raw": '{"broken'},
    ]
    turn["messages"][0]["content"].append(
        {"type": "tool_result", "call_id": "x", "text": "no such tool", "is_error": True}
    )
    await actions.record_turn(run.id, turn)
    folder = await LogFiles(actions.history, tmp_path).export(life.task_id)
    found = contents(folder)
    assert "thought" not in found["llm_response.txt"]
    assert '[call c] run {"broken' in found["llm_response.txt"]
    assert "[result x, failed]\nno such tool" in found["prompt.txt"]


async def test_unknown_task_makes_no_folder(actions: Actions, tmp_path: Path) -> None:
    with pytest.raises(queries.TaskNotFound):
        await LogFiles(actions.history, tmp_path / "logs").export("t_none")
    assert not (tmp_path / "logs").exists()


async def test_files_follow_the_story(actions: Actions, tmp_path: Path) -> None:
    """At every rest the growing files are what they would be if made anew."""
    history = actions.history
    files = LogFiles(history, tmp_path / "grown")
    early = await make_life(actions)
    async with writing(files):
        await caught_up(history)
        life = await make_life(actions)
        for number in range(2, 6):
            await life.turn(number)
            await caught_up(history)
        await life.patch()
        await life.finish()
        await caught_up(history)
        await actions.add_message(life.task_id, ADA, "more")
        await life.work()
        await life.patch(b"second patch")
        await caught_up(history)
    fresh = LogFiles(history, tmp_path / "fresh")
    for task_id in (early.task_id, life.task_id):
        made = contents(await fresh.export(task_id))
        assert contents(tmp_path / "grown" / task_id) == made
    assert (tmp_path / "grown" / life.task_id / "diff.patch").read_text() == "second patch"


async def test_undone_work_leaves_no_patch(actions: Actions, tmp_path: Path) -> None:
    history = actions.history
    async with writing(LogFiles(history, tmp_path)):
        life = await Life.begin(actions)
        run = await life.work()
        await life.patch()
        await caught_up(history)
        path = tmp_path / life.task_id / "diff.patch"
        assert path.exists()
        empty = {"sha256": "0" * 64, "files": [], "added": 0, "removed": 0}
        await actions.record_patch(run.id, b"", empty, final=True)
        await caught_up(history)
        assert not path.exists()


async def test_nothing_is_written_again_in_a_new_process(actions: Actions, tmp_path: Path) -> None:
    """Appending is what a new process does too: flat in what went before."""
    history = actions.history
    async with writing(LogFiles(history, tmp_path)):
        life = await make_life(actions)
        await caught_up(history)
    path = tmp_path / life.task_id / "events.jsonl"
    before, inode = path.read_bytes(), path.stat().st_ino
    async with writing(LogFiles(history, tmp_path)):
        await life.tell("note", text="one more")
        await caught_up(history)
    assert path.stat().st_ino == inode
    assert path.read_bytes().startswith(before)
    assert path.read_text().splitlines()[-1] == event_line((await life.events())[-1]).rstrip()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "diff.patch"])
@pytest.mark.parametrize("damage", ["half a line", "shorter", "gone"])
async def test_damage_is_mended(actions: Actions, tmp_path: Path, name: str, damage: str) -> None:
    history = actions.history
    async with writing(LogFiles(history, tmp_path)):
        life = await make_life(actions)
        await caught_up(history)
    path = tmp_path / life.task_id / name
    match damage:
        case "half a line":
            path.write_bytes(path.read_bytes() + b'{"id": 99, "se')
        case "shorter":
            path.write_bytes(path.read_bytes()[:-5])
        case _:
            path.unlink()
    async with writing(LogFiles(history, tmp_path)):
        await life.tell("setup_output", text="more\n")
        await life.turn(2)
        await caught_up(history)
    made = contents(await LogFiles(history, tmp_path / "fresh").export(life.task_id))
    assert contents(tmp_path / life.task_id) == made


async def test_several_write_the_same_files(actions: Actions, tmp_path: Path) -> None:
    """The server and the command line share one folder."""
    history = actions.history
    other = await History.open(history.path)
    async with writing(LogFiles(history, tmp_path)), writing(LogFiles(other, tmp_path)):
        life = await make_life(actions)
        for number in range(2, 40):
            await life.turn(number)
            if number % 10 == 0:
                await LogFiles(other, tmp_path).export(life.task_id)
        await life.patch()
        await caught_up(history)
    await other.close()
    made = contents(await LogFiles(history, tmp_path / "fresh").export(life.task_id))
    assert contents(tmp_path / life.task_id) == made


async def test_one_writes_while_the_other_waits(actions: Actions, tmp_path: Path) -> None:
    life = await make_life(actions)
    folder = tmp_path / life.task_id
    folder.mkdir()
    other = os.open(folder, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        exporting = asyncio.create_task(LogFiles(actions.history, tmp_path).export(life.task_id))
        await asyncio.sleep(0.1)
        assert list(folder.iterdir()) == []
    finally:
        os.close(other)
    await exporting
    assert (folder / "events.jsonl").exists()


FOLLOW = """
import asyncio, sys
from pathlib import Path
from chatbot.history import export
from chatbot.history.store import History

async def follow():
    export.SPACING_SECONDS = 0.001
    history = await History.open(Path(sys.argv[1]))
    print("open", flush=True)
    await export.LogFiles(history, Path(sys.argv[2])).run()

asyncio.run(follow())
"""


async def test_kill_while_export_is_caught_up(actions: Actions, tmp_path: Path) -> None:
    history, logs = actions.history, tmp_path / "logs"
    life = await make_life(actions)
    number = 2
    for round_ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", FOLLOW, str(history.path), str(logs)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        for _ in range(5 + 7 * round_):
            await life.turn(number)
            number += 1
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
    async with writing(LogFiles(history, logs)):
        await caught_up(history)
    made = contents(await LogFiles(history, tmp_path / "fresh").export(life.task_id))
    assert contents(logs / life.task_id) == made


async def test_folder_that_cannot_be_written_is_tried_again(
    actions: Actions, tmp_path: Path
) -> None:
    history = actions.history
    blocked = tmp_path / "logs"
    blocked.write_text("a file where the folder should be")
    async with writing(LogFiles(history, blocked)):
        life = await make_life(actions)
        await asyncio.sleep(0.2)
        blocked.unlink()
        await caught_up(history)
    assert (blocked / life.task_id / "events.jsonl").exists()


async def test_nobody_else_may_read_the_files(actions: Actions, tmp_path: Path) -> None:
    async with writing(LogFiles(actions.history, tmp_path)):
        life = await make_life(actions)
        await caught_up(actions.history)
    folder = tmp_path / life.task_id
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
