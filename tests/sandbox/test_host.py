"""Set-up of the host: finding and starting Docker Engine, apt sources, programs."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import docker
import pytest

from sandbox import host
from sandbox.base_image import host_sources
from sandbox.commands import CommandFailed, run_visibly
from sandbox.errors import EngineUnavailable
from sandbox.host import engine_problem, ensure_engine, start_dockerd
from tests.sandbox.test_git import is_gone


class Lines(list[str]):
    """A progress that keeps what it is told."""

    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.mark.docker
async def test_engine_that_answers_is_left_alone(docker_client: docker.DockerClient) -> None:
    lines = Lines()
    await ensure_engine(lines)
    assert lines == []


async def test_docker_host_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    lines = Lines()
    with pytest.raises(EngineUnavailable, match="DOCKER_HOST") as caught:
        await ensure_engine(lines)
    assert f"{tmp_path}/none.sock" in caught.value.brief
    assert lines == []


async def test_a_docker_program_without_an_engine_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, "docker", "echo Docker version 28.2.2")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert await engine_problem(f"unix://{tmp_path}/none.sock") is not None


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("[Errno 13] Permission denied", "this user may not use it"),
        ("[Errno 2] No such file or directory", "only on Debian or Ubuntu as root"),
    ],
)
def test_what_cannot_be_done_here_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, problem: str, words: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(host, "has_apt", lambda: False)
    with pytest.raises(EngineUnavailable, match=words) as caught:
        host._check_can_start(problem)
    assert caught.value.resolution
    assert "\n" not in caught.value.brief


async def test_dockerd_that_ends_shows_the_tail_of_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, "dockerd", 'seq 100; echo "failed to start daemon: $1" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(host, "_DEAD_SECONDS", 0.2)
    lines = Lines()
    with pytest.raises(EngineUnavailable) as caught:
        await start_dockerd(
            lines,
            arguments=("--odd",),
            log=tmp_path / "log",
            base_url=f"unix://{tmp_path}/none.sock",
        )
    shown = caught.value.details.splitlines()
    assert (len(shown), shown[0], shown[-1]) == (15, "87", "failed to start daemon: --odd")
    assert str(tmp_path / "log") in caught.value.resolution
    assert len(lines) == 1


async def test_dockerd_that_stays_silent_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, "dockerd", f"echo $$ > {tmp_path}/pid; exec sleep 300")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(host, "_START_SECONDS", 0.5)
    with pytest.raises(EngineUnavailable):
        await start_dockerd(Lines(), log=tmp_path / "log", base_url=f"unix://{tmp_path}/none.sock")
    assert is_gone(int((tmp_path / "pid").read_text()))


async def test_dockerd_outlives_this_program_once_it_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stand-in that answers as the engine does, in a session of its own."""
    program(tmp_path, "dockerd", f"exec sleep 300 > {tmp_path}/out")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    async def answers(_base_url: str | None = None) -> str | None:
        return None if (tmp_path / "out").exists() else "not yet"

    monkeypatch.setattr(host, "engine_problem", answers)
    pid = await start_dockerd(Lines(), log=tmp_path / "log")
    try:
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_sources_of_the_host(tmp_path: Path) -> None:
    assert host_sources(tmp_path) == {"bookworm": "http://deb.debian.org/debian"}
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
        "deb-src http://mirror.example/debian bookworm-updates main\n"
        "deb https://secure.example/debian-security bookworm-security main\n"
    )
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "debian.sources").write_text(
        "Types: deb\nURIs: http://deb.example/debian\nSuites: bookworm-updates trixie\n"
        "Components: main\n\nTypes: deb\nURIs: http://deb.example/x\nSuites: bookworm\n"
        "Components: contrib\n"
    )
    assert host_sources(tmp_path) == {
        "bookworm": "http://mirror.example/debian",
        "bookworm-updates": "http://deb.example/debian",
    }


async def test_programs_show_what_they_print() -> None:
    lines = Lines()
    await run_visibly(lines, "sh", "-c", "echo one; echo; echo two >&2")
    assert lines == ["    one", "    two"]


async def test_failed_program_keeps_its_last_words() -> None:
    with pytest.raises(CommandFailed) as caught:
        await run_visibly(Lines(), "sh", "-c", "seq 30; exit 3")
    assert caught.value.code == 3
    assert caught.value.tail.splitlines() == [str(number) for number in range(11, 31)]
    with pytest.raises(CommandFailed, match="no-such-program"):
        await run_visibly(Lines(), "no-such-program")


async def test_cancelled_program_is_asked_to_stop(tmp_path: Path) -> None:
    lines = Lines()
    script = f"trap 'touch {tmp_path}/asked; kill $!; exit' TERM; sleep 300 & echo up; wait"
    task = asyncio.create_task(run_visibly(lines, "sh", "-c", script))
    while not lines:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tmp_path / "asked").exists()


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
