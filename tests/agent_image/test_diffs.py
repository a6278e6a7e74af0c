"""V4A diffs: what fits is applied, what does not changes nothing and is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_image.agent.diffs import DiffProblem, apply_diff, new_content
from agent_image.agent.edits import apply_patch, insert
from agent_image.agent.files import FileProblem

TEXT = """\
class Shop:
    def open(self):
        return 1

    def close(self):
        return 1


class Bank:
    def open(self):
        return 1
"""


def test_a_hunk_is_found_by_its_context() -> None:
    diff = "@@\n     def close(self):\n-        return 1\n+        return 2\n"
    assert apply_diff(TEXT, diff) == TEXT.replace(
        "close(self):\n        return 1", "close(self):\n        return 2"
    )


def test_anchors_lead_from_outer_to_inner() -> None:
    diff = "@@ class Bank:\n@@     def open(self):\n-        return 1\n+        return 3"
    assert apply_diff(TEXT, diff) == TEXT.rstrip()[:-1] + "3\n"


def test_several_hunks_and_numbers_that_are_not_believed() -> None:
    diff = (
        "--- a/shop.py\n+++ b/shop.py\n@@ -1,2 +1,3 @@\n class Shop:\n+    # ours\n"
        "@@ -90,1 +91,0 @@ class Bank:\n class Bank:\n-    def open(self):\n+    def lend(self):\n"
    )
    changed = apply_diff(TEXT, diff)
    assert changed.startswith("class Shop:\n    # ours\n    def open")
    assert changed.endswith("class Bank:\n    def lend(self):\n        return 1\n")


def test_the_end_of_the_file() -> None:
    diff = "@@\n-        return 1\n+        return 4\n*** End of File\n"
    assert apply_diff(TEXT, diff) == TEXT.rstrip()[:-1] + "4\n"
    assert apply_diff("a\n", "@@\n+b\n*** End of File") == "a\nb\n"
    assert apply_diff("a\nb", "@@\n-b\n+c") == "a\nc"
    assert apply_diff("a\n", "@@\n-a") == ""


def test_white_space_at_the_end_and_typography_are_read_generously_and_kept() -> None:
    text = "one  \n\u201ctwo\u201d\nthree\n"
    changed = apply_diff(text, '@@\n one\n "two"\n-three\n+four\n')
    assert changed == "one  \n\u201ctwo\u201d\nfour\n"


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        ("", "changes nothing"),
        ("@@ class Shop:\n class Shop:\n", "changes nothing"),
        (
            "@@\n-        return 1\n+        return 2\n",
            r"Hunk 1 fits in 3 places \(lines 3, 6, 11\)",
        ),
        ("@@\n-nowhere\n+x\n", "What hunk 1 is to change"),
        ("@@\n class Shop:\n-    def open(self):\n@@\n-class Shop:\n", "change the same lines"),
        ("@@\n-class Bank:\n+class Inn:\n?", "Line 4 of the diff begins with neither"),
    ],
)
def test_a_diff_that_does_not_fit(diff: str, said: str) -> None:
    with pytest.raises(DiffProblem, match=said):
        apply_diff(TEXT, diff)


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=5))


@given(LINES, LINES, LINES, st.booleans())
def test_whatever_is_changed_is_changed_exactly(
    before: list[str], old: list[str], new: list[str], has_end: bool
) -> None:
    text = "\n".join([*before, "MARK", *old, "END"]) + "\n" * has_end
    marked = [" MARK", *("-" + line for line in old), *("+" + line for line in new), " END"]
    if not old and not new:
        return
    expected = "\n".join([*before, "MARK", *new, "END"]) + "\n" * has_end
    assert apply_diff(text, "@@\n" + "\n".join(marked) + "\n") == expected


@given(st.text(max_size=60), st.text(st.sampled_from("@+- *\nab"), max_size=60))
def test_any_words_are_applied_or_refused(text: str, diff: str) -> None:
    try:
        apply_diff(text, diff)
        new_content(diff)
    except DiffProblem:
        pass


def test_files_are_made_changed_and_deleted(tmp_path: Path) -> None:
    place = str(tmp_path)
    assert "Made" in apply_patch(place, "create_file", "src/new.py", "+one\n+\n+two\n")
    assert (tmp_path / "src/new.py").read_text() == "one\n\ntwo\n"
    with pytest.raises(FileProblem, match="exists already"):
        apply_patch(place, "create_file", "src/new.py", "+x")
    apply_patch(place, "update_file", "src/new.py", "@@\n one\n-\n two\n")
    assert (tmp_path / "src/new.py").read_text() == "one\ntwo\n"
    assert apply_patch(place, "delete_file", "src/new.py", "") == "Deleted src/new.py."
    assert not (tmp_path / "src/new.py").exists()
    for type_, path in (("update_file", "none"), ("delete_file", "none"), ("delete_file", "src")):
        with pytest.raises(FileProblem):
            apply_patch(place, type_, path, "@@\n-a")
    for path in ("../out", ".git/config", "/etc/x"):
        with pytest.raises(FileProblem):
            apply_patch(place, "create_file", path, "+x")


def test_line_ends_encoding_and_mode_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("\ufeffgrün\r\nblau\r\n".encode("utf-16-le"))
    path.chmod(0o755)
    apply_patch(str(tmp_path), "update_file", "a", "@@\n grün\n-blau\n+rot\n")
    assert path.read_bytes() == "\ufeffgrün\r\nrot\r\n".encode("utf-16-le")
    assert insert(str(tmp_path), "a", 0, "weiß") == "Inserted after line 0 of a."
    assert path.read_bytes() == "\ufeffweiß\r\ngrün\r\nrot\r\n".encode("utf-16-le")
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_miss_shows_the_nearest_lines_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(TEXT)
    diff = (
        "@@\n class Shop:\n+    x = 1\n@@\n     def clos(self):\n-        return 1\n+    return 2"
    )
    with pytest.raises(FileProblem) as caught:
        apply_patch(str(tmp_path), "update_file", "shop.py", diff)
    assert str(caught.value).startswith("What hunk 2 is to change was not found in shop.py.")
    assert "     5\t    def close(self):" in str(caught.value)
    assert (tmp_path / "shop.py").read_text() == TEXT


def test_a_link_goes_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    apply_patch(str(tmp_path), "delete_file", "b", "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a"]
