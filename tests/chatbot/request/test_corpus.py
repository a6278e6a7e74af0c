"""Requests as people write them, each with what is meant; wrong readings are not borne."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chatbot.request.judging import differences, judge, load, read

SETS = ("english", "chinese", "held_out")


@pytest.mark.parametrize("entry", [e for name in SETS for e in load(name)], ids=lambda e: e["say"])
def test_the_corpus_is_read_as_it_is_meant(entry: dict[str, Any]) -> None:
    reading = read(entry)
    assert judge(entry, reading) == "right", (reading, differences(entry, reading))


def test_no_request_stands_in_the_corpus_twice() -> None:
    said = [
        (e["say"], e.get("default"), e.get("known"), str(e.get("keywords")))
        for name in SETS
        for e in load(name)
    ]
    assert len(said) == len(set(said)) >= 150


@pytest.mark.parametrize("entry", load("held_out_second"), ids=lambda e: e["say"])
def test_what_was_written_unseen_is_read_or_asked_about(entry: dict[str, Any]) -> None:
    reading = read(entry)
    assert judge(entry, reading) != "wrong", (reading, differences(entry, reading))
