"""Docker Engine on this host: found, or installed and started where that can be done for the user.

Only an answer of the engine itself counts: a `docker` program on PATH may have none behind it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import closing
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException

from sandbox.commands import CommandFailed, Progress, apt_install, has_apt, run_visibly
from sandbox.engines.connection import connect
from sandbox.errors import EngineUnavailable

DOCKERD_LOG = Path("/var/log/threadsmith-dockerd.log")
SYSTEMD = Path("/run/systemd/system")
"""Exists where systemd is process 1 (sd_booted)."""
LOCAL_SOCKET = "unix:///var/run/docker.sock"

_PACKAGES = ("docker.io", "iproute2", "iptables")
_INSTALLED_SECONDS = 5
"""The package's own scripts may start the engine; this long it may take to answer."""
_START_SECONDS = 60
_DEAD_SECONDS = 5
"""After our dockerd ended, another one that held its place may still come up."""
_POLL_SECONDS = 0.25
_PING_SECONDS = 5
_INSTALL_BY_HAND = "Install Docker Engine (https://docs.docker.com/engine/install/), then retry."


async def ensure_engine(progress: Progress) -> None:
    """Return when a Docker Engine answers; raises EngineUnavailable where none can be had."""
    problem = await engine_problem()
    if problem is None:
        return
    _check_can_start(problem)
    try:
        await apt_install(progress, *_PACKAGES)
        if await _answers_within(_INSTALLED_SECONDS):
            progress("Docker Engine answers")
            return
        if await asyncio.to_thread(SYSTEMD.is_dir):
            progress("Starting Docker Engine with systemd")
            await run_visibly(progress, "systemctl", "enable", "--now", "docker")
            if not await _answers_within(_START_SECONDS):
                raise EngineUnavailable(resolution="See `journalctl -u docker` on the host.")
        else:
            await start_dockerd(progress)
    except CommandFailed as error:
        raise EngineUnavailable(
            "Docker Engine could not be installed or started.", details=str(error)
        ) from error
    progress("Docker Engine answers")


async def engine_problem(base_url: str | None = None) -> str | None:
    """None where an engine answers, else what went wrong."""
    return await asyncio.to_thread(_ping, base_url)


def _ping(base_url: str | None) -> str | None:
    try:
        with closing(connect(base_url, timeout_seconds=_PING_SECONDS)) as client:
            client.ping()
    except EngineUnavailable as error:
        return error.details
    except (DockerException, RequestException) as error:
        return str(error)
    return None


def _check_can_start(problem: str) -> None:
    """Raise where installing and starting an engine would not help, or cannot be done."""
    address = os.environ.get("DOCKER_HOST", "")
    if address not in ("", LOCAL_SOCKET, "unix:///run/docker.sock"):
        raise EngineUnavailable(
            f"DOCKER_HOST is {address}, and no Docker Engine answers there.",
            details=problem,
            resolution="Correct or unset DOCKER_HOST, then retry.",
        )
    if "Permission denied" in problem:
        raise EngineUnavailable(
            "Docker Engine runs, but this user may not use it.",
            details=problem,
            resolution="Add the user to the group `docker` and log in again, or run as root.",
        )
    if not has_apt():
        raise EngineUnavailable(
            "No Docker Engine answers, and this program can install one only on Debian or Ubuntu"
            " as root.",
            details=problem,
            resolution=_INSTALL_BY_HAND,
        )


async def start_dockerd(
    progress: Progress,
    *,
    arguments: tuple[str, ...] = (),
    log: Path = DOCKERD_LOG,
    base_url: str | None = None,
) -> int:
    """Start dockerd in the background, for good, and wait until it answers; its process id."""
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise EngineUnavailable("dockerd is not installed.", resolution=_INSTALL_BY_HAND)
    progress(f"Starting Docker Engine in the background (log: {log})")
    pid = await asyncio.to_thread(_spawn, (program, *arguments), log)
    if await _answers_within(_START_SECONDS, base_url=base_url, pid=pid):
        return pid
    await asyncio.to_thread(_end, pid)
    tail = (await asyncio.to_thread(log.read_text, errors="replace")).splitlines()[-15:]
    raise EngineUnavailable(
        "Docker Engine was started and does not answer.",
        details="\n".join(tail),
        resolution=f"See {log} on the host.",
    )


def _spawn(argv: tuple[str, ...], log: Path) -> int:
    """A session of its own: the engine outlives this program and its terminal."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        argv[0],
        argv,
        {**os.environ, "PATH": path},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _end(pid: int) -> None:
    if not _has_ended(pid):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


async def _answers_within(
    seconds: float,
    *,
    base_url: str | None = None,
    pid: int | None = None,
) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while await engine_problem(base_url) is not None:
        if pid is not None and _has_ended(pid):
            pid, deadline = None, min(deadline, loop.time() + _DEAD_SECONDS)
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
