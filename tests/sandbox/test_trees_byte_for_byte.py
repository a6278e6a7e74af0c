"""Any tree before, any tree after: made in a real workspace, it arrives in the commit as it was.

The patch is made by the agent program's own code, checked and applied by the host's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_image.agent.patch import make_patch
from agent_image.agent.places import Places
from sandbox.patch import check_patch

ODD = ["a b", "ü", "文", 'q"uote', "back\\slash", "new\nline", "tab\t", "-dash", "x'y", "a", "b"]
NAMES = st.sampled_from([*ODD, "deep/er/x", "deep/y", "deep/文/z", ".hidden", "CRLF.txt"])
CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"\n", b"a\r\nb\r\n", b"no end", b"\0\1\2" * 50, b"line\n" * 40, b"\xff\xfe"]
    ),
)
ENTRIES = st.one_of(
    st.tuples(st.just("file"), CONTENTS),
    st.tuples(st.just("program"), CONTENTS),
    st.tuples(st.just("link"), st.sampled_from(["a", "deep/y", "../x", "nowhere"])),
)
TREES = st.dictionaries(NAMES, ENTRIES, max_size=8)
Tree = dict[str, tuple[str, Any]]


def lay(workspace: Path, tree: Tree) -> Tree:
    """Write the tree in the place of what is there; answers what of it could be laid."""
    for path in workspace.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    laid: Tree = {}
    for name, (kind, content) in tree.items():
        path = workspace / name
        if kind == "link" and (name.startswith("deep") or content.startswith("..")):
            content = "a"  # one that stays inside
        if any(str(parent) in laid for parent in Path(name).parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(content)
        else:
            path.write_bytes(content)
            path.chmod(0o755 if kind == "program" else 0o644)
        laid[name] = (kind, content)
    return laid


def git(directory: Path, *arguments: str) -> bytes:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def read(mirror: Path, tree: str) -> Tree:
    found: Tree = {}
    listing = git(mirror, "ls-tree", "-r", "-z", tree).split(b"\0")
    for line in listing:
        if line:
            head, _, path = line.partition(b"\t")
            mode, _, blob = head.decode().split()
            content = git(mirror, "cat-file", "blob", blob)
            kind = {"100644": "file", "100755": "program", "120000": "link"}[mode]
            found[path.decode()] = (kind, content.decode() if kind == "link" else content)
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES)
def test_every_tree_arrives_byte_for_byte(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        workspace, scratch, mirror = root / "workspace", root / "scratch", root / "mirror.git"
        workspace.mkdir()
        scratch.mkdir()
        git(workspace, "init", "-q", "-b", "main")
        lay(workspace, before)
        git(workspace, "add", "-A", "-f")
        git(workspace, "commit", "-q", "--allow-empty", "-m", "before")
        base = git(workspace, "rev-parse", "HEAD").decode().strip()
        git(root, "clone", "-q", "--bare", str(workspace), str(mirror))
        laid = lay(workspace, after)
        places = Places(workspace=str(workspace), scratch=str(scratch), home=str(root))
        patch = make_patch(places, base, limit_bytes=10**7)
        assert not patch.notes
        summary = asyncio.run(check_patch(mirror, base, patch.data, limit_bytes=10**7))
        assert read(mirror, summary.tree) == laid
        assert all(stat.S_IMODE(os.lstat(workspace / name).st_mode) for name in laid)
