"""A review of a patch that git itself wrote: each file has its lines, each line its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_image.agent.patch import _PATCH
from chatbot.slack.blocks.diff import split_files
from chatbot.slack.blocks.review import Draft, Remark, Reviewed, add, follow_up
from chatbot.slack.patch_view import FileView, PatchView
from chatbot.web.diff import parse_diff
from tests.sandbox.trees import run_git

NAMES = [
    "购物车.py",
    'a "quoted" name.py',
    "tab\there.py",
    "back\\slash.py",
    "é.py",
    "two  spaces.py",
]
LONG = "".join(f"line {number}\n" for number in range(1, 1001))


@pytest.fixture
def diff(tmp_path: Path) -> str:
    """Of a repository where every file changed in its own way."""
    root = tmp_path / "repository"
    root.mkdir()
    run_git(root, "init", "-q")
    for name in NAMES:
        (root / name).write_text("one\ntwo\n")
    (root / "gone.py").write_text("first\nsecond\nthird\n")
    (root / "old name.py").write_text(LONG)
    (root / "picture.png").write_bytes(b"\x00\x01" * 50)
    (root / "kept.py").write_text("same\n")
    run_git(root, "add", ".")
    run_git(root, "commit", "-qm", "base")
    for name in NAMES:
        (root / name).write_text("one\n2\n")
    (root / "gone.py").unlink()
    (root / "old name.py").unlink()
    (root / "new name.py").write_text(LONG.replace("line 500\n", "line 500, mended\nand more\n"))
    (root / "picture.png").write_bytes(b"\x02\x03" * 50)
    (root / "kept.py").rename(root / "moved.py")
    run_git(root, "add", "-A")
    return run_git(root, "diff", "--cached", *_PATCH, "HEAD")


def review(diff: str, file: FileView, lines: str) -> str:
    reviewed = Reviewed.make(PatchView(files=(file,), count=1), diff)
    return follow_up(reviewed, add(Draft(run_id="r_1"), Remark(0, lines, "Why?")))


@pytest.mark.parametrize("name", NAMES)
def test_files_of_any_name_have_their_lines(diff: str, name: str) -> None:
    pieces = dict(split_files(diff))
    assert pieces[name] == "@@ -1,2 +1,2 @@\n one\n-two\n+2"
    told = review(diff, FileView(path=name), "2").splitlines()
    assert told[0].endswith(".py:2: Why?")
    assert told[1:] == ["> 2"]
    # The page reads the same names.
    assert {file.path for file in parse_diff(diff.encode()).files} >= {"购物车.py", "é.py"}


def test_of_a_deleted_file_the_lines_are_those_it_had(diff: str) -> None:
    file = FileView(path="gone.py", change="deleted")
    reviewed = Reviewed.make(PatchView(files=(file,), count=1), diff)
    assert "-    2  second" in reviewed.parts(0)[0]
    assert review(diff, file, "3-2") == ("Remark on gone.py:2-3 (deleted): Why?\n> second\n> third")


def test_of_a_renamed_file_they_are_those_it_has_now(diff: str) -> None:
    file = FileView(path="new name.py", change="renamed", old_path="old name.py")
    place = "Remark on new name.py:{} (renamed from old name.py): Why?"
    told = review(diff, file, "500-502")
    assert told == place.format("500-502") + "\n> line 500, mended\n> and more\n> line 501"
    # What the patch does not show has its place all the same.
    assert review(diff, file, "12") == place.format("12")
    assert review(diff, FileView(path="moved.py"), "1") == "Remark on moved.py:1: Why?"


def test_a_binary_file_is_remarked_on_as_a_whole(diff: str) -> None:
    assert "picture.png" not in dict(split_files(diff))
    assert review(diff, FileView(path="picture.png", binary=True), "") == (
        "Remark on picture.png: Why?"
    )


def test_the_numbers_are_right_on_every_page_of_a_long_file() -> None:
    added = "".join(f"+{line}\n" for line in LONG.splitlines())
    diff = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,1000 @@\n{added}"
    reviewed = Reviewed.make(PatchView(files=(FileView(path="x"),), count=1), diff)
    parts = reviewed.parts(0)
    assert len(parts) > 2
    lines = [line for part in parts for line in part.split("\n")][1:]
    assert lines == [f"+{number:>5}  line {number}" for number in range(1, 1001)]
    told = review(diff, FileView(path="x"), "900-999")
    assert told.splitlines()[1:] == [*(f"> line {n}" for n in range(900, 905)), "> … 95 more lines"]


def test_an_empty_line_without_its_sign_counts() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n\n-three\n+3\n"
    assert review(diff, FileView(path="x"), "3").endswith("\n> 3")
