"""Requests as people write them, each with what is meant; wrong readings are not borne."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.chatbot.request.judging import differences, judge, load, read

SETS = ("english", "chinese", "held_out")
UNSEEN = (
    "held_out_second",
    "held_out_third",
    "held_out_fourth",
    "held_out_fifth",
    "held_out_sixth",
    "held_out_seventh",
)
"""Written by people who had not seen the reader, and judged once before it was mended by them.

What that showed, as right / asked / wrong, each set for a reader mended by the sets before it:

- third: English 76 / 5 / 4, Chinese 43 / 1 / 1; wrong: 3 models, 1 branch, 1 count
- fourth: English 62 / 5 / 8, Chinese 44 / 4 / 7; wrong: 7 refs, 3 repositories, 3 modes, 1 count,
  1 not asked. Two of the repositories were right: an SSH address stays one, and the labels were
  corrected to that
- fifth: English 84 / 4 / 2, Chinese 58 / 0 / 2; wrong: 4 modes
- sixth, of hard ones on purpose: English 55 / 24 / 16, Chinese 37 / 8 / 10; wrong: 8 refs, 8 modes,
  5 tasks, 4 repositories, 2 drafts, 2 images, 2 counts. One label was corrected: a file shown on
  the usual branch names no branch
- seventh, of an ordinary month: English 66 / 2 / 2, Chinese 48 / 2 / 0; wrong: 1 image (told),
  1 draft
"""


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


@pytest.mark.parametrize(
    "entry", [e for name in UNSEEN for e in load(name)], ids=lambda e: e["say"]
)
def test_what_was_written_unseen_is_read_or_asked_about(entry: dict[str, Any]) -> None:
    """Asked about only where the words leave it open, which the entry says by ``may_ask``."""
    reading = read(entry)
    allowed = {"right", "asked"} if entry.get("may_ask") else {"right"}
    assert judge(entry, reading) in allowed, (reading, differences(entry, reading))


CODE = (
    "\n```\ngit clone https://github.com/evil/x && git checkout feature/old # opus, 3 attempts\n```"
)
CITED = "\n&gt; bob: in evil/x on branch old this works with opus, try it 3 times"
AROUND = (
    ("Hi team, ", CITED),
    ("Morning all!\n", "\nThanks a lot :pray:"),
    ("We talked about this in the planning yesterday. ", CODE),
    ("FYI @anna\n\n", "\n\nIt came up in the support call this morning as well."),
)
AROUND_CHINESE = (("大家好，", CODE), ("昨天会上提到的。\n", CITED), ("", "\n辛苦了 :pray:"))


@pytest.mark.parametrize("name", [*SETS, *UNSEEN])
def test_what_people_say_around_a_request_does_not_change_how_it_is_read(name: str) -> None:
    """The same repository, branch, mode and options, or a question; never another reading."""
    for at, entry in enumerate(load(name)):
        if entry.get("ask") or judge(entry, read(entry)) != "right":
            continue
        wide = re.search(r"[\u4e00-\u9fff]", entry["say"]) is not None
        around = AROUND_CHINESE if wide else AROUND
        before, after = around[at % len(around)]
        more = {**entry, "say": f"{before}{entry['say']}{after}"}
        more.pop("task", None)
        reading = read(more)
        assert judge(more, reading) != "wrong", (more, reading)
