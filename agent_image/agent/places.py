"""Where a run's things are in the container."""

from __future__ import annotations

import os
from typing import NamedTuple


class Places(NamedTuple):
    workspace: str
    home: str
    scratch: str
    """Ours alone: scripts, long outputs, the index of the patch."""


def make_places() -> Places:
    home = os.environ.get("THREADSMITH_HOME") or os.environ.get("HOME") or "/home/agent"
    workspace = os.environ.get("THREADSMITH_WORKSPACE", "/workspace")
    folder = "threadsmith-" + os.urandom(6).hex()
    scratch = os.path.join(os.environ.get("TMPDIR") or "/tmp", folder)
    os.mkdir(scratch, 0o700)
    return Places(workspace, home, scratch)
