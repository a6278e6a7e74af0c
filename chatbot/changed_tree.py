"""What a task on an uploaded archive gives back: the whole tree with its change, as a zip."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from sqlite_utils import Database

from chatbot.history import queries
from chatbot.history.store import History
from chatbot.models import Task
from sandbox.sources.tree_zip import write_tree_zip
from sandbox.spec import RunSpec


def has_changed_tree(task: Task) -> bool:
    """A repository has its pull request; an archive has nothing but this."""
    return task.source.kind == "zip" and task.patch_sha256 is not None


async def write_changed_tree(history: History, task_id: str, target: Path) -> bool:
    """Write the zip; False where the task has none. Raises SourceError."""

    def look(db: Database) -> tuple[RunSpec, bytes] | None:
        task = queries.get_task(db, task_id)
        if not has_changed_tree(task) or task.patch_sha256 is None:
            return None
        runs = [run for run in queries.task_runs(db, task_id) if run.spec is not None]
        made = [run for run in runs if run.patch_sha256 == task.patch_sha256] or runs
        if not made or made[-1].spec is None:
            return None
        return RunSpec.from_json(made[-1].spec), queries.get_patch(db, task.patch_sha256)

    found = await history.read(look)
    if found is None:
        return False
    spec, patch = found
    await write_tree_zip(spec.tree, patch, target)
    return True


async def read_changed_tree(history: History, task_id: str) -> bytes | None:
    """The zip's bytes; None where the task has none."""
    with tempfile.TemporaryDirectory(prefix="threadsmith-tree-") as directory:
        target = Path(directory) / "tree.zip"
        if not await write_changed_tree(history, task_id, target):
            return None
        return await asyncio.to_thread(target.read_bytes)
