"""Patches as git writes them, and as nobody should, read for the page."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from chatbot.web import diff
from chatbot.web.diff import Diff, DiffLine, FileDiff, parse_diff
from tests.chatbot.history.lives import PATCH


def git(*arguments: str, cwd: Path) -> bytes:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@x", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True).stdout


def test_change_is_read_line_by_line() -> None:
    assert parse_diff(PATCH) == Diff(
        files=(
            FileDiff(
                path="shop/basket.py",
                added=2,
                removed=1,
                lines=[
                    DiffLine("hunk", "@@ -1,3 +1,4 @@"),
                    DiffLine("same", "def total(items):", 1, 1),
                    DiffLine("del", "    return sum(items)", 2, None),
                    DiffLine("add", "    prices = [item.price for item in items]", None, 2),
                    DiffLine("add", "    return sum(prices)", None, 3),
                    DiffLine("same", "# end", 3, 4),
                ],
            ),
        ),
        files_left_out=0,
    )


def make_repository(place: Path, files: dict[str, bytes]) -> None:
    git("init", "-q", "--template=", cwd=place)
    write(place, files)
    git("add", "-A", cwd=place)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=place)


def write(place: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)


def test_every_kind_of_change_is_named(tmp_path: Path) -> None:
    make_repository(
        tmp_path,
        {
            "gone.txt": b"1\n2\n",
            "old name.txt": b"same\n" * 20,
            "run.sh": b"echo\n",
            "image.bin": b"\0\1\2",
            "eol.txt": b"a\nb",
            "gesch\xc3\xa4ft.txt".encode().decode(): b"x\n",
        },
    )
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "old name.txt").rename(tmp_path / "new name.txt")
    (tmp_path / "run.sh").chmod(0o755)
    write(
        tmp_path,
        {
            "image.bin": b"\0\1\3",
            "eol.txt": b"a\nb\n",
            "sub/neü\t.txt": b"hello\n",
            "empty.txt": b"",
            "gesch\xc3\xa4ft.txt".encode().decode(): b"y\n",
        },
    )
    git("add", "-A", cwd=tmp_path)
    patch = git("diff", "--cached", "--binary", "-M", "HEAD", cwd=tmp_path)
    files = {file.path: file for file in parse_diff(patch).files}
    told = {
        path: (file.change, file.old_path, file.added, file.removed, file.binary)
        for path, file in files.items()
    }
    assert told == {
        "gone.txt": ("deleted", "", 0, 2, False),
        "new name.txt": ("renamed", "old name.txt", 0, 0, False),
        "run.sh": ("mode", "", 0, 0, False),
        "image.bin": ("modified", "", 0, 0, True),
        "eol.txt": ("modified", "", 1, 1, False),
        "sub/neü\t.txt": ("added", "", 1, 0, False),
        "empty.txt": ("added", "", 0, 0, False),
        "gesch\xc3\xa4ft.txt": ("modified", "", 1, 1, False),
    }
    assert DiffLine("note", "No newline at end of file") in files["eol.txt"].lines


# Lines that look like a patch's own words.
LINES = st.sampled_from(
    [b"", b"x", b"-- a", b"++ b/x", b"-", b"+", b"@@ -1 +1 @@", b"diff --git a/x b/x", b" ",
     b"\\ No newline", b"rename to y", b"caf\xc3\xa9", b"\xff\xfe", b"a\rb", b"\x0c", b"\r"]
)  # fmt: skip
texts = st.lists(LINES, max_size=12).map(lambda lines: b"\n".join(lines))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(olds=st.lists(texts, min_size=2, max_size=2), news=st.lists(texts, min_size=2, max_size=2))
def test_counts_are_those_of_git(
    tmp_path_factory: pytest.TempPathFactory, olds: list[bytes], news: list[bytes]
) -> None:
    place = tmp_path_factory.mktemp("diff")
    for side, contents in (("old", olds), ("new", news)):
        write(place, {f"{side}/f{n}.txt": data for n, data in enumerate(contents)})
    options = ("diff", "--no-index", "--text")
    command = ["git", *options, "old", "new"]
    patch = subprocess.run(command, cwd=place, check=False, capture_output=True).stdout
    command = ["git", *options, "--numstat", "old", "new"]
    numbers = subprocess.run(command, cwd=place, check=False, capture_output=True).stdout
    expected = [tuple(map(int, line.split()[:2])) for line in numbers.splitlines()]
    assert [(file.added, file.removed) for file in parse_diff(patch).files] == expected


pieces = st.one_of(
    st.binary(max_size=20),
    LINES,
    st.sampled_from(
        [b"--- a/x", b"+++ b/x", b"--- /dev/null", b"@@ -0,0 +1,3 @@", b"@@ -1,999999999 +1 @@",
         b'diff --git "a/\\303" "b/\\303"', b'+++ "b/\\777\\', b"new mode", b"rename from ", b"+",
         b"@@ -" + b"9" * 5000 + b" +1 @@", b"GIT binary patch", b"index 1..2", b"diff --git "]
    ),
)  # fmt: skip


@given(st.lists(pieces, max_size=40))
def test_any_bytes_can_be_shown(parts: list[bytes]) -> None:
    found = parse_diff(b"\n".join(parts))
    for file in found.files:
        shown = [line.kind for line in file.lines]
        assert (shown.count("add"), shown.count("del")) == (file.added, file.removed)


def test_what_is_too_long_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_FILES", 3)
    monkeypatch.setattr(diff, "MAX_LINES", 10)
    monkeypatch.setattr(diff, "MAX_FILE_LINES", 6)
    monkeypatch.setattr(diff, "MAX_CHARACTERS", 5)
    one = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -0,0 +1,8 @@\n" + b"+1234567\n" * 8
    found = parse_diff(one * 5)
    assert [(file.added, len(file.lines), file.left_out) for file in found.files] == [
        (8, 6, 3),
        (8, 4, 5),
        (8, 0, 9),
    ]
    assert (found.files_left_out, found.is_cut) == (2, True)
    assert found.files[0].lines[1].text == "12345…"


def test_hidden_characters_are_shown() -> None:
    line = "+if admin:\u202e\u2066 # check\u2069 \x1b[0m\r\n".encode()
    head = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n"
    text = parse_diff(head + line).files[0].lines[1].text
    assert text == "if admin:<U+202E><U+2066> # check<U+2069> <U+001B>[0m␍"
