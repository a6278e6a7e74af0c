"""Folders that are gone after their use: after an error, after a kill, and never before."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from sandbox.sources.scratch import scratch

HOLD = """
import asyncio, sys
from pathlib import Path
from sandbox.sources.scratch import scratch

async def hold():
    async with scratch(Path(sys.argv[1])) as directory:
        (directory / "file").write_text("x")
        print(directory.name, flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "place"

    async def fail() -> None:
        async with scratch(place) as directory:
            assert directory.parent == place
            (directory / "sub").mkdir()
            (directory / "sub" / "file").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert list(place.iterdir()) == []


async def test_what_was_moved_out_stays(tmp_path: Path) -> None:
    async with scratch(tmp_path) as directory:
        (directory / "made").mkdir()
        (directory / "made").rename(tmp_path / "made")
    assert [each.name for each in tmp_path.iterdir()] == ["made"]


async def test_the_dead_are_swept_and_the_living_left(tmp_path: Path) -> None:
    holders = []
    for _ in range(2):
        holder = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOLD, str(tmp_path)), stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        holders.append((holder, (await holder.stdout.readline()).decode().strip()))
    (dead, dead_name), (living, living_name) = holders
    dead.kill()
    await dead.communicate()
    assert (tmp_path / dead_name).exists()
    # Nobody's: of another name.
    (tmp_path / "notes.new").mkdir()
    async with scratch(tmp_path) as mine, scratch(tmp_path) as other:
        found = {each.name for each in tmp_path.iterdir()}
        assert found == {mine.name, other.name, living_name, "notes.new"}
    living.kill()
    await living.communicate()


async def test_many_at_once(tmp_path: Path) -> None:
    async def use() -> None:
        async with scratch(tmp_path) as directory:
            (directory / "file").write_text("x")
            await asyncio.sleep(0)
            assert (directory / "file").read_text() == "x"

    await asyncio.gather(*(use() for _ in range(100)))
    assert list(tmp_path.iterdir()) == []
