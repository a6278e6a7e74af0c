"""Zip archives: real ones arrive whole, hostile ones arrive nowhere."""

from __future__ import annotations

import io
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import ArchiveRefused
from sandbox.sources.archive import import_zip
from sandbox.sources.zip_entries import ArchiveLimits
from sandbox.spec import Tree
from tests.sandbox.git_repository import Repository, run_git

File = tuple[str, bytes, int]
"""Name, content, Unix mode (0: none recorded)."""

PLAIN, PROGRAM, LINK, FIFO = 0o100644, 0o100755, 0o120777, 0o010644


def make_zip(path: Path, *files: File) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in files:
            info = zipfile.ZipInfo(name, (2024, 1, random.randint(1, 28), 0, 0, 0))
            info.external_attr = mode << 16
            info.create_system = 3 if mode else 0
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


async def refused(path: Path, tmp_path: Path, **limits: int) -> ArchiveRefused:
    """The refusal; nothing but it may come of the archive."""
    store = tmp_path / "store"
    with pytest.raises(ArchiveRefused) as caught:
        await import_zip(path, directory=store, name="x.zip", limits=ArchiveLimits(**limits))
    assert list(store.iterdir()) == []
    return caught.value


def listing(tree: Tree) -> dict[str, tuple[str, bytes]]:
    mirror = Path(tree.mirror)
    entries = run_git(mirror, "ls-tree", "-r", "-z", tree.commit).split(b"\0")[:-1]
    found = {}
    for entry in entries:
        head, _, path = entry.partition(b"\t")
        mode, _, blob = head.decode().split(" ")
        found[path.decode()] = (mode, run_git(mirror, "cat-file", "blob", blob))
    return found


async def test_files_modes_and_links_arrive(tmp_path: Path) -> None:
    path = make_zip(
        tmp_path / "api.zip",
        ("api-1.0/", b"", 0o040755),
        ("api-1.0/README.md", b"# API\n", PLAIN),
        ("api-1.0/bin/run", b"#!/bin/sh\n", PROGRAM),
        ("api-1.0/bin/readme", b"../README.md", LINK),
        ("api-1.0/empty", b"", PLAIN),
        ('api-1.0/gr\u00f6\u00dfe "x" \\o.txt', b"\x00\xff\n", PLAIN),
        ("api-1.0/.git/config", b"[core]\n\tfsmonitor = touch /tmp/x\n", PLAIN),
        ("api-1.0/vendor/.GIT", b"gitdir: /etc", PLAIN),
        ("__MACOSX/api-1.0/._README.md", b"litter", PLAIN),
    )
    tree = await import_zip(path, directory=tmp_path / "store", name="api.zip")
    assert (tree.branch, tree.repository) == (None, "api.zip")
    assert listing(tree) == {
        "README.md": ("100644", b"# API\n"),
        "bin/run": ("100755", b"#!/bin/sh\n"),
        "bin/readme": ("120000", b"../README.md"),
        "empty": ("100644", b""),
        'gr\u00f6\u00dfe "x" /o.txt': ("100644", b"\x00\xff\n"),
    }
    run_git(Path(tree.mirror), "fsck", "--strict")
    assert [each.name for each in (tmp_path / "store").iterdir()] == [Path(tree.mirror).name]


async def test_archive_of_a_real_repository_has_its_tree(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "origin")
    repository.commit({"a/b/c.py": "c = 1\n", "a/d": "d", "e f": "e", "run": "#!/bin/sh\n"})
    repository.git("update-index", "--chmod=+x", "run")
    repository.git("commit", "--quiet", "-m", "Executable")
    repository.git("archive", "--prefix=origin-main/", "-o", str(tmp_path / "x.zip"), "HEAD")
    tree = await import_zip(tmp_path / "x.zip", directory=tmp_path / "store", name="x.zip")
    assert run_git(Path(tree.mirror), "rev-parse", f"{tree.commit}^{{tree}}").decode().strip() == (
        repository.git("rev-parse", "HEAD^{tree}")
    )


