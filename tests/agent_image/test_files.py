"""Reading and changing files: what is shown, what is kept, what is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_image.agent.edits import edit, insert, write
from agent_image.agent.files import FileProblem, decode, read
from agent_image.agent.undo import MAX_CHANGES, Undo


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def show(workspace: Path, path: str, start: int = 1, end: int | None = None) -> str:
    return read(str(workspace), path, start, end, 1000)


def change(workspace: Path, path: str, old: str, new: str, replace_all: bool = False) -> str:
    return edit(str(workspace), path, old, new, replace_all)


def test_lines_have_numbers_and_a_range_can_be_asked_for(workspace: Path) -> None:
    (workspace / "a").write_text("one\ntwo\nthree\n")
    assert show(workspace, "a") == "     1\tone\n     2\ttwo\n     3\tthree"
    assert show(workspace, "a", 2, 2) == "     2\ttwo\n[lines 2 to 2 of 3; go on with start=3]"
    with pytest.raises(FileProblem, match="3 lines only"):
        show(workspace, "a", 4)


def test_a_long_file_is_cut_at_the_limit(workspace: Path) -> None:
    (workspace / "a").write_text("x" * 90 + "\n" + ("y" * 90 + "\n") * 50)
    text = show(workspace, "a")
    assert len(text) < 1100
    assert text.endswith("[lines 1 to 10 of 51; go on with start=11]")


def test_a_long_line_is_cut(workspace: Path) -> None:
    (workspace / "a").write_text("x" * 5000)
    assert show(workspace, "a").endswith("x[… 5000 characters]")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "[empty file]"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "[PNG image, 11 bytes; it cannot be shown]"),
        (b"\x7fELF\0\0", "[binary file, 6 bytes; not shown]"),
        (b"a\r\nb\r\n", "     1\ta\n     2\tb\n[lines end with CR LF]"),
        ("é".encode("latin-1"), "     1\té\n[encoding latin-1]"),
        ("\ufeffé".encode("utf-16-le"), "     1\té\n[encoding utf-16-le]"),
        (b"\xef\xbb\xbfa", "     1\ta"),
        (b"a\x1b[31m", "     1\ta\\u001b[31m"),
    ],
)
def test_what_a_file_holds_is_told(workspace: Path, data: bytes, shown: str) -> None:
    (workspace / "a").write_bytes(data)
    assert show(workspace, "a") == shown


def test_a_folder_is_listed(workspace: Path) -> None:
    (workspace / "src").mkdir()
    (workspace / "a.py").write_text("x")
    (workspace / "link").symlink_to("a.py")
    assert show(workspace, ".") == "a.py  (1 bytes)\nlink -> a.py\nsrc/"
    assert show(workspace, "src") == "[empty folder]"


def test_what_is_no_file_is_refused_at_once(workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    with pytest.raises(FileProblem, match="no regular file"):
        show(workspace, "pipe")
    with pytest.raises(FileProblem, match="No such file"):
        show(workspace, "missing")


def test_an_edit_keeps_line_ends_encoding_and_mode(workspace: Path) -> None:
    path = workspace / "a"
    path.write_bytes("é = 1\r\nb = 2\r\nc = 3\r\n".encode("latin-1"))
    path.chmod(0o755)
    change(workspace, "a", "b = 2\nc", "ü = 2\nd\nc")
    assert path.read_bytes() == "é = 1\r\nü = 2\r\nd\r\nc = 3\r\n".encode("latin-1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_an_edit_keeps_mixed_line_ends_as_they_are(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"a\r\nb\nc\r\n")
    change(workspace, "a", "b\n", "B\n")
    assert (workspace / "a").read_bytes() == b"a\r\nB\nc\r\n"


def test_an_edit_keeps_a_byte_order_mark(workspace: Path) -> None:
    (workspace / "a").write_bytes("\ufeffone\n".encode("utf-16-le"))
    change(workspace, "a", "one", "two")
    assert (workspace / "a").read_bytes() == "\ufefftwo\n".encode("utf-16-le")


def test_an_edit_that_its_encoding_cannot_hold_changes_nothing(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"\xe9 one")
    with pytest.raises(FileProblem, match="latin-1"):
        change(workspace, "a", "one", "€")
    assert (workspace / "a").read_bytes() == b"\xe9 one"


def test_text_that_stands_twice_is_replaced_only_if_asked(workspace: Path) -> None:
    (workspace / "a").write_text("x\ny\nx\n")
    with pytest.raises(FileProblem, match=r"2 times in a \(lines 1, 3\)"):
        change(workspace, "a", "x", "z")
    assert change(workspace, "a", "x", "z", True) == "Replaced 2 places in a (line 1)."
    assert (workspace / "a").read_text() == "z\ny\nz\n"


def test_a_miss_shows_the_nearest_lines(workspace: Path) -> None:
    (workspace / "a").write_text("import os\n\n\ndef total(basket):\n    return sum(basket)\n")
    with pytest.raises(FileProblem, match=r"nearest lines:\n +4\tdef total\(basket\):\n +5\t"):
        change(workspace, "a", "def totals(basket):\n    return 1\n", "x")
    with pytest.raises(FileProblem, match=r"only white space differs\):\n +5\t    return sum"):
        change(workspace, "a", "\treturn sum(basket)", "x")
    with pytest.raises(FileProblem, match="nor anything like it"):
        change(workspace, "a", "§§§§§§", "x")


@pytest.mark.parametrize(
    ("old", "new", "said"), [("", "x", "old text is empty"), ("one", "one", "are the same")]
)
def test_an_edit_that_does_nothing_is_refused(
    workspace: Path, old: str, new: str, said: str
) -> None:
    (workspace / "a").write_text("one\n")
    with pytest.raises(FileProblem, match=said):
        change(workspace, "a", old, new)


def test_binary_files_are_not_edited(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"\0one")
    with pytest.raises(FileProblem, match="binary"):
        change(workspace, "a", "one", "two")


@pytest.mark.parametrize(
    ("before", "line", "new", "after"),
    [
        (b"a\nb\n", 0, "x", b"x\na\nb\n"),
        (b"a\nb\n", 1, "x\ny\n", b"a\nx\ny\nb\n"),
        (b"a\nb\n", 2, "x", b"a\nb\nx\n"),
        (b"a\nb", 2, "x", b"a\nb\nx\n"),
        (b"a\r\nb\r\n", 1, "x", b"a\r\nx\r\nb\r\n"),
        (b"", 0, "x", b"x\n"),
        (b"\xe9\n", 1, "\u00fc", b"\xe9\n\xfc\n"),
    ],
)
def test_lines_are_inserted_in_the_files_own_way(
    workspace: Path, before: bytes, line: int, new: str, after: bytes
) -> None:
    (workspace / "a").write_bytes(before)
    assert insert(str(workspace), "a", line, new) == f"Inserted after line {line} of a."
    assert (workspace / "a").read_bytes() == after


def test_nothing_is_inserted_past_the_end(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"a\n")
    with pytest.raises(FileProblem, match="has 1 lines only"):
        insert(str(workspace), "a", 2, "x")


def test_a_read_only_file_is_named_as_such(workspace: Path) -> None:
    (workspace / "a").write_text("one\n")
    (workspace / "a").chmod(0o444)
    for act in (
        lambda: change(workspace, "a", "one", "two"),
        lambda: insert(str(workspace), "a", 0, "x"),
        lambda: write(str(workspace), "a", "x"),
    ):
        with pytest.raises(FileProblem, match="read-only; chmod it first"):
            act()
    assert (workspace / "a").read_text() == "one\n"


def test_edits_are_undone_from_the_newest(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"one\r\n")
    undo = Undo(str(workspace))
    for old, new in (("one", "two"), ("two", "three")):
        with undo.kept("a"):
            change(workspace, "a", old, new)
    with undo.kept("made"):
        write(str(workspace), "made", "x")
    with pytest.raises(FileProblem, match="was not found"), undo.kept("a"):
        change(workspace, "a", "four", "five")
    assert undo.undo("a") == "Undid the last edit of a: restored."
    assert undo.undo("made").endswith("removed it, as it had been made by that.")
    assert not (workspace / "made").exists()
    assert undo.undo("a") == "Undid the last edit of a: restored."
    assert (workspace / "a").read_bytes() == b"one\r\n"
    with pytest.raises(FileProblem, match="No edit of a can be undone"):
        undo.undo("a")


def test_what_changed_otherwise_is_not_undone(workspace: Path) -> None:
    undo = Undo(str(workspace))
    with undo.kept("a"):
        write(str(workspace), "a", "mine")
    (workspace / "a").write_text("a formatter's")
    with pytest.raises(FileProblem, match="changed since its last edit"):
        undo.undo("a")
    with pytest.raises(FileProblem, match="outside the workspace"):
        undo.undo("../a")
    for number in range(MAX_CHANGES):
        with undo.kept("b"):
            write(str(workspace), "b", str(number))
    with pytest.raises(FileProblem, match="No edit of a"):
        undo.undo("a")


def test_write_makes_folders_and_keeps_line_ends(workspace: Path) -> None:
    assert write(str(workspace), "new/deep/a", "é\n") == "Made new/deep/a (3 bytes)."
    (workspace / "b").write_bytes(b"one\r\ntwo\r\n")
    assert "kept its CR LF" in write(str(workspace), "b", "three\n")
    assert (workspace / "b").read_bytes() == b"three\r\n"


@pytest.mark.parametrize(
    "path", ["../out", "/etc/out", "link/out", "file-link", "deep/../../out", ".", "loop/x"]
)
def test_nothing_outside_the_workspace_is_changed(workspace: Path, path: str) -> None:
    out = workspace.parent / "elsewhere"
    out.mkdir()
    (out / "file").write_text("one")
    (workspace / "link").symlink_to(out)
    (workspace / "file-link").symlink_to(out / "file")
    (workspace / "loop").symlink_to("loop")
    for act in (
        lambda: write(str(workspace), path, "two"),
        lambda: change(workspace, path, "one", "two"),
    ):
        with pytest.raises(FileProblem):
            act()
    assert sorted(entry.name for entry in workspace.parent.iterdir()) == ["elsewhere", "workspace"]
    assert [entry.name for entry in out.iterdir()] == ["file"]
    assert (out / "file").read_text() == "one"


def test_a_link_inside_the_workspace_is_followed(workspace: Path) -> None:
    (workspace / "real").write_text("one")
    (workspace / "link").symlink_to("real")
    change(workspace, "link", "one", "two")
    assert (workspace / "real").read_text() == "two"
    assert (workspace / "link").is_symlink()


def test_git_s_own_files_are_not_written(workspace: Path) -> None:
    (workspace / ".git").mkdir()
    with pytest.raises(FileProblem, match="git's own"):
        write(str(workspace), ".git/hooks/pre-commit", "x")
    write(str(workspace), ".gitignore", "x")


def test_an_absolute_path_in_the_workspace_is_fine(workspace: Path) -> None:
    write(str(workspace), str(workspace / "a"), "one")
    assert (workspace / "a").read_text() == "one"


@given(data=st.binary(max_size=200))
def test_decoding_loses_nothing(data: bytes) -> None:
    content = decode(data)
    assert content.text.encode(content.encoding) == data
