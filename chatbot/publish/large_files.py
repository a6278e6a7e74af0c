"""Files kept in Git LFS: a commit of ours may move their pointers, never put the content itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from chatbot.publish.errors import PublishFailed
from sandbox.git import git
from sandbox.patch import PatchSummary

_POINTER = b"version https://git-lfs.github.com/spec/"


async def check_large_files(mirror: Path, base_commit: str, summary: PatchSummary) -> None:
    """Raise PublishFailed where a file that belongs in LFS would be committed as it is."""
    paths = [file.path for file in summary.files if file.change != "deleted"]
    with tempfile.TemporaryDirectory(prefix="threadsmith-index-") as directory:
        env = {"GIT_INDEX_FILE": str(Path(directory) / "index")}
        await git("read-tree", summary.tree, git_dir=mirror, env=env)
        output = await git(
            *("check-attr", "--cached", "-z", "--stdin", "filter"),
            git_dir=mirror,
            env=env,
            stdin="".join(f"{path}\0" for path in paths).encode(),
        )
    fields = output.decode(errors="replace").split("\0")
    kept = [path for path, value in zip(fields[::3], fields[2::3], strict=False) if value == "lfs"]
    for path in kept:
        head = await git("cat-file", "blob", f"{summary.tree}:{path}", git_dir=mirror)
        if not head.startswith(_POINTER):
            raise PublishFailed(
                f"`{path}` is kept in Git LFS, which Threadsmith cannot write to.",
                details=f"on {base_commit}",
                resolution="Ask for the change without that file, and add the file by hand.",
            )
