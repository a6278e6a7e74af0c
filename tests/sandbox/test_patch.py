"""Patches: whatever a real git writes arrives to the byte, whatever is hostile arrives nowhere."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b85encode
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import PatchRefused
from sandbox.patch import FileChange, PatchSummary, check_patch, render_patch
from sandbox.paths import path_problem
from tests.sandbox.git_repository import run_git

LIMIT = 10 * 1024**2
PLAIN, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"

Files = dict[str, tuple[str, bytes]]
"""Path -> mode and content; of a submodule the commit id."""


class Bare:
    """A bare repository whose trees are made from words alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        run_git(path, "init", "--quiet", "--bare", "--template=", ".")

    def git(self, *args: str, stdin: bytes | None = None) -> bytes:
        return run_git(self.path, *args, stdin=stdin)

    def tree(self, files: Files) -> str:
        lines = b""
        for path, (mode, content) in files.items():
            blob = content.strip()
            if mode != SUBMODULE:
                blob = self.git("hash-object", "-w", "--stdin", stdin=content).strip()
            lines += f"{mode} {blob.decode()}\t{path}".encode() + b"\0"
        self.git("read-tree", "--empty")
        self.git("update-index", "-z", "--index-info", stdin=lines)
        return self.git("write-tree").decode().strip()

    def commit(self, files: Files) -> str:
        return self.git("commit-tree", "-m", "Base", self.tree(files)).decode().strip()

    def diff(self, before: str, after: str) -> bytes:
        return self.git("diff-tree", "-r", "-p", "-M", "--binary", before, after)

    def content(self) -> set[Path]:
        """Every file, so that what must leave no trace can be shown to leave none."""
        return {path for path in self.path.rglob("*") if path.is_file() and path.name != "index"}

    async def check(self, commit: str, patch: bytes, limit_bytes: int = LIMIT) -> PatchSummary:
        return await check_patch(self.path, commit, patch, limit_bytes=limit_bytes)


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "mirror.git")


async def refused(bare: Bare, commit: str, patch: bytes) -> PatchRefused:
    before = bare.content()
    with pytest.raises(PatchRefused) as caught:
        await bare.check(commit, patch)
    assert bare.content() == before
    return caught.value


def text_patch(path: str, *, mode: str = PLAIN, content: str = "x") -> bytes:
    """A patch as a hostile program would write it by hand: one new file of one line."""
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1 @@\n+{content}\n" + ("\\ No newline at end of file\n" if mode == LINK else "")
    ).encode()


async def test_summary_of_everything_a_patch_can_do(bare: Bare) -> None:
    before: Files = {
        "changed.py": (PLAIN, b"a = 1\nb = 2\n"),
        "deleted.py": (PLAIN, b"x\ny\n"),
        "old name.py": (PLAIN, b"line\n" * 30),
        "script": (PLAIN, b"#!/bin/sh\n"),
        "logo.png": (PLAIN, b"\x89PNG\0\1"),
        "kind": (PLAIN, b"was a file\n"),
        "place": (PLAIN, b"was a file too\n"),
    }
    after: Files = {
        "changed.py": (PLAIN, b"a = 1\nb = 3\nc = 4\n"),
        "new name.py": (PLAIN, b"line\n" * 30 + b"more\n"),
        "script": (PROGRAM, b"#!/bin/sh\n"),
        "logo.png": (PLAIN, b"\x89PNG\0\2"),
        "kind": (LINK, b"changed.py"),
        "place/inside": (PLAIN, b"now a folder\n"),
        "empty": (PLAIN, b""),
        ".github/workflows/ci.yml": (PLAIN, b"on: push\n"),
    }
    commit, tree = bare.commit(before), bare.tree(after)
    patch = bare.diff(commit, tree)
    assert await bare.check(commit, patch) == PatchSummary(
        sha256=hashlib.sha256(patch).hexdigest(),
        bytes=len(patch),
        tree=tree,
        files=(
            FileChange(path=".github/workflows/ci.yml", change="added", added=1, sensitive=True),
            FileChange(path="changed.py", change="modified", added=2, removed=1),
            FileChange(path="deleted.py", change="deleted", removed=2),
            FileChange(path="empty", change="added"),
            FileChange(path="kind", change="modified", added=1, removed=1),
            FileChange(path="logo.png", change="modified", binary=True),
            FileChange(path="new name.py", change="renamed", old_path="old name.py", added=1),
            FileChange(path="place", change="deleted", removed=1),
            FileChange(path="place/inside", change="added", added=1),
            FileChange(path="script", change="mode", sensitive=True),
        ),
    )
    assert await render_patch(bare.path, commit, tree) == bare.git(
        "diff-tree", "-r", "-p", "-M", "--binary", "--full-index", commit, tree
    )


