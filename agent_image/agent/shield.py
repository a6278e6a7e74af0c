"""Keeps the gateway token from the commands that the agent runs."""

from __future__ import annotations

import os
import sys

_TOKEN = "THREADSMITH_TOKEN"
_PR_SET_DUMPABLE = 4
# Fields of /proc/<pid>/stat after the command's name: where its first environment lies.
_ENV_START, _ENV_END = 47, 48


def take_token() -> str:
    """Read the token and remove it from wherever another process could find it."""
    token = os.environ.pop(_TOKEN, "")
    _blot_out("self")
    if os.getppid() == 1:
        _blot_out("1")  # the container's init was given the same environment
    hide_memory()
    return token


def _blot_out(process: str) -> None:
    """Overwrite the token where the kernel keeps showing it: in /proc/<pid>/environ."""
    try:
        with open("/proc/{}/stat".format(process), "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
        with open("/proc/{}/mem".format(process), "r+b", buffering=0) as memory:
            memory.seek(start)
            lines = memory.read(end - start).split(b"\0")
            for line in lines:
                if line.startswith(_TOKEN.encode() + b"="):
                    memory.seek(start)
                    memory.write(b"-" * len(line))
                start += len(line) + 1
    except (OSError, ValueError, LookupError) as error:
        print("the token stays in process", process, "-", error, file=sys.stderr)


def hide_memory() -> None:
    """Close this process's memory and tracing to other processes of the same user."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError) as error:
        print("the agent's memory is not hidden:", error, file=sys.stderr)


def command_environment(home: str) -> dict[str, str]:
    """What commands see: nothing of ours, and no program that waits for a key to be pressed."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("THREADSMITH_")}
    kept.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    kept.setdefault("LANG", "C.UTF-8")
    kept.update(
        # Python takes a compiled file for current by its second and size: an edit right after a
        # test run would go unnoticed.
        PYTHONDONTWRITEBYTECODE="1",
        HOME=home,
        TERM="dumb",
        NO_COLOR="1",
        PAGER="cat",
        GIT_PAGER="cat",
        GIT_EDITOR="true",
        GIT_TERMINAL_PROMPT="0",
    )
    return kept