async def test_same_content_is_the_same_commit(tmp_path: Path) -> None:
    files = [("x/a", b"a", PLAIN), ("x/b/c", b"c", PROGRAM), ("x/d", b"b/c", LINK)]
    first = make_zip(tmp_path / "1.zip", *files)
    second = make_zip(
        tmp_path / "2.zip", *(("y" + name[1:], data, mode) for name, data, mode in files[::-1])
    )
    trees = [
        await import_zip(path, directory=tmp_path / "store", name="x.zip")
        for path in (first, second, first)
    ]
    assert trees == [trees[0]] * 3
    assert len(list((tmp_path / "store").iterdir())) == 1


async def test_only_a_single_top_folder_is_left_out(tmp_path: Path) -> None:
    two = make_zip(tmp_path / "2.zip", ("a/x", b"1", PLAIN), ("b/x", b"2", PLAIN))
    flat = make_zip(tmp_path / "f.zip", ("x", b"1", PLAIN))
    assert set(listing(await import_zip(two, directory=tmp_path, name="2"))) == {"a/x", "b/x"}
    assert set(listing(await import_zip(flat, directory=tmp_path, name="f"))) == {"x"}


async def test_what_windows_programs_write(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "w.zip", ("top\\src\\a.py", b"a", 0), ("top\\b.py", b"b", 0))
    assert set(listing(await import_zip(path, directory=tmp_path, name="w"))) == {
        "src/a.py",
        "b.py",
    }


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("../x", b"", PLAIN)], "climbs out"),
        ([("a/../../x", b"", PLAIN)], "climbs out"),
        ([("a\\..\\..\\x", b"", PLAIN)], "climbs out"),
        ([("/etc/passwd", b"", PLAIN)], "is absolute"),
        ([("C:\\x", b"", PLAIN)], "is absolute"),
        ([("\\\\host\\x", b"", PLAIN)], "is absolute"),
        ([("a\nb", b"", PLAIN)], "control characters"),
        ([("a", b"1", PLAIN), ("a", b"2", PLAIN)], "twice"),
        ([("a", b"1", PLAIN), ("./a", b"2", PLAIN)], "twice"),
        ([("a", b"1", PLAIN), ("a/b", b"2", PLAIN)], "both as file and as folder"),
        ([("a", b"/tmp", LINK), ("a/b", b"2", PLAIN)], "both as file and as folder"),
        ([("a", b"/etc/passwd", LINK), ("b", b"", PLAIN)], "absolute path"),
        ([("a", b"../x", LINK), ("b", b"", PLAIN)], "out of the tree"),
        ([("d/a", b"../../x", LINK), ("b", b"", PLAIN)], "out of the tree"),
        ([("top/a", b"../x", LINK), ("top/b", b"", PLAIN)], "out of the tree"),
        ([("a", b"d/../../x", LINK), ("b", b"", PLAIN)], "out of the tree"),
        ([("a", b".git/config", LINK), ("b", b"", PLAIN)], "git's own folder"),
        ([("a", b"", LINK), ("b", b"", PLAIN)], "no usable target"),
        ([("a", b"x" * 5000, LINK), ("b", b"", PLAIN)], "no usable target"),
        ([("a", b"", FIFO), ("b", b"", PLAIN)], "neither a file nor a link"),
        ([("a/git~1/x", b"", PLAIN)], "git's own folder"),
        ([("a/.git./x", b"", PLAIN)], "git's own folder"),
        ([("a/.gi\u200ct/x", b"", PLAIN)], "git's own folder"),
        ([("/".join("a" * 70), b"", PLAIN)], "too deep"),
        ([("a" * 5000, b"", PLAIN)], "too long"),
        ([], "no file"),
        ([("a/", b"", 0o040755), (".git/config", b"", PLAIN)], "no file"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
async def test_hostile_archives_arrive_nowhere(
    tmp_path: Path, files: list[File], words: str
) -> None:
    error = await refused(make_zip(tmp_path / "x.zip", *files), tmp_path)
    assert words in error.brief


async def test_name_with_a_null_byte(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", ("safe.py0.exe", b"", PLAIN))
    path.write_bytes(path.read_bytes().replace(b"safe.py0", b"safe.py\0"))
    assert "control characters" in (await refused(path, tmp_path)).brief


async def test_bombs_are_refused_by_what_they_claim(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", ("a", b"\0" * 20_000_000, PLAIN), ("b", b"x", PLAIN))
    assert "zip bomb" in (await refused(path, tmp_path)).brief
    assert "has 20,000,000 bytes" in (await refused(path, tmp_path, file_bytes=10**6)).brief
    assert "unpacks to" in (await refused(path, tmp_path, ratio=10**6, total_bytes=10**6)).brief
    assert "2 entries" in (await refused(path, tmp_path, files=1)).brief
    assert "The archive has" in (await refused(path, tmp_path, archive_bytes=100)).brief


async def test_sizes_that_lie(tmp_path: Path) -> None:
    """The directory at the end promises one byte, the data unpacks to many, and the reverse."""
    content = bytearray(make_zip(tmp_path / "x.zip", ("a", b"x" * 1000, PLAIN)).read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    for claimed in (1, 5000):
        content[at : at + 4] = claimed.to_bytes(4, "little")
        (tmp_path / "x.zip").write_bytes(content)
        assert "damaged" in (await refused(tmp_path / "x.zip", tmp_path)).brief


async def test_encrypted_and_unknown_methods(tmp_path: Path) -> None:
    content = bytearray(make_zip(tmp_path / "x.zip", ("a", b"x", PLAIN)).read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    assert "encrypted" in (await refused(tmp_path / "x.zip", tmp_path)).brief
    content[at + 8] &= ~1
    content[at + 10 : at + 12] = (97).to_bytes(2, "little")
    (tmp_path / "x.zip").write_bytes(content)
    assert "cannot be read" in (await refused(tmp_path / "x.zip", tmp_path)).brief


@pytest.mark.parametrize(
    "content", [b"", b"no zip at all", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18]
)
async def test_what_is_no_zip(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    await refused(tmp_path / "x.zip", tmp_path)


async def test_missing_file_is_refused(tmp_path: Path) -> None:
    await refused(tmp_path / "none.zip", tmp_path)


def _damaged(content: bytes) -> Iterator[Callable[[int, int], bytes]]:
    yield lambda at, byte: content[:at] + bytes([byte]) + content[at + 1 :]
    yield lambda at, _: content[:at]
    yield lambda at, byte: content[:at] + bytes([byte]) * 7 + content[at:]


def _sample() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("top/a.py", b"print('a')\n" * 30)
        archive.writestr("top/b/c.txt", b"c" * 50)
        archive.writestr("top/größe", b"")
    return buffer.getvalue()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(_sample()) - 1), byte=st.integers(0, 255), kind=st.integers(0, 2))
async def test_damage_is_refused_or_harmless(tmp_path: Path, at: int, byte: int, kind: int) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(list(_damaged(_sample()))[kind](at, byte))
    try:
        tree = await import_zip(path, directory=tmp_path / "store", name="x.zip")
    except ArchiveRefused:
        return
    run_git(Path(tree.mirror), "fsck", "--strict")


NAME = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\:"),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        st.lists(NAME, min_size=1, max_size=3).map("/".join),
        st.tuples(st.binary(max_size=40), st.sampled_from([PLAIN, PROGRAM])),
        min_size=1,
        max_size=6,
    )
)
async def test_any_archive_arrives_whole_or_is_refused(
    tmp_path: Path, files: dict[str, tuple[bytes, int]]
) -> None:
    whole = {f"top/{name}": value for name, value in files.items()} | {"top/z z": (b"z", PLAIN)}
    path = make_zip(
        tmp_path / "x.zip", *((name, content, mode) for name, (content, mode) in whole.items())
    )
    try:
        tree = await import_zip(path, directory=tmp_path / "store", name="x.zip")
    except ArchiveRefused:
        return
    expected = {
        "/".join(part for part in name.split("/")[1:] if part != "."): (
            "100755" if mode & stat.S_IXUSR else "100644",
            content,
        )
        for name, (content, mode) in whole.items()
    }
    assert listing(tree) == expected
