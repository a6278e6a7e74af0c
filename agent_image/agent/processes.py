"""Ends a command with everything it started, even what left its process group."""

from __future__ import annotations

import os
import signal
import time
from typing import FrozenSet, Iterable, List, Set

MARK = "THREADSMITH_COMMAND"
"""A variable in each command's environment; its descendants inherit the value."""
_PASSES = 5
_CHASE_SECONDS = 1.0
"""For what is another process at each look; the container's end is its end too."""


def find_shell() -> str:
    """Bash where the image has it, else any POSIX shell."""
    for folder in os.environ.get("PATH", "/usr/bin:/bin").split(":"):
        path = os.path.join(folder, "bash")
        if os.access(path, os.X_OK):
            return path
    return "/bin/sh"


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_rest(mark: str, sessions: Iterable[int] = ()) -> None:
    """Kill every process whose mark begins so, or that is of these sessions.

    First all of them are halted, again and again, for what they started meanwhile: what is halted
    starts nothing, so that a fork bomb comes to its end too.
    """
    group = frozenset(sessions)
    for _ in range(_PASSES):
        halted: Set[int] = set()
        deadline = time.monotonic() + _CHASE_SECONDS
        while time.monotonic() < deadline:
            new = set(_find(mark, group)) - halted
            if not new:
                break
            _send(new, signal.SIGSTOP)
            halted |= new
        if not halted:
            return
        _send(halted, signal.SIGKILL)
        time.sleep(0.01)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def _find(mark: str, sessions: FrozenSet[int]) -> List[int]:
    sought = "{}={}".format(MARK, mark).encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/{}/environ".format(name), "rb") as file:
                is_marked = any(line.startswith(sought) for line in file.read().split(b"\0"))
            if is_marked or (sessions and os.getsid(int(name)) in sessions):
                found.append(int(name))
        except OSError:
            pass  # it ended, or is not ours
    return found