async def test_empty_patch_changes_nothing(bare: Bare) -> None:
    files: Files = {"a": (PLAIN, b"a")}
    commit = bare.commit(files)
    assert await bare.check(commit, b"") == PatchSummary(
        sha256=hashlib.sha256(b"").hexdigest(), bytes=0, tree=bare.tree(files), files=()
    )


async def test_objects_are_in_the_mirror_and_nothing_else_is_left(
    bare: Bare, tmp_path: Path
) -> None:
    other = Bare(tmp_path / "other.git")
    before, after = {"a": (PLAIN, b"a\n")}, {"d/a": (PLAIN, b"b\n"), "c": (PLAIN, b"\0")}
    commit = bare.commit(before)
    assert other.commit(before) == commit
    summary = await bare.check(commit, other.diff(commit, other.tree(after)))
    assert bare.git("ls-tree", "-r", summary.tree) == other.git("ls-tree", "-r", summary.tree)
    made = bare.git("commit-tree", "-p", commit, "-m", "Change", summary.tree).decode().strip()
    bare.git("fsck", "--strict", made)
    assert list(bare.path.glob("patch-*")) == []
    again = await bare.check(commit, other.diff(commit, other.tree(after)))
    assert again == summary


async def test_attributes_of_the_repository_have_no_say(bare: Bare) -> None:
    rules = b"* text eol=crlf ident working-tree-encoding=UTF-16 filter=evil diff=evil\n"
    before: Files = {".gitattributes": (PLAIN, rules), "a": (PLAIN, b"$Id$\none\n")}
    after: Files = {**before, "a": (PLAIN, b"$Id$\r\ntwo\n"), "b": (PLAIN, b"\xff\xfe\n")}
    commit, tree = bare.commit(before), bare.tree(after)
    assert (await bare.check(commit, bare.diff(commit, tree))).tree == tree


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (text_patch(".git/config"), "does not apply"),
        (text_patch("a/.GIT/hooks/post-checkout"), "does not apply"),
        (text_patch(".git"), "does not apply"),
        (text_patch("a/git~1/config"), "does not apply"),
        (text_patch("a/.gi\u200ct/config"), "does not apply"),
        (text_patch("a/.git. /config"), ""),
        (text_patch("a/.git::$INDEX_ALLOCATION/config"), ""),
        (text_patch("a\\\\.git\\\\config"), ""),
        (text_patch("/etc/passwd"), ""),
        (text_patch("../x"), ""),
        (text_patch("a/../../x"), ""),
        (text_patch("a/./x"), ""),
        (text_patch("link", mode=LINK, content="/etc/passwd"), "absolute path"),
        (text_patch("link", mode=LINK, content="../x"), "out of the tree"),
        (text_patch("d/link", mode=LINK, content="../../x"), "out of the tree"),
        (text_patch("link", mode=LINK, content="d/../../x"), "out of the tree"),
        (text_patch("link", mode=LINK, content=".git/config"), "git's own folder"),
        (text_patch("link", mode=LINK, content="x" * 5000), "bytes large"),
        (text_patch("out/x"), "does not apply"),
        (text_patch("file/x"), "does not apply"),
        (text_patch("file"), "does not apply"),
        (text_patch("x", mode=SUBMODULE, content=f"Subproject commit {'1' * 40}"), "submodule"),
        (b"no patch at all\n", "does not apply"),
        (b"\0\xff" * 100, "does not apply"),
        (b"\n", "does not apply"),
        (text_patch("x")[:-4], "does not apply"),
        (text_patch("x").replace(b"+1 @@", b"+1,2 @@"), "does not apply"),
        (b"--- a/file\n+++ b/file\n@@ -1 +1 @@\n-other\n+x\n", "does not apply"),
        (b"--- a/nothing\n+++ b/nothing\n@@ -1 +1 @@\n-other\n+x\n", "does not apply"),
    ],
)
async def test_hostile_patches_arrive_nowhere(bare: Bare, patch: bytes, words: str) -> None:
    commit = bare.commit({"file": (PLAIN, b"one\n"), "out": (LINK, b"/etc")})
    assert words in (await refused(bare, commit, patch)).brief


