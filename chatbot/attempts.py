"""Several attempts at one request: which of a task's runs they are, and how far they have come."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.models import Run, Status, Task


def count_attempts(asked: int, allowed: int, mode: str) -> tuple[int, tuple[str, ...]]:
    """How many are made, and what people have to know where it is not as they asked."""
    if asked > 1 and mode != "change":
        return 1, ("One answer is given: several attempts are made at changes only.",)
    if asked > allowed:
        made = "One attempt is" if allowed == 1 else f"{allowed} attempts are"
        return allowed, (f"{made} made: {asked} are more than is allowed here.",)
    return asked, ()


_ASKED = (
    "This is attempt {} of {}: each is made by itself, from the same commit, and people choose "
    "one. Do it the way that you find best."
)
"""Without it a model that answers alike to like words would do the same again."""


def asked_of(task: Task, run: Run) -> str:
    """What the agent is asked."""
    if run.attempt is None:
        return run.request
    return f"{run.request}\n\n{_ASKED.format(run.attempt, task.attempts)}"


def newest_attempts(runs: Sequence[Run]) -> list[Run]:
    """Those made of the request as it was begun last, in order; empty where there is only one."""
    found: list[Run] = []
    for run in runs:
        if run.attempt == 1:
            found = []
        if run.attempt is not None:
            found.append(run)
    return found


def can_be_chosen(run: Run) -> bool:
    """Whether it ended with a change; what a stop or a failure left behind is not whole."""
    return run.outcome == "patch" and run.patch_sha256 is not None


def is_none_chosen(runs: Sequence[Run]) -> bool:
    """Whether all attempts have ended, and the task has not gone on from any."""
    found = newest_attempts(runs)
    is_over = bool(found) and found[-1].id == runs[-1].id and found[-1].finished_at is not None
    return is_over and all(run.is_aside for run in found)


def is_undecided(task: Task, runs: Sequence[Run]) -> bool:
    """Whether a person has to choose one."""
    return task.status == Status.READY and is_none_chosen(runs)
