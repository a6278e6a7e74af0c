"""A container sends a patch that means the host harm: it arrives nowhere, or is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.errors import PatchRefused
from sandbox.patch import check_patch
from sandbox.spec import Tree
from tests.sandbox.trees import make_tree, run_git

LIMIT = 1024**2
WORKFLOW = ".github/workflows/deploy.yml"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    files = {"a.txt": "one\n", "src/app.py": "print('one')\n", WORKFLOW: "on: push\n"}
    return make_tree(tmp_path / "source", files)


def new_file(path: str, content: str = "x", mode: str = "100644") -> bytes:
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1 @@\n+{content}\n\\ No newline at end of file\n"
    ).encode()


HOSTILE = {
    "a hook": new_file(".git/hooks/post-checkout", "touch /tmp/x", "100755"),
    "git's settings": new_file(".git/config", "[core]"),
    "git in another case": new_file(".GIT/hooks/post-checkout"),
    "git as NTFS shortens it": new_file("git~1/hooks/x"),
    "git with what HFS+ leaves out": new_file(".g\u200cit/config"),
    "git in a folder": new_file("sub/.git/config"),
    "git with a stream": new_file(".git::$INDEX_ALLOCATION/x"),
    "climbing out": new_file("../../etc/cron.d/x"),
    "climbing out in the middle": new_file("src/../../x"),
    "an absolute path": new_file("/etc/cron.d/x"),
    "backslashes": new_file("..\\..\\x"),
    "a link to the outside": new_file("link", "/etc/passwd", "120000"),
    "a link that climbs out": new_file("src/link", "../../x", "120000"),
    "a link into git": new_file("link", ".git/hooks", "120000"),
    "a device": new_file("disk", "x", "060644"),
    "a submodule": new_file("sub", "Subproject commit " + "1" * 40, "160000"),
    "a file that becomes a link": (
        b"diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 120000\n"
        b"--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+/etc/shadow\n\\ No newline at end of file\n"
    ),
    "two names for one file": (
        b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/../x\n@@ -1 +1 @@\n-one\n+two\n"
    ),
    "a rename to the outside": (
        b"diff --git a/a.txt b/../x\nsimilarity index 100%\nrename from a.txt\nrename to ../x\n"
    ),
    "a file that is not there": new_file("a.txt"),
    "no patch at all": b"\x00\xff" * 100,
    "a patch with no end": b"diff --git a/a.txt b/a.txt\n@@ -1,99999999 +1,99999999 @@\n",
}


@pytest.mark.parametrize("patch", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_patch_arrives_nowhere(tree: Tree, patch: bytes) -> None:
    before = run_git(Path(tree.mirror), "for-each-ref")
    with pytest.raises(PatchRefused):
        await check_patch(Path(tree.mirror), tree.commit, patch, limit_bytes=LIMIT)
    assert run_git(Path(tree.mirror), "for-each-ref") == before
    assert not (Path(tree.mirror) / "hooks").is_dir() or not list(
        (Path(tree.mirror) / "hooks").glob("post-checkout")
    )


async def test_a_link_made_in_two_steps(tree: Tree) -> None:
    """First a link to a folder outside, then a file through it."""
    patch = new_file("door", "/tmp", "120000") + new_file("door/through")
    with pytest.raises(PatchRefused):
        await check_patch(Path(tree.mirror), tree.commit, patch, limit_bytes=LIMIT)


async def test_a_hidden_rename_is_told(tree: Tree) -> None:
    """A workflow slips away under another name: both names are told, and it is sensitive."""
    patch = (
        f"diff --git a/{WORKFLOW} b/notes.txt\nsimilarity index 100%\n"
        f"rename from {WORKFLOW}\nrename to notes.txt\n"
    ).encode()
    summary = await check_patch(Path(tree.mirror), tree.commit, patch, limit_bytes=LIMIT)
    shown = str(summary.to_json())
    assert WORKFLOW in shown
    assert "notes.txt" in shown
    assert any(file.sensitive for file in summary.files)


@pytest.mark.parametrize("path", [WORKFLOW, "CODEOWNERS", ".github/CODEOWNERS", "setup.sh"])
async def test_sensitive_files_are_named(tree: Tree, path: str) -> None:
    if path == WORKFLOW:
        patch = (
            f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
            "@@ -1 +1 @@\n-on: push\n+on: pull_request_target\n"
        ).encode()
    else:
        patch = new_file(path)
    summary = await check_patch(Path(tree.mirror), tree.commit, patch, limit_bytes=LIMIT)
    assert [(file.path, file.sensitive) for file in summary.files] == [(path, True)]


async def test_a_patch_that_unfolds_without_end(tree: Tree, tmp_path: Path) -> None:
    """A megabyte of zeros packs to a kilobyte; a thousand of them do not arrive."""
    work = tmp_path / "source" / "work"
    (work / "big.bin").write_bytes(bytes(150 * 1024**2))
    run_git(work, "add", "big.bin")
    done = subprocess.run(
        ["git", "-C", work, "diff", "--binary", "--cached"], capture_output=True, check=True
    )
    assert len(done.stdout) < LIMIT
    with pytest.raises(PatchRefused):
        await check_patch(Path(tree.mirror), tree.commit, done.stdout, limit_bytes=LIMIT)
