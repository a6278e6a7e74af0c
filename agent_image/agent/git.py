"""Git in the workspace: its repository named outright, no hook, no setting but the tree's own."""

from __future__ import annotations

import os
import subprocess
from typing import BinaryIO, Dict, Optional

_SECONDS = 600.0
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "gc.auto=0"),
    *("-c", "transfer.unpackLimit=1"),
    *("-c", "core.bigFileThreshold=16m"),
    *("-c", "advice.addEmbeddedRepo=false"),
    *("-c", "init.defaultBranch=work"),
)


class GitFailed(Exception):
    """A git command ended with an error; the text is what it said."""


def git(
    workspace: str,
    *args: str,
    stdin: Optional[bytes] = None,
    index: Optional[str] = None,
    output: Optional[BinaryIO] = None,
) -> bytes:
    """Run git and answer what it printed; ``index`` replaces the repository's own."""
    place = (
        "--git-dir=" + os.path.join(workspace, ".git"),
        "--work-tree=" + workspace,
    )
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *place, *args],
            cwd=workspace,
            env=_environment(index),
            input=stdin if stdin is not None else b"",
            stdout=output if output is not None else subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise GitFailed("git {} took too long".format(args[0])) from None
    except OSError as error:
        raise GitFailed("git cannot be started: {}".format(error)) from error
    if done.returncode != 0:
        raise GitFailed(done.stderr.decode(errors="replace").strip()[-4000:])
    return done.stdout or b""


def _environment(index: Optional[str]) -> Dict[str, str]:
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("GIT_", "THREADSMITH_")) and name != "XDG_CONFIG_HOME"
    }
    kept.update(
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_TERMINAL_PROMPT="0",
        GIT_OPTIONAL_LOCKS="0",
        HOME="/nonexistent",
        LC_ALL="C",
    )
    if index is not None:
        kept["GIT_INDEX_FILE"] = index
    return kept
