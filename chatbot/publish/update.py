"""A task's work brought onto its base branch as it is now, with marks where both do not agree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.models import Run, Task
from chatbot.publish.branch import Signature, Work, make_commit, merge
from chatbot.sources import TaskSources
from sandbox.patch import render_patch
from sandbox.spec import Tree

_LIMIT_BYTES = 64 * 1024**2
"""The run's own limit was lower; this one only guards against a damaged store."""
_NOBODY = Signature(name="Threadsmith", email="threadsmith@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    patch: bytes
    sha256: str
    continues: str | None
    """The published branch's head, which the next commit follows too."""


async def bring_onto(
    task: Task, run: Run, tree: Tree, *, actions: Actions, sources: TaskSources
) -> Brought:
    """The patch from ``tree`` to the work merged with it; ``tree`` is in the mirror."""
    mirror = Path(tree.mirror)
    published = None
    pull_request = task.pull_request
    if pull_request is not None and pull_request.state != "merged":
        published = await sources.fetch(task, await sources.published(task, pull_request))
    continues = published.commit if published else None
    ours = continues
    earlier = await sources.unpublished(task, run)
    if earlier is not None and earlier.patch_sha256 is not None:
        sha256 = earlier.patch_sha256
        patch = await actions.history.read(partial(queries.get_patch, sha256=sha256))
        work = Work(
            mirror=mirror,
            base_commit=earlier.base_commit or "",
            continues=earlier.continues,
            patch=patch,
            patch_sha256=sha256,
            message="Work so far\n",
            author=_NOBODY,
            at=int(run.created_at),
            limit_bytes=_LIMIT_BYTES,
        )
        ours, _ = await make_commit(work)
    if ours is None:
        return Brought(patch=b"", sha256=hashlib.sha256(b"").hexdigest(), continues=None)
    merged, _ = await merge(mirror, tree.commit, ours)
    patch = await render_patch(mirror, tree.commit, merged)
    return Brought(patch=patch, sha256=hashlib.sha256(patch).hexdigest(), continues=continues)
