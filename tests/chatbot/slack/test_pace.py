"""However many run and wait, the edits of a minute are as many as Slack takes."""

from __future__ import annotations

import pytest

from chatbot.cited import Places
from chatbot.slack import pace
from chatbot.slack.slots import Kind, Slot
from chatbot.slack.view import Result, RunView
from chatbot.verified import read_verified

SLACK_TAKES = 50


@pytest.fixture(autouse=True)
def _quick_edits() -> None:
    """As Slack would have them: these tests wait for nothing."""


def make(kind: Kind, **run: object) -> Slot:
    values: dict[str, object] = {"id": "r_1", "number": 1, "seq": 1, **run}
    return Slot(key=f"{kind}:r_1", kind=kind, seq=1, run=RunView(**values))  # type: ignore[arg-type]


LIVE = make("progress", prepared_at=1.0)
WAITING = make("accepted", position=3)
WAITING_FOLLOW_UP = make("progress", position=3)


def seconds(slot: Slot, live: int, waiting: int) -> float:
    return pace.pace(slot, live=live, waiting=waiting)


@pytest.mark.parametrize("waiting", [0, 1, 5, 100, 1000])
@pytest.mark.parametrize("live", [0, 1, 2, 8, 32])
def test_all_together_keep_the_rate(live: int, waiting: int) -> None:
    for slot in (WAITING, WAITING_FOLLOW_UP):
        per_minute = live * 60 / seconds(LIVE, live, waiting)
        per_minute += waiting * 60 / seconds(slot, live, waiting)
        assert per_minute <= SLACK_TAKES


def test_a_single_run_is_shown_as_often_as_slack_lets_it() -> None:
    assert seconds(LIVE, 1, 0) == seconds(LIVE, 2, 100) == 3.0
    assert seconds(LIVE, 8, 100) == 12.0


def test_an_end_and_what_people_press_wait_for_nobody() -> None:
    words = {"title": "", "summary": "", "claimed": "", "answer": "", "stage": "", "brief": ""}
    result = Result(
        **words,
        outcome="nothing",
        verified=read_verified({}),
        findings=(),
        places=Places(),
        patch_sha256=None,
        resolution="",
    )
    ended = make("progress", prepared_at=1.0, finished_at=2.0, result=result)
    assert seconds(ended, 32, 1000) == 3.0
    assert seconds(Slot(key="gate:a", kind="gate", seq=1), 32, 1000) == 3.0
