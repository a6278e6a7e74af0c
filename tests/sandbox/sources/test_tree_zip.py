"""The changed tree as a zip: every byte and mode of it, whatever the tree's attributes say."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.sources.tree_zip import write_tree_zip
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository

NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='/\\:"'),
    min_size=1,
    max_size=12,
).filter(lambda name: name.strip(" .") and not name.lower().startswith((".git", "git~")))
FILES = st.dictionaries(NAMES, st.binary(max_size=200), min_size=1, max_size=6)


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {i.filename: archive.read(i) for i in archive.infolist() if not i.is_dir()}


def make(directory: Path) -> tuple[Repository, Tree]:
    repository = Repository(directory / "repository")
    (repository.path / ".git" / "info").mkdir(exist_ok=True)
    (repository.path / ".git" / "info" / "attributes").write_text("* -text\n")
    commit = repository.commit({"first.txt": "1\n"})
    mirror = str(repository.path / ".git")
    return repository, Tree(mirror=mirror, commit=commit, branch="main", repository="x.zip")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(FILES)
async def test_any_change_arrives_byte_for_byte(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        repository, tree = make(Path(name))
        for path, content in files.items():
            (repository.path / path).write_bytes(content)
        repository.git("add", "--all", "--force")
        patch = repository_patch(repository)
        target = Path(name) / "out.zip"
        await write_tree_zip(tree, patch, target)
        assert read(target) == {"first.txt": b"1\n", **files}


def repository_patch(repository: Repository) -> bytes:
    from tests.sandbox.git_repository import run_git

    return run_git(repository.path, "diff", "--binary", "--cached", "HEAD")


async def test_attributes_of_the_tree_have_no_say(tmp_path: Path) -> None:
    repository, tree = make(tmp_path)
    repository.commit(
        {
            ".gitattributes": "secret.txt export-ignore\n*.txt export-subst\n*.txt eol=crlf text\n",
            "secret.txt": "$Format:%H$\n",
        }
    )
    commit = repository.git("rev-parse", "HEAD")
    await write_tree_zip(
        Tree(mirror=tree.mirror, commit=commit, branch=None, repository="x"),
        b"",
        tmp_path / "out.zip",
    )
    assert read(tmp_path / "out.zip")["secret.txt"] == b"$Format:%H$\n"


async def test_modes_and_links_are_kept(tmp_path: Path) -> None:
    repository, _ = make(tmp_path)
    (repository.path / "run.sh").write_text("#!/bin/sh\n")
    (repository.path / "run.sh").chmod(0o755)
    (repository.path / "link").symlink_to("run.sh")
    commit = repository.commit({})
    tree = Tree(mirror=str(repository.path / ".git"), commit=commit, branch=None, repository="x")
    await write_tree_zip(tree, b"", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        modes = {i.filename: i.external_attr >> 16 for i in archive.infolist()}
        assert archive.read("link") == b"run.sh"
    assert modes["run.sh"] & 0o777 == 0o755
    assert modes["link"] & 0o170000 == 0o120000
