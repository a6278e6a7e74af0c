"""Which status may follow which, and ids that sort."""

from __future__ import annotations

import itertools

import pytest

from chatbot.models import (
    ALIVE,
    DEADLINE_SECONDS,
    FINAL,
    TRANSITIONS,
    Status,
    TransitionRefused,
    check_transition,
    make_id,
)

ALLOWED = {
    "queued": "preparing ready failed stopped",
    "preparing": "queued waiting running ready failed stopped",
    "running": "queued waiting ready done failed stopped",
    "waiting": "queued running ready failed stopped",
    "ready": "queued publishing done stopped",
    "publishing": "ready done failed",
    "done": "queued ready",
    "failed": "queued",
    "stopped": "queued",
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)))
def test_transition_is_refused_unless_the_table_has_it(old: Status, new: Status) -> None:
    if new.value in ALLOWED[old.value].split():
        check_transition(old, new)
    else:
        with pytest.raises(TransitionRefused, match=f"{old} cannot become {new}"):
            check_transition(old, new)


def test_every_status_that_is_not_final_has_a_deadline_and_a_way_out() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert set(DEADLINE_SECONDS) == set(Status) - FINAL
    for status in set(Status) - FINAL:
        assert FINAL & TRANSITIONS[status], status
    assert not ALIVE & FINAL


def test_ids_sort_by_time_and_never_meet() -> None:
    early = [make_id("t", now=1000.0 + n / 1000) for n in range(500)]
    assert early == sorted(early)
    same = {make_id("t", now=1000.0) for _ in range(2000)}
    assert len(same) == 2000
    assert {len(value) for value in same} == {17}
