"""Which of people's messages reached the model."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.recorder import Recorder


async def deliver(recorder: Recorder, ids: Sequence[int], *, turn: int) -> None:
    """Mark what the run's inbox really held: a container may name any id."""
    if not ids:
        return
    waiting = await recorder.inbox(0, wait_seconds=0)
    known = {item.id for item in waiting if item.kind == "message"}
    if found := [id_ for id_ in dict.fromkeys(ids) if id_ in known]:
        await recorder.delivered(found, turn=turn)
