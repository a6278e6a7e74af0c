"""A process that is killed while it works on a mirror: the next one goes on as if nothing were."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.errors import SourceError
from sandbox.sources import leftovers
from sandbox.sources import remote as remote_module
from sandbox.sources.mirror import Mirrors
from tests.sandbox.git_repository import Repository, run_git
from tests.sandbox.git_server import GitServer

FETCH = """
import asyncio, sys
from pathlib import Path
from sandbox.sources.mirror import Mirrors
asyncio.run(Mirrors(Path(sys.argv[1])).fetch(sys.argv[2], None, repository="acme/api"))
"""


@asynccontextmanager
async def stopped_in_the_middle(server: GitServer, directory: Path) -> AsyncIterator[int]:
    """Another process whose fetch has come half-way; killed in the end, its git too."""
    server.stalled.clear()
    server.stall_after = 200_000
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FETCH, str(directory), server.url("acme/api")
    )
    try:
        async with asyncio.timeout(60):
            await asyncio.to_thread(server.stalled.wait, 30)
            # What has come so far is on the disk: a pack that nobody has finished.
            while not sum(part.stat().st_size for part in directory.rglob("tmp_pack_*")):
                await asyncio.sleep(0.01)
        yield victim.pid
    finally:
        victim.kill() if victim.returncode is None else None
        await victim.wait()


def gits_of(pid: int) -> list[int]:
    """Its children: each git has a session of its own, so a kill of the process spares them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def large(repository: Repository) -> Repository:
    repository.commit({f"{n}.bin": os.urandom(50_000) for n in range(40)}, "Large")
    return repository


async def check(
    repository: Repository, server: GitServer, directory: Path, orphans: Sequence[int] = ()
) -> None:
    mirrors, url = Mirrors(directory), server.url("acme/api")
    async with asyncio.timeout(60):
        tree = await mirrors.fetch(url, None, repository="acme/api")
        # A git that outlived its process may have written a last time: gone with the next use.
        while any(map(is_alive, orphans)):
            await asyncio.sleep(0.02)
        assert [chunk async for chunk in mirrors.bundle(tree)]
    assert tree.commit == repository.git("rev-parse", "HEAD")
    path = mirrors.path(url)
    run_git(path, "fsck", "--full", "--strict")
    assert sorted(each.name for each in directory.iterdir()) == sorted(
        [path.name, path.with_suffix(".lock").name]
    )
    assert list(path.rglob("tmp_*")) == []
    assert list(path.rglob("*.lock")) == []


@pytest.mark.parametrize("with_git", [True, False])
async def test_in_the_middle_of_building(
    large: Repository, server: GitServer, tmp_path: Path, with_git: bool
) -> None:
    directory = tmp_path / "mirrors"
    async with stopped_in_the_middle(server, directory) as pid:
        gits = gits_of(pid)
        os.kill(pid, signal.SIGKILL)
        for child in gits if with_git else []:
            os.killpg(child, signal.SIGKILL)
    assert len(list(directory.glob("*.new"))) == 1
    assert list(directory.glob("*.git")) == []
    server.stall_after = None
    await check(large, server, directory, gits)


@pytest.mark.parametrize("with_git", [True, False])
async def test_in_the_middle_of_fetching_into_one(
    large: Repository, server: GitServer, tmp_path: Path, with_git: bool
) -> None:
    directory = tmp_path / "mirrors"
    mirrors, url = Mirrors(directory), server.url("acme/api")
    first = await mirrors.fetch(url, None, repository="acme/api")
    large.commit({f"{n}.new": os.urandom(100_000) for n in range(4)}, "Moved")
    async with stopped_in_the_middle(server, directory) as pid:
        gits = gits_of(pid)
        os.kill(pid, signal.SIGKILL)
        for child in gits if with_git else []:
            os.killpg(child, signal.SIGKILL)
    # What was there can be worked with all the while.
    assert [chunk async for chunk in mirrors.bundle(first)]
    server.stall_after = None
    await check(large, server, directory, gits)


