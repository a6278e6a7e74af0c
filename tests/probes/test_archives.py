"""A zip archive attacks whoever opens it: nothing of it is ever laid on the host."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from sandbox.errors import ArchiveRefused
from sandbox.sources.archive import import_zip
from sandbox.sources.zip_entries import ArchiveLimits
from tests.sandbox.sources.test_archive import LINK, PLAIN, make_zip

SMALL = ArchiveLimits()


async def refuse(path: Path, tmp_path: Path) -> str:
    store = tmp_path / "store"
    with pytest.raises(ArchiveRefused) as caught:
        await import_zip(path, directory=store, name="x.zip")
    assert list(store.iterdir()) == []
    return caught.value.brief


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/cron.d/x", "..\\x", "C:\\x", ".git/hooks/x", "a/.GIT/x", "git~1/x"],
)
async def test_names_that_leave(tmp_path: Path, name: str) -> None:
    await refuse(make_zip(tmp_path / "a.zip", (name, b"x", PLAIN)), tmp_path)


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "a/../../x", ".git/config"])
async def test_links_that_leave(tmp_path: Path, target: str) -> None:
    await refuse(make_zip(tmp_path / "a.zip", ("link", target.encode(), LINK)), tmp_path)


async def test_a_file_through_a_link(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", ("door", b"inside", LINK), ("door/x", b"x", PLAIN))
    await refuse(path, tmp_path)


async def test_a_bomb_by_ratio(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(300 * 1024**2))
    assert path.stat().st_size < 1024**2
    await refuse(path, tmp_path)


async def test_a_bomb_by_count(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(SMALL.files + 1):
            archive.writestr(f"{number}", b"")
    await refuse(path, tmp_path)


async def test_a_bomb_of_overlapping_entries(tmp_path: Path) -> None:
    """Many names for the same bytes."""
    path = make_zip(tmp_path / "a.zip", ("a", bytes(1_000_000), PLAIN))
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    entry = bytes(data[start:end])
    copies = [bytearray(entry) for _ in range(200)]
    for number, copy in enumerate(copies):
        copy[46:47] = bytes([65 + number % 26])
    body = b"".join(bytes(copy) for copy in copies)
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<HH", 200, 200)
    tail[12:16] = struct.pack("<I", len(body))
    path.write_bytes(bytes(data[:start]) + body + bytes(tail))
    await refuse(path, tmp_path)


async def test_an_encrypted_archive(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", ("a", b"x" * 100, PLAIN))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert "encrypted" in await refuse(path, tmp_path)


async def test_an_archive_in_an_archive_stays_shut(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../x", bytes(10_000_000))
    path = make_zip(tmp_path / "a.zip", ("inner.zip", inner.getvalue(), PLAIN))
    tree = await import_zip(path, directory=tmp_path / "store", name="x.zip")
    assert tree.repository == "x.zip"


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(100), b"x" * 1000])
async def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    await refuse(path, tmp_path)
