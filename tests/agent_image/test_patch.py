"""The patch of a working tree: whatever was done to it, it applies to a clean clone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_image.agent.patch import PatchProblem, keep_prepared, make_patch
from agent_image.agent.places import Places
from sandbox.patch import check_patch
from tests.sandbox.git_repository import Repository, run_git

FILES: dict[str, str | bytes | None] = {
    ".gitignore": "*.log\n",
    "a.txt": "one\ntwo\nthree\nfour\nfive\n",
    "b.bin": bytes(range(256)),
    "src/c.py": "print(1)\n",
    "run.sh": "echo 1\n",
}


class Tree:
    """A workspace, its base commit and the places of its patches."""

    def __init__(self, directory: Path, files: dict[str, str | bytes | None] | None = None) -> None:
        self.path = directory / "workspace"
        self.repository = Repository(self.path)
        self.base = self.repository.commit(FILES if files is None else files)
        scratch = directory / "scratch"
        scratch.mkdir()
        self.places = Places(str(self.path), str(directory), str(scratch))
        self.clean = directory / "clean"
        run_git(directory, "clone", "--quiet", str(self.path), "clean")

    def patch(self, limit_bytes: int = 1_000_000) -> bytes:
        return make_patch(self.places, self.base, limit_bytes=limit_bytes).data

    def notes(self) -> tuple[str, ...]:
        return make_patch(self.places, self.base, limit_bytes=1_000_000).notes

    def apply(self) -> Path:
        patch = self.patch()
        if patch:
            run_git(self.clean, "apply", "--index", "--binary", "-", stdin=patch)
        return self.clean


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def contents(root: Path) -> dict[bytes, tuple[str, bytes]]:
    """Every file and link but git's own and the ignored: kind and words."""
    found = {}
    listed = run_git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in listed.split(b"\0")[:-1]:
        path = root / os.fsdecode(name)
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()))
        elif path.exists():
            kind = "x" if path.stat().st_mode & 0o100 else "-"
            found[name] = (kind, path.read_bytes())
    return found


def test_an_untouched_tree_has_an_empty_patch(tree: Tree) -> None:
    assert tree.patch() == b""


def test_every_kind_of_change_comes_through(tree: Tree) -> None:
    root = tree.path
    (root / "a.txt").write_bytes(b"one\r\ntwo\n")
    (root / "b.bin").write_bytes(bytes(range(255, -1, -1)))
    (root / "run.sh").chmod(0o755)
    (root / "src/c.py").rename(root / "src/moved.py")
    (root / "link").symlink_to("src/moved.py")
    (root / "größe 1").write_text("ü\n")
    (root / 'new\nline\t"quoted"').write_text("no newline at the end")
    Path(os.fsdecode(os.fsencode(root) + b"/not-utf8-\xff")).write_text("x")
    (root / "empty").touch()
    assert contents(tree.apply()) == contents(root)


def test_it_holds_what_was_committed_staged_and_left_untracked(tree: Tree) -> None:
    root = tree.path
    (root / "committed").write_text("1\n")
    tree.repository.git("add", "committed")
    tree.repository.git("commit", "--quiet", "-m", "x")
    (root / "staged").write_text("2\n")
    tree.repository.git("add", "staged")
    (root / "untracked").write_text("3\n")
    (root / "ignored.log").write_text("4\n")
    (root / "forced.log").write_text("5\n")
    tree.repository.git("add", "--force", "forced.log")
    before = tree.repository.git("status", "--porcelain")
    names = set(contents(tree.apply())) - {os.fsencode(name) for name in FILES}
    assert names == {b"committed", b"staged", b"untracked", b"forced.log"}
    assert tree.repository.git("status", "--porcelain") == before


def test_git_settings_of_the_tree_do_not_change_its_form(tree: Tree) -> None:
    (tree.path / "a.txt").write_text("ONE\n")
    plain = tree.patch()
    for setting, value in (
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("core.fsmonitor", "false"),
        ("core.hooksPath", "/nonexistent"),
        ("core.quotePath", "false"),
        ("diff.context", "0"),
    ):
        tree.repository.git("config", setting, value)
    assert tree.patch() == plain


def test_a_repository_inside_is_left_out_and_told(tree: Tree) -> None:
    inner = Repository(tree.path / "vendor" / "inner")
    inner.commit({"x": "1\n"})
    (tree.path / "beside").write_text("1\n")
    patch = tree.patch()
    assert b"160000" not in patch
    assert set(contents(tree.apply())) == {*map(os.fsencode, FILES), b"beside"}
    assert tree.notes() == (
        "`vendor/inner` is a git repository of its own; its files are not part of the change.",
    )


def test_an_empty_repository_inside_is_left_out_and_told(tree: Tree) -> None:
    Repository(tree.path / "in*ner")
    (tree.path / "in*ner" / "x").write_text("1\n")
    (tree.path / "inXner").write_text("1\n")
    assert set(contents(tree.apply())) == {*map(os.fsencode, FILES), b"inXner"}
    assert "`in*ner`" in tree.notes()[0]


