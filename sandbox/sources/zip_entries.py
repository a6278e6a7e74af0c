"""What a zip archive claims to hold, checked before a byte of it is unpacked."""

from __future__ import annotations

import mmap
import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import ArchiveRefused
from sandbox.paths import MAX_LINK_BYTES, is_git_name, path_problem

_ENCRYPTED = 0x1
_UTF8 = 0x800
_UNIX = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SMALL_BYTES = 1024**2
"""A file up to this size may pack as well as it likes: empty logs and the like do."""
_SMALL_TOTAL = 32 * 1024**2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER_BYTES = 30
_LISTED = b"PK\x01\x02"
_LISTED_FACTOR = 5
"""The mark may stand in files too: in archives within the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold at the most."""

    archive_bytes: int = 200 * 1024**2
    files: int = 50_000
    total_bytes: int = 1024**3
    file_bytes: int = 200 * 1024**2
    ratio: int = 200
    """Unpacked size over packed size, of one file and of them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the archive, at its place in the tree."""

    path: str
    mode: str
    """As git writes it: 100644, 100755 or 120000."""
    info: zipfile.ZipInfo


def check_archive(path: Path, limits: ArchiveLimits) -> None:
    """What must hold before the standard library reads the whole list of entries."""
    size = path.stat().st_size
    if size > limits.archive_bytes:
        raise _too_large(f"The archive has {size:,} bytes", limits.archive_bytes)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        listed = at = 0
        while (at := content.find(_LISTED, at) + 1) and listed <= _LISTED_FACTOR * limits.files:
            listed += 1
    if listed > _LISTED_FACTOR * limits.files:
        raise _too_large(f"The archive holds more than {listed - 1:,} entries", limits.files)


def read_entries(
    archive: zipfile.ZipFile, archive_bytes: int, limits: ArchiveLimits
) -> list[Entry]:
    """The archive's files in the order of their paths, a single top folder left out."""
    infos = archive.infolist()
    if len(infos) > limits.files:
        raise _too_large(f"The archive holds {len(infos):,} entries", limits.files)
    _check_overlap(infos, archive.start_dir)
    total = 0
    named: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        path = _path_of(info)
        if path is None:
            continue
        _check_size(path, info, limits)
        total += info.file_size
        if path in named:
            raise ArchiveRefused(f"The archive holds `{path}` twice.")
        named[path] = info
    if total > limits.total_bytes:
        raise _too_large(f"The archive unpacks to {total:,} bytes", limits.total_bytes)
    if total > _SMALL_TOTAL and total > limits.ratio * archive_bytes:
        raise _bomb("The archive", total, archive_bytes)
    if not named:
        raise ArchiveRefused("The archive holds no file.")
    _check_folders(named)
    start = _top_folder_length(named)
    return [
        Entry(path=path[start:], mode=_mode(path, info), info=info)
        for path, info in sorted(named.items())
    ]


def _path_of(info: zipfile.ZipInfo) -> str | None:
    """Where the file belongs; None for folders, git's own folder and the litter of macOS."""
    # Windows programs write backslashes; zipfile cuts names at a null byte, the original tells.
    name = info.orig_filename.replace("\\", "/")
    shown = _CONTROL.sub("?", name)[:200]
    if _CONTROL.search(name):
        raise ArchiveRefused(f"The archive's path `{shown}` holds control characters.")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise ArchiveRefused(f"The archive's path `{shown}` is absolute.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveRefused(f"The archive's path `{shown}` climbs out of the archive.")
    if any(part.casefold() == ".git" for part in parts) or "__MACOSX" in parts[:1]:
        return None
    if info.is_dir() or name.endswith("/"):
        return None
    path = "/".join(parts)
    if problem := path_problem(path):
        raise ArchiveRefused(f"The archive's path `{shown}` {problem}.")
    if any(is_git_name(part) for part in parts):
        raise ArchiveRefused(f"The archive's path `{shown}` poses as git's own folder.")
    return path


def _check_size(path: str, info: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveRefused(
            "The archive is encrypted.", resolution="Pack it again without a password."
        )
    if info.compress_type not in _METHODS:
        raise ArchiveRefused(
            f"The archive cannot be read: `{path}` is packed by an unusual method.",
            resolution="Pack it again as an ordinary zip archive.",
        )
    size = info.file_size
    if size > limits.file_bytes:
        raise _too_large(f"The archive's file `{path}` has {size:,} bytes", limits.file_bytes)
    if size > _SMALL_BYTES and size > limits.ratio * max(info.compress_size, 1):
        raise _bomb(f"The archive's file `{path}`", size, info.compress_size)


def _check_overlap(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Entries that share bytes are how small archives claim to be large ones."""
    for info in sorted(infos, key=lambda each: each.header_offset, reverse=True):
        name = len(info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"))
        if info.header_offset + _HEADER_BYTES + name + info.compress_size > end:
            raise ArchiveRefused(
                "The archive's entries overlap: that is how a zip bomb looks.",
                resolution="Pack it again as an ordinary zip archive.",
            )
        end = info.header_offset


def _mode(path: str, info: zipfile.ZipInfo) -> str:
    bits = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(bits)
    if kind == stat.S_IFLNK:
        if info.file_size > MAX_LINK_BYTES:
            raise ArchiveRefused(f"The archive's link `{path}` has no usable target.")
        if path.rpartition("/")[2].casefold() == ".gitmodules":
            raise ArchiveRefused(f"The archive's `{path}` is a link, which git takes nowhere.")
        return "120000"
    if kind not in (0, stat.S_IFREG):
        raise ArchiveRefused(f"The archive's `{path}` is neither a file nor a link.")
    return "100755" if bits & stat.S_IXUSR else "100644"


def _check_folders(named: dict[str, zipfile.ZipInfo]) -> None:
    """A path may not go through what is itself a file or a link."""
    for path in named:
        parent = path
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in named:
                raise ArchiveRefused(f"The archive holds `{parent}` both as file and as folder.")


def _top_folder_length(named: dict[str, zipfile.ZipInfo]) -> int:
    tops = {path.partition("/")[0] if "/" in path else "" for path in named}
    top = tops.pop()
    return len(top) + 1 if not tops and top else 0


def _too_large(what: str, limit: int) -> ArchiveRefused:
    return ArchiveRefused(
        f"{what}; the limit is {limit:,}.", resolution="Leave out what the task does not need."
    )


def _bomb(what: str, size: int, packed: int) -> ArchiveRefused:
    return ArchiveRefused(
        f"{what} unpacks to {size:,} bytes from {packed:,}: that is how a zip bomb looks."
    )
