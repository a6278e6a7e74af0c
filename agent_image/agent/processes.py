"""Ends a command with everything it started, even what left its process group."""

from __future__ import annotations

import os
import signal
import time
from typing import FrozenSet, Iterable, Iterator, Set

MARK = "THREADSMITH_COMMAND"
"""A variable in each command's environment; its descendants inherit the value."""
_CHASE_SECONDS = 10.0
"""For what is another process at each look; the container's end is its end too."""
_PIDS = ("/sys/fs/cgroup", "/sys/fs/cgroup/pids")
_CROWD = 0.8


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
    deadline = time.monotonic() + _CHASE_SECONDS
    while time.monotonic() < deadline:
        halted: Set[int] = set()
        goes_on = True
        while goes_on and time.monotonic() < deadline:
            goes_on = False
            for pid in _find(mark, group):
                if pid not in halted:  # at once: at the end of the look it may be another
                    _send(pid, signal.SIGSTOP)
                    halted.add(pid)
                    goes_on = True
        if not halted:
            break
        for pid in halted:
            _send(pid, signal.SIGKILL)
        time.sleep(0.01)
    # What was killed counts until it is reaped, and nothing can be started before.
    while is_crowded() and time.monotonic() < deadline:
        time.sleep(0.01)


def is_crowded() -> bool:
    """Whether the container's bound on processes is near: what comes next may not be started."""
    for folder in _PIDS:
        try:
            with open(os.path.join(folder, "pids.max")) as most:
                with open(os.path.join(folder, "pids.current")) as current:
                    return int(current.read()) >= _CROWD * int(most.read())
        except (OSError, ValueError):
            pass  # another version of cgroups, or no bound
    return False


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _find(mark: str, sessions: FrozenSet[int]) -> Iterator[int]:
    sought = "{}={}".format(MARK, mark).encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/{}/environ".format(name), "rb") as file:
                is_marked = any(line.startswith(sought) for line in file.read().split(b"\0"))
            if is_marked or (sessions and os.getsid(int(name)) in sessions):
                yield int(name)
        except OSError:
            pass  # it ended, or is not ours