@pytest.mark.parametrize("mode", ["040000", "100666", "104755", "060000", "-1", " 40000", "x", ""])
async def test_modes_that_git_does_not_use(bare: Bare, mode: str) -> None:
    commit = bare.commit({"a": (PLAIN, b"a\n")})
    assert "file mode" in (await refused(bare, commit, text_patch("x", mode=mode))).brief
    change = f"diff --git a/a b/a\nold mode 100644\nnew mode {mode}\n".encode()
    assert "file mode" in (await refused(bare, commit, change)).brief


async def test_link_that_leaves_once_it_is_moved(bare: Bare) -> None:
    before: Files = {"a/b/link": (LINK, b"../../c"), "c": (PLAIN, b"c")}
    commit = bare.commit(before)
    tree = bare.tree({"link": (LINK, b"../../c"), "c": (PLAIN, b"c")})
    assert "out of the tree" in (await refused(bare, commit, bare.diff(commit, tree))).brief


async def test_links_that_were_there_before_stay_as_they_are(bare: Bare) -> None:
    before: Files = {"out": (LINK, b"/usr/share/x"), "a": (PLAIN, b"1\n")}
    commit, tree = bare.commit(before), bare.tree({**before, "a": (PLAIN, b"2\n")})
    assert (await bare.check(commit, bare.diff(commit, tree))).tree == tree


@pytest.mark.parametrize("after", [b"2" * 40, b""])
async def test_submodules_cannot_be_changed(bare: Bare, after: bytes) -> None:
    before: Files = {"vendor": (SUBMODULE, b"1" * 40), "a": (PLAIN, b"a")}
    changed: Files = {"a": (PLAIN, b"a")} | ({"vendor": (SUBMODULE, after)} if after else {})
    commit = bare.commit(before)
    error = await refused(bare, commit, bare.diff(commit, bare.tree(changed)))
    assert "submodule `vendor`" in error.brief


async def test_patch_over_its_limit(bare: Bare) -> None:
    commit = bare.commit({"a": (PLAIN, b"a")})
    with pytest.raises(PatchRefused, match="the limit is 99"):
        await bare.check(commit, text_patch("x" * 50), limit_bytes=99)


@pytest.mark.parametrize(("megabytes", "words"), [(70, "bytes large"), (1500, "does not apply")])
async def test_small_patch_that_unfolds_to_a_large_file(
    bare: Bare, megabytes: int, words: str
) -> None:
    commit = bare.commit({"a": (PLAIN, b"a")})
    size = megabytes * 10**6
    digest = hashlib.sha1(b"blob %d\0" % size)
    packer = zlib.compressobj(1)
    packed = b""
    for _ in range(megabytes):
        # The true hash matters only where git gets as far as comparing it.
        if megabytes < 1000:
            digest.update(bytes(10**6))
        packed += packer.compress(bytes(10**6))
    packed += packer.flush()
    lines = b"".join(_base85_line(packed[at : at + 52]) for at in range(0, len(packed), 52))
    patch = (
        b"diff --git a/big b/big\nnew file mode 100644\n"
        b"index %040d..%s\nGIT binary patch\nliteral %d\n%s\n"
        % (0, digest.hexdigest().encode(), size, lines)
    )
    assert len(patch) < LIMIT
    assert words in (await refused(bare, commit, patch)).brief


