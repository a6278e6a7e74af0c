"""Zip archives whose very form is odd or hostile, byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from sandbox.sources.archive import import_zip
from sandbox.sources.zip_entries import ArchiveLimits
from tests.sandbox.git_repository import run_git
from tests.sandbox.sources.test_archive import LINK, PLAIN, PROGRAM, listing, make_zip, refused

UTF8 = 0x800


def local(name: bytes, data: bytes, packed: bytes, *, method: int, flags: int = 0) -> bytes:
    numbers = (20, flags, method, 0, 0x21, zlib.crc32(data), len(packed), len(data), len(name), 0)
    return b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", *numbers) + name


def listed(head: bytes, offset: int, mode: int = PLAIN) -> bytes:
    """The entry's line in the archive's list, after its own header."""
    fixed, name = head[4:30], head[30:]
    return b"PK\x01\x02\x14\x03" + fixed + struct.pack("<HHHII", 0, 0, 0, mode << 16, offset) + name


def finish(body: bytes, lines: list[bytes], tail: bytes = b"") -> bytes:
    found = b"".join(lines)
    numbers = (0, 0, len(lines), len(lines), len(found), len(body), 0)
    return body + found + b"PK\x05\x06" + struct.pack("<HHHHIIH", *numbers) + tail


def simple(name: bytes = b"a", data: bytes = b"one", *, flags: int = 0, tail: bytes = b"") -> bytes:
    head = local(name, data, data, method=0, flags=flags)
    return finish(head + data, [listed(head, 0)], tail)


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    return path


async def arrived(tmp_path: Path, content: bytes) -> dict[str, tuple[str, bytes]]:
    tree = await import_zip(write(tmp_path, content), directory=tmp_path / "store", name="x.zip")
    run_git(Path(tree.mirror), "fsck", "--strict")
    return listing(tree)


async def test_the_plainest_archive(tmp_path: Path) -> None:
    """The parts above make one that is taken: what is refused below is refused for its oddity."""
    assert await arrived(tmp_path, simple()) == {"a": ("100644", b"one")}


async def test_entries_within_each_other(tmp_path: Path) -> None:
    """Every header is the true one of its entry, and each holds all that follow it."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = b"\0" * 1_000_000
    packed = compress.compress(kernel) + compress.flush()
    body, data, lines = packed, kernel, []
    heads: list[tuple[bytes, int]] = []
    for number in range(50):
        head = local(b"%d" % number, data, body, method=8)
        if heads:
            # A stored block carries the next entry's header as if it were content.
            carried = len(heads[-1][0])
            quote = b"\x00" + struct.pack("<HH", carried, carried ^ 0xFFFF)
            body = quote + body
            data = heads[-1][0] + data
            head = local(b"%d" % number, data, body, method=8)
        body = head + body
        heads.append((head, len(body)))
    lines = [listed(head, len(body) - length) for head, length in heads]
    content = finish(body, lines)
    assert len(content) < 20_000
    error = await refused(write(tmp_path, content), tmp_path)
    assert "overlap" in error.brief


async def test_two_names_for_the_same_bytes(tmp_path: Path) -> None:
    head = local(b"a", b"one", b"one", method=0)
    content = finish(head + b"one", [listed(head, 0), listed(head, 0).replace(b"\0a", b"\0b")])
    assert "overlap" in (await refused(write(tmp_path, content), tmp_path)).brief
    twice = finish(head + b"one", [listed(head, 0)] * 2)
    assert "overlap" in (await refused(write(tmp_path, twice), tmp_path)).brief


async def test_an_entry_that_reaches_into_the_list(tmp_path: Path) -> None:
    """Its packed size is a lie that makes its ratio look good."""
    head = local(b"a", b"\0" * 5_000_000, b"x" * 30_000, method=8)
    content = finish(head + b"x" * 100, [listed(head, 0)])
    assert "overlap" in (await refused(write(tmp_path, content), tmp_path)).brief


