"""Programs of the host that set-up runs, with their output shown as it comes."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import cast

Progress = Callable[[str], None]

_TAIL_LINES = 20
_STOP_SECONDS = 10.0


class CommandFailed(Exception):
    """A program of the host could not be started, or ended with an error."""

    def __init__(self, argv: tuple[str, ...], code: int | None, tail: str) -> None:
        self.argv = argv
        self.code = code
        self.tail = tail
        super().__init__(f"`{' '.join(argv)}` failed ({code}):\n{tail}")


async def run_visibly(progress: Progress, *argv: str, indent: str = "    ") -> None:
    """Run a program, give each line it prints to ``progress``; raises CommandFailed."""
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
        )
    except OSError as error:
        raise CommandFailed(argv, None, str(error)) from error
    lines = cast("asyncio.StreamReader", process.stdout)
    try:
        async for raw in lines:
            line = raw.decode(errors="replace").rstrip()
            if line:
                tail.append(line)
                progress(indent + line)
        code = await process.wait()
    finally:
        await _end(process)
    if code:
        raise CommandFailed(argv, code, "\n".join(tail))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask first: apt and debootstrap undo their locks and mounts when asked to stop."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def has_apt() -> bool:
    """Whether packages can be installed here: Debian or Ubuntu, as root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


async def apt_install(progress: Progress, *packages: str) -> None:
    """Install packages of the distribution; those that are there already cost nothing."""
    missing = [name for name in packages if not await _is_installed(name)]
    if not missing:
        return
    progress(f"Installing {', '.join(missing)} with apt")
    await run_visibly(progress, "apt-get", "-q", "update")
    await run_visibly(
        progress, "apt-get", "-q", "-y", "--no-install-recommends", "install", "--", *missing
    )


async def _is_installed(package: str) -> bool:
    listing = await asyncio.to_thread(_status_of, package)
    return listing == "installed"


def _status_of(package: str) -> str:
    """Read dpkg's own record: no program to start, and the same answer."""
    record = Path("/var/lib/dpkg/status")
    if not record.exists():
        return ""
    wanted = f"Package: {package}\n"
    for paragraph in record.read_text(errors="replace").split("\n\n"):
        if paragraph.startswith(wanted):
            words = paragraph.partition("\nStatus: ")[2].partition("\n")[0].split()
            return words[-1] if words else ""
    return ""