async def test_a_fetch_that_is_stopped_leaves_no_half_pack(
    large: Repository, server: GitServer, tmp_path: Path
) -> None:
    mirrors, url = Mirrors(tmp_path / "mirrors"), server.url("acme/api")
    await mirrors.fetch(url, None, repository="acme/api")
    large.commit({f"{n}.new": os.urandom(100_000) for n in range(4)}, "Moved")
    server.stall_after = 200_000
    fetching = asyncio.create_task(mirrors.fetch(url, None, repository="acme/api"))
    async with asyncio.timeout(60):
        while not list(mirrors.path(url).rglob("tmp_pack_*")):
            await asyncio.sleep(0.01)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert list(mirrors.path(url).rglob("tmp_*")) == []
    server.stall_after = None
    await check(large, server, tmp_path / "mirrors")


LOCKS = ("packed-refs.lock", "refs/heads/main.lock", "HEAD.lock", "shallow.lock")


def plant(mirror: Path, *, age: float) -> None:
    """What git leaves when it is killed while it writes refs."""
    for name in LOCKS:
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_text("")
        os.utime(mirror / name, (time.time() - age,) * 2)


async def test_git_cannot_pass_its_own_locks_and_we_can(
    repository: Repository, server: GitServer, tmp_path: Path
) -> None:
    mirrors, url = Mirrors(tmp_path / "mirrors"), server.url("acme/api")
    await mirrors.fetch(url, None, repository="acme/api")
    path = mirrors.path(url)
    repository.commit({"new.py": ""})
    plant(path, age=leftovers.STALE_SECONDS + 1)
    remote = await mirrors._remote(url, None, guarded=False)
    with pytest.raises(SourceError) as caught:
        await remote.fetch_all(path)
    assert ".lock" in caught.value.details
    repository.commit({"newer.py": ""})
    await check(repository, server, tmp_path / "mirrors")


async def test_a_young_lock_is_waited_for(
    repository: Repository, server: GitServer, tmp_path: Path
) -> None:
    """Somebody's git may still be alive: it is given the time that git takes."""
    mirrors, url = Mirrors(tmp_path / "mirrors"), server.url("acme/api")
    await mirrors.fetch(url, None, repository="acme/api")
    repository.commit({"new.py": ""})
    plant(mirrors.path(url), age=0)
    fetching = asyncio.create_task(mirrors.fetch(url, None, repository="acme/api"))
    await asyncio.sleep(0.3)
    assert (mirrors.path(url) / LOCKS[0]).exists()
    assert not fetching.done()
    plant(mirrors.path(url), age=leftovers.STALE_SECONDS + 1)
    await fetching
    await check(repository, server, tmp_path / "mirrors")


async def test_a_remote_that_fails_leaves_the_mirror_usable(
    large: Repository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors, url = Mirrors(tmp_path / "mirrors"), server.url("acme/api")
    await mirrors.fetch(url, None, repository="acme/api")
    large.commit({f"{n}.new": os.urandom(100_000) for n in range(4)}, "Moved")
    server.stall_after = 200_000
    monkeypatch.setattr(remote_module, "_FETCH_SECONDS", 1.0)
    with pytest.raises(SourceError, match="in time"):
        await mirrors.fetch(url, None, repository="acme/api")
    assert list(mirrors.path(url).rglob("tmp_*")) == []
    monkeypatch.undo()
    server.stall_after = None
    await check(large, server, tmp_path / "mirrors")


async def test_what_a_killed_check_of_a_patch_left_goes(tmp_path: Path) -> None:
    for name, age in (("patch-old.tmp", 7200), ("patch-new.tmp", 10)):
        (tmp_path / name / "objects").mkdir(parents=True)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    await leftovers.clear_leftovers(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["patch-new.tmp"]
