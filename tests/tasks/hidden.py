"""The hidden checks: on a tree of the host's own, with the patch applied, in a sealed container."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tasks.packages import lay
from tests.tasks.working_task import WorkingTask

SECONDS = 120
_SEALED = (
    *("--network", "none", "--user", "1000:1000", "--cap-drop", "ALL", "--read-only"),
    *("--security-opt", "no-new-privileges", "--memory", "1g", "--pids-limit", "256", "--rm"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    passed: bool
    said: str = ""
    """The end of what the check printed."""


def check(
    task: WorkingTask, files: dict[str, bytes], *, patch: bytes, directory: Path, image: str
) -> Checked:
    """Whether the task is done by that patch. ``directory`` is an empty one, to be used up."""
    tree = directory / "tree"
    lay(files, tree)
    if patch:
        command = ["git", "-C", str(tree), "apply", "--whitespace=nowarn"]
        applied = subprocess.run(command, input=patch, capture_output=True, check=False)
        if applied.returncode:
            return Checked(passed=False, said=applied.stderr.decode(errors="replace")[-2000:])
    (directory / "check.py").write_text(task.check)
    name = f"threadsmith-check-{directory.name}-{task.name}"
    try:
        done = subprocess.run(
            [
                *("docker", "run", "--name", name, *_SEALED),
                *("--volume", f"{directory}:/check:ro", "--workdir", "/tmp"),
                *("--env", f"PYTHONPATH=/check/tree/{task.source}", image),
                *("python3", "-B", "/check/check.py"),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
        return Checked(passed=False, said=f"The check took more than {SECONDS} seconds.")
    return Checked(passed=done.returncode == 0, said=(done.stdout + done.stderr)[-2000:])