def test_a_submodule_of_the_base_stays_as_it_is(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    tree.repository.git("commit", "--quiet", "-m", "Add a submodule")
    tree.base = tree.repository.git("rev-parse", "HEAD")
    Repository(tree.path / "module").commit({"x": "1\n"})
    assert tree.patch() == b""


def break_git(path: Path) -> None:
    shutil.rmtree(path)


def break_head(path: Path) -> None:
    (path / "HEAD").write_text("nonsense")


def break_objects(path: Path) -> None:
    shutil.rmtree(path / "objects")


@pytest.mark.parametrize("damage", [break_git, break_head, break_objects])
def test_a_broken_git_folder_is_told(tree: Tree, damage: object) -> None:
    assert callable(damage)
    damage(tree.path / ".git")
    with pytest.raises(PatchProblem, match="removed or damaged") as caught:
        tree.patch()
    assert caught.value.is_fatal


@pytest.mark.parametrize("damage", ["gone", "nonsense"])
def test_a_broken_index_is_made_anew(tree: Tree, damage: str) -> None:
    index = tree.path / ".git" / "index"
    index.unlink()
    if damage == "nonsense":
        index.write_text("nonsense")
    (tree.path / "a.txt").write_text("new\n")
    assert (tree.apply() / "a.txt").read_text() == "new\n"


def test_a_lock_that_was_left_does_not_matter(tree: Tree) -> None:
    (tree.path / ".git" / "index.lock").touch()
    (Path(tree.places.scratch) / "index.lock").touch()
    (tree.path / "a.txt").write_text("new\n")
    assert tree.patch()


def test_a_patch_over_its_limit_names_the_largest_files(tree: Tree) -> None:
    (tree.path / "large.bin").write_bytes(os.urandom(5000))
    (tree.path / "small").write_text("x\n")
    with pytest.raises(PatchProblem, match=r"bytes; the limit is 2,000") as caught:
        tree.patch(2000)
    assert "large.bin" in caught.value.details.splitlines()[1]


def test_gigantic_new_files_are_not_even_read(tree: Tree) -> None:
    with (tree.path / "sparse").open("wb") as file:
        file.truncate(200_000_000_000)
    with pytest.raises(PatchProblem, match=r"200,000,000,000 bytes"):
        tree.patch()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_does_not_lose_the_rest(tree: Tree) -> None:
    (tree.path / "secret").write_text("x")
    (tree.path / "secret").chmod(0)
    (tree.path / "a.txt").write_text("new\n")
    assert (tree.apply() / "a.txt").read_text() == "new\n"
    assert "could be read" in tree.notes()[-1]


def test_what_set_up_changed_is_left_out_until_it_is_touched(tree: Tree) -> None:
    (tree.path / "a.txt").write_text("by set-up\n")
    (tree.path / "lock.json").write_text("{}\n")
    (tree.path / "run.sh").unlink()
    keep_prepared(tree.places, tree.base)
    assert tree.patch() == b""
    (tree.path / "lock.json").write_text("{1}\n")
    (tree.path / "mine").write_text("1\n")
    result = tree.apply()
    assert (result / "lock.json").read_text() == "{1}\n"
    assert (result / "mine").exists()
    assert (result / "a.txt").read_text() == FILES["a.txt"]
    assert (result / "run.sh").exists()


NAMES = st.sampled_from(
    [
        "a.txt",
        "b.bin",
        "src/c.py",
        "run.sh",
        "src",
        "n",
        "d/e",
        "d",
        "ü",
        "x\ny",
        ' "q" ',
        "-n",
        "a.log",
    ]
)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), NAMES, st.binary(max_size=60)),
        st.tuples(st.just("delete"), NAMES, st.just(b"")),
        st.tuples(st.just("chmod"), NAMES, st.just(b"")),
        st.tuples(st.just("link"), NAMES, st.sampled_from([b"a.txt", b"n"])),
        st.tuples(st.just("move"), NAMES, st.sampled_from([b"moved", b"d/f"])),
    ),
    max_size=8,
)


def act(root: Path, what: str, name: str, data: bytes) -> None:
    """Do it where it can be done."""
    path = root / name
    try:
        if what == "delete" and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif what == "delete":
            path.unlink()
        elif what == "chmod":
            path.chmod(0o755)
        elif what == "move":
            (root / os.fsdecode(data)).parent.mkdir(exist_ok=True)
            path.rename(root / os.fsdecode(data))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            if what == "link":
                path.symlink_to(os.fsdecode(data))
            else:
                path.write_bytes(data)
    except OSError:
        pass


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS)
async def test_any_tree_comes_through(acts: list[tuple[str, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        tree = Tree(Path(name))
        for what, path, data in acts:
            act(tree.path, what, path, data)
        wanted = contents(tree.path)
        patch = tree.patch()
        assert contents(tree.apply()) == wanted
        # The host's own check takes it, too, unless it holds a link that leads nowhere good.
        if not any(what == "link" for what, _, _ in acts):
            mirror = tree.clean / ".git"
            await check_patch(mirror, tree.base, patch, limit_bytes=1_000_000)
