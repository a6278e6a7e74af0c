"""Keeps the gateway token from the commands that the agent runs."""

from __future__ import annotations

import os
import sys

_PR_SET_DUMPABLE = 4


def take_token() -> str:
    """Read the token and remove it from this process's environment."""
    _hide_memory()
    return os.environ.pop("THREADSMITH_TOKEN", "")


def _hide_memory() -> None:
    """Close /proc/<pid>/environ, memory and tracing to other processes of the same user.

    The kernel keeps the first environment readable there whatever `os.environ` holds by now.
    """
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