def _base85_line(data: bytes) -> bytes:
    length = len(data) + (64 if len(data) <= 26 else 70)
    return bytes([length]) + b85encode(data, pad=True) + b"\n"


NAME = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=6
) | st.sampled_from(["a", "b", "a b", ' "', "\n", "\t\\", "-x", "é", "e\u0301", "日本", "a.py"])
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join).filter(lambda p: not path_problem(p))
LINES = st.lists(
    st.sampled_from(
        [b"one\n", b"new file mode 7\n", b"two\n", b"three\r\n", b"\n", b"+x\n", b"-- \n"]
    )
)
CONTENT = (
    st.binary(max_size=60)
    | LINES.map(b"".join)
    | LINES.map(lambda lines: b"".join(lines) + b"end without newline")
)
FILE = st.tuples(st.sampled_from([PLAIN, PLAIN, PROGRAM]), CONTENT) | st.sampled_from(
    [(LINK, b"a"), (LINK, b"a b/c"), (LINK, b"./x"), (LINK, b"line\nbreak")]
)


def without_conflicts(files: Files) -> Files:
    """Leave out what lies under another file's path: no tree can hold both."""
    return {
        path: file
        for path, file in files.items()
        if not any(path.startswith(f"{other}/") for other in files)
    }


@st.composite
def changes(draw: st.DrawFn) -> tuple[Files, Files]:
    before = without_conflicts(draw(st.dictionaries(PATH, FILE, max_size=5)))
    after: Files = dict(draw(st.dictionaries(PATH, FILE, max_size=3)))
    for path, (mode, content) in before.items():
        match draw(st.sampled_from(["keep", "drop", "move", "edit", "mode", "new"])):
            case "keep":
                after[path] = (mode, content)
            case "move":
                after[draw(PATH)] = (mode, content)
            case "edit":
                after[path] = (mode, content + b"more\n" if mode != LINK else content)
            case "mode" if mode != LINK:
                after[path] = (PROGRAM if mode == PLAIN else PLAIN, content)
            case "new":
                after[path] = draw(FILE)
    return before, without_conflicts(after)


_SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=60, **_SETTINGS)
@given(change=changes())
async def test_any_change_arrives_identical(bare: Bare, change: tuple[Files, Files]) -> None:
    before, after = change
    commit, tree = bare.commit(before), bare.tree(after)
    patch = bare.diff(commit, tree)
    summary = await bare.check(commit, patch)
    assert summary.tree == tree
    names = {path for file in summary.files for path in (file.path, file.old_path) if path}
    assert names == {
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    }
    rendered = await render_patch(bare.path, commit, tree)
    assert (await bare.check(commit, rendered)).tree == tree


SAMPLE_BEFORE: Files = {
    "a.py": (PLAIN, b"a = 1\n" * 9),
    "b": (PLAIN, b"b\0b"),
    "old": (PLAIN, b"o\n" * 9),
    "l": (LINK, b"a.py"),
}
SAMPLE_AFTER: Files = {
    "a.py": (PROGRAM, b"a = 1\n" * 8 + b"a = 2\n"),
    "b": (PLAIN, b"b\0c"),
    "new": (PLAIN, b"o\n" * 9),
    "d/l": (LINK, b"../a.py"),
}


@settings(max_examples=60, **_SETTINGS)
@given(data=st.data())
async def test_any_damage_is_refused_or_harmless(bare: Bare, data: st.DataObject) -> None:
    commit = bare.commit(SAMPLE_BEFORE)
    patch = bytearray(bare.diff(commit, bare.tree(SAMPLE_AFTER)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(patch) - 1))
        patch[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"../", b".git", b"/", b"120000", b"160000"])
        )
    try:
        summary = await bare.check(commit, bytes(patch))
    except PatchRefused:
        return
    listing = bare.git("ls-tree", "-r", "-z", summary.tree).decode(errors="replace").split("\0")
    for entry in listing[:-1]:
        head, _, path = entry.partition("\t")
        assert path_problem(path) is None
        assert not head.startswith(SUBMODULE)
