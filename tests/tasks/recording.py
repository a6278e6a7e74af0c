"""Replies for the working tasks, so that they also run without a model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.end_to_end.stage import Json, call, finish, say, write_replies
from tests.tasks.working_task import WorkingTask


def record(path: Path, tasks: Iterable[WorkingTask]) -> str:
    """Write one recording for all of them; answers the model's name."""
    return write_replies(path, {f"Repository: {task.name}.zip": replies(task) for task in tasks})


def replies(task: WorkingTask) -> list[list[Json]]:
    """Look, mend, try, finish: as a model goes about it that knows where to look."""
    edits = [
        call("edit", path=change.path, old=change.wrong, new=change.right)
        for change in task.changes
        if not change.hidden
    ]
    path = task.changes[0].path
    return [
        [say("I look at the place first."), call("bash", command=f"wc -l {path}; git status -sb")],
        edits,
        [call("bash", command=task.test)],
        [finish(f"{task.name}: done", claimed=f"`{task.test}` passed", checks=[task.test])],
    ]