async def test_many_small_files_that_are_a_bomb_together(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", *((f"{n}", b"\0" * 900_000, PLAIN) for n in range(60)))
    assert path.stat().st_size < 100_000
    assert "that is how a zip bomb looks" in (await refused(path, tmp_path)).brief


async def test_a_list_longer_than_may_be_read(tmp_path: Path) -> None:
    """Refused before the standard library makes an object of every line."""
    content = b"PK\x01\x02" * 600
    path = write(tmp_path, content)
    assert "more than 500 entries" in (await refused(path, tmp_path, files=100)).brief


async def test_the_marks_of_an_inner_archive_do_not_count(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for number in range(30):
            archive.writestr(f"../{number}", b"")
    data = inner.getvalue()
    head = local(b"inner.zip", data, data, method=0)
    path = write(tmp_path, finish(head + data, [listed(head, 0)]))
    limits = ArchiveLimits(files=10)
    tree = await import_zip(path, directory=tmp_path / "store", name="x", limits=limits)
    # A file like any other: never opened, whatever it holds.
    assert listing(tree) == {"inner.zip": ("100644", data)}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
async def test_methods_whose_memory_the_archive_chooses(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("a", b"x" * 100)
    assert "unusual method" in (await refused(tmp_path / "x.zip", tmp_path)).brief


async def test_zip64(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        with archive.open(zipfile.ZipInfo("big/a"), "w", force_zip64=True) as file:
            file.write(b"one")
        archive.writestr("big/b", b"two")
    content = (tmp_path / "x.zip").read_bytes()
    found = await arrived(tmp_path, content)
    assert found == {"a": ("100644", b"one"), "b": ("100644", b"two")}


async def test_zip64_sizes_that_lie(tmp_path: Path) -> None:
    head = local(b"a", b"one", b"one", method=0)
    line = bytearray(listed(head, 0))
    extra = struct.pack("<HHQ", 1, 8, 2**62)
    line[24:28] = b"\xff" * 4
    line[30:32] = struct.pack("<H", len(extra))
    error = await refused(write(tmp_path, finish(head + b"one", [bytes(line) + extra])), tmp_path)
    assert f"{2**62:,} bytes" in error.brief


async def test_wrong_checksum(tmp_path: Path) -> None:
    content = simple(data=b"one").replace(b"aone", b"aonE")
    assert "damaged" in (await refused(write(tmp_path, content), tmp_path)).brief


async def test_every_length_of_a_broken_off_archive(tmp_path: Path) -> None:
    content = simple()
    for length in range(len(content)):
        await refused(write(tmp_path, content[:length]), tmp_path)


async def test_names_that_differ_between_list_and_header(tmp_path: Path) -> None:
    content = simple(b"safe").replace(b"safeone", b"evilone")
    assert "damaged" in (await refused(write(tmp_path, content), tmp_path)).brief


async def test_bytes_before_the_start_and_after_the_end(tmp_path: Path) -> None:
    """As self-extracting archives have them; one reading only, the standard library's."""
    expected = {"a": ("100644", b"one")}
    assert await arrived(tmp_path, b"#!/bin/sh\nexit\n" + simple()) == expected
    assert await arrived(tmp_path, simple(tail=b"\n" * 50)) == expected
    # Of two archives in a row the last one counts.
    assert await arrived(tmp_path, simple(b"first") + simple()) == expected


@pytest.mark.parametrize("mode", [0o060644, 0o020644, 0o140755, 0o040755, 0o170644])
async def test_devices_sockets_and_modes_that_are_none(tmp_path: Path, mode: int) -> None:
    path = make_zip(tmp_path / "x.zip", ("a", b"", mode), ("b", b"", PLAIN))
    assert "neither a file nor a link" in (await refused(path, tmp_path)).brief


async def test_special_bits_are_dropped(tmp_path: Path) -> None:
    path = make_zip(
        tmp_path / "x.zip", ("a", b"", 0o106755), ("b", b"", 0o100000), ("c", b"", 0o101777)
    )
    modes = {name: mode for name, (mode, _) in (await arrived(tmp_path, path.read_bytes())).items()}
    assert modes == {"a": "100755", "b": "100644", "c": "100755"}


async def test_link_of_a_system_without_links_is_a_file(tmp_path: Path) -> None:
    head = local(b"a", b"/etc/passwd", b"/etc/passwd", method=0)
    line = bytearray(listed(head, 0, mode=LINK))
    line[5] = 0  # made on FAT
    found = await arrived(tmp_path, finish(head + b"/etc/passwd", [bytes(line)]))
    assert found == {"a": ("100644", b"/etc/passwd")}


async def test_names_in_any_letters(tmp_path: Path) -> None:
    assert set(await arrived(tmp_path, simple("größe/日本".encode(), flags=UTF8))) == {"日本"}
    # Without the flag it is the old code page of DOS: odd to look at, and always a name.
    assert set(await arrived(tmp_path, simple(b"\x84.txt"))) == {"ä.txt"}


async def test_names_that_claim_to_be_utf8(tmp_path: Path) -> None:
    path = write(tmp_path, simple(b"\xff\xfe", flags=UTF8))
    assert "cannot be read" in (await refused(path, tmp_path)).brief


async def test_names_that_differ_in_case_or_composition_are_two(tmp_path: Path) -> None:
    """Containers tell them apart, and so does git; nothing is ever unpacked on the host."""
    names = ["Makefile", "makefile", "caf\u00e9", "cafe\u0301"]
    path = make_zip(tmp_path / "x.zip", *((name, name.encode(), PLAIN) for name in names))
    found = await arrived(tmp_path, path.read_bytes())
    assert found == {name: ("100644", name.encode()) for name in names}


@pytest.mark.parametrize(
    "name",
    [
        *(".git /x", ".git./x", ".git::$INDEX_ALLOCATION/x", "GIT~1/x", ".g\u200cit/x"),
        *("a/.GIT /x", "a/.git\ufeff", "a\\git~1"),
    ],
)
async def test_git_in_disguise(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "x.zip", (name, b"x", PLAIN), ("b", b"", PLAIN))
    assert "git's own folder" in (await refused(path, tmp_path)).brief


@pytest.mark.parametrize(
    "links",
    [
        # Each of them stays inside by itself; together they would not.
        {"d/e/up": "../..", "out": "d/e/up/../x"},
        {"a": "b", "b": "c/..", "c/f": ""},
        {"a": "b/../../x", "b": "d/e/f"},
        {"d/up": "..", "d/out": "up/../etc"},
    ],
)
async def test_chains_of_links(tmp_path: Path, links: dict[str, str]) -> None:
    files = [(name, target.encode(), LINK if target else PLAIN) for name, target in links.items()]
    path = make_zip(tmp_path / "x.zip", *files, ("z", b"", PLAIN))
    assert "out of the tree" in (await refused(path, tmp_path)).brief


async def test_chains_that_stay_inside(tmp_path: Path) -> None:
    links = {"d/root": "..", "again": "d/root", "self": "self", "d/e/f": "../../again/x"}
    files = [(name, target.encode(), LINK) for name, target in links.items()]
    path = make_zip(tmp_path / "x.zip", *files, ("run", b"", PROGRAM))
    found = await arrived(tmp_path, path.read_bytes())
    assert {name: content.decode() for name, (mode, content) in found.items() if mode == "120000"}
    assert found["again"] == ("120000", b"d/root")


async def test_settings_of_git_as_a_link(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", ("a/.GitModules", b"x", LINK), ("a/x", b"", PLAIN))
    assert "is a link" in (await refused(path, tmp_path)).brief


@pytest.mark.parametrize("limit", ["archive_bytes", "files", "total_bytes", "file_bytes"])
async def test_each_limit_is_its_own(tmp_path: Path, limit: str) -> None:
    path = make_zip(tmp_path / "x.zip", ("a", b"12", PLAIN), ("b", b"12", PLAIN))
    assert "the limit is 1." in (await refused(path, tmp_path, **{limit: 1})).brief
