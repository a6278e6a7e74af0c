"""Places that an answer names: which become links, and to where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatbot.cited import Places, find_paths, page_of, read_places
from chatbot.models import Source
from chatbot.places import with_places
from sandbox.recorder import Outcome
from tests.chatbot.slack.stories import make_task
from tests.sandbox.trees import make_tree

BASE = "https://forge/acme/api/blob/c0ffee"
PLACES = Places(BASE, frozenset({"src/a.py", "__init__.py", ".github/ci.yml"}))


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("See src/a.py:3.", f"See [`src/a.py:3`]({BASE}/src/a.py#L3)."),
        ("(`src/a.py:3-9`)", f"([`src/a.py:3-9`]({BASE}/src/a.py#L3-L9))"),
        ("__init__.py:1, then", f"[`__init__.py:1`]({BASE}/__init__.py#L1), then"),
        (".github/ci.yml:2", f"[`.github/ci.yml:2`]({BASE}/.github/ci.yml#L2)"),
        ("other/a.py:3", "other/a.py:3"),
        ("localhost:8080 and a:1", "localhost:8080 and a:1"),
        ("/src/a.py:3", "/src/a.py:3"),
        ("src/a.py:3:14", "src/a.py:3:14"),
        ("https://x/src/a.py:3", "https://x/src/a.py:3"),
        ("[here](src/a.py:3)", "[here](src/a.py:3)"),
        ("`cat src/a.py:3`", "`cat src/a.py:3`"),
        ("```\nsrc/a.py:3\n```\n", "```\nsrc/a.py:3\n```\n"),
        ("```\nsrc/a.py:3\nnever closed", "```\nsrc/a.py:3\nnever closed"),
    ],
)
def test_places_become_links_and_nothing_else_does(text: str, linked: str) -> None:
    assert PLACES.link(text) == linked


def test_no_link_leads_beyond_the_end_of_a_file() -> None:
    places = Places(BASE, frozenset({"a.py", "b.py"}), {"a.py": 5})
    assert places.url("a.py", 5) == f"{BASE}/a.py#L5"
    assert places.url("a.py", 6) == f"{BASE}/a.py"
    assert places.url("a.py", 4, 9) == f"{BASE}/a.py#L4-L5"
    assert places.url("a.py", 5, 9) == f"{BASE}/a.py#L5"
    # Where nobody has counted it is believed.
    assert places.url("b.py", 900, 901) == f"{BASE}/b.py#L900-L901"


def test_links_stop_where_there_is_no_more_room() -> None:
    assert PLACES.link("src/a.py:3 " * 3, room=70).count("](") == 1
    assert PLACES.link("src/a.py:3 " * 500).count("](") == 60


def test_hostile_text_takes_no_time() -> None:
    for text in ("`" * 100_000, "a/" * 50_000, "[" * 100_000, ("a." * 50_000) + ":1"):
        assert PLACES.link(text) == text
        assert find_paths([text]) == []


@pytest.mark.parametrize("held", [{}, {"base": "javascript:1", "paths": ["a"]}, {"paths": 3}])
def test_a_story_without_places_links_nothing(held: dict[str, Any]) -> None:
    assert read_places({"places": held}).url("a", 1) == ""


async def test_only_files_of_the_commit_are_places(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, {"src/a.py": "1\n", "b.py": "2\n\n3"})
    source = Source(kind="git", repository="acme/api", url="https://forge/acme/api.git", forge=True)
    outcome = Outcome(
        kind="findings",
        answer="In `src/a.py:1`, src:2 and src/gone.py:4.",
        findings=({"file": "b.py", "line": 1}, {"file": None, "line": "x"}),
    )
    told = await with_places(make_task(source=source), tree, outcome)
    places = read_places(told.extra)
    assert places.lines == {"b.py": 3, "src/a.py": 1}
    assert places.paths == set(places.lines)
    assert places.base == page_of("https://forge/acme/api", tree.commit)
    elsewhere = make_task(source=Source(kind="zip", repository="a.zip"))
    assert (await with_places(elsewhere, tree, outcome)) == outcome
