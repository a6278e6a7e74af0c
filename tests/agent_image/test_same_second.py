"""A change within the second of the checkout, and of the same size, is still a change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agent_image.agent import edits
from agent_image.agent.patch import _seed


def _git(workspace: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=workspace, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_copied_index_keeps_its_time(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    _git(workspace, "init", "-q")
    (workspace / "a.py").write_text("a - b\n")
    _git(workspace, "add", "-A")
    index = workspace / ".git" / "index"
    os.utime(index, (1000, 1000))
    _seed(str(workspace), str(tmp_path / "copy"))
    assert (tmp_path / "copy").stat().st_mtime == 1000


def test_an_edit_is_seen_by_caches_that_count_seconds(tmp_path: Path) -> None:
    (tmp_path / "value.py").write_text("X = 1\n")
    show = [sys.executable, "-c", "import value; print(value.X)"]
    first = subprocess.run(show, cwd=tmp_path, capture_output=True, text=True, check=True)
    edits.edit(str(tmp_path), "value.py", "X = 1", "X = 2", replace_all=False)
    second = subprocess.run(show, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (first.stdout, second.stdout) == ("1\n", "2\n")
