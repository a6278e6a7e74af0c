"""Zip archives from people: turned into a bare repository with one commit, never into files.

Git's own importer writes the objects, so no path of an archive ever touches the host's disk. The
same content gives the same commit, whatever the archive's name, order and dates.
"""

from __future__ import annotations

import asyncio
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from sandbox.errors import ArchiveRefused
from sandbox.git import GitFailed, git
from sandbox.paths import link_problem
from sandbox.sources.scratch import scratch
from sandbox.sources.zip_entries import ArchiveLimits, Entry, check_archive, read_entries
from sandbox.spec import Tree

_HEAD = (
    b"feature done\n"
    b"commit refs/heads/main\n"
    b"committer Threadsmith <threadsmith@localhost> 0 +0000\n"
    b"data 17\nImported archive\n\n"
)
_IMPORT_SECONDS = 600.0
# All that the standard library raises on damaged archives, beside its own error.
_UNREADABLE = (
    *(zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError),
)
_COPY_BYTES = 1024 * 1024


async def import_zip(
    path: Path,
    *,
    directory: Path,
    name: str,
    limits: ArchiveLimits | None = None,
) -> Tree:
    """Check the archive and keep it as a repository under ``directory``; raises ArchiveRefused."""
    try:
        async with scratch(directory) as place:
            stream, building = place / "import.stream", place / "archive.git"
            await asyncio.to_thread(_write_stream, path, stream, limits or ArchiveLimits())
            await git("init", "--quiet", "--bare", "--template=", "-b", "main", "--", str(building))
            importing = ("fast-import", "--quiet")
            await git(*importing, git_dir=building, stdin=stream, timeout=_IMPORT_SECONDS)
            commit = (await git("rev-parse", "refs/heads/main", git_dir=building)).decode().strip()
            final = (directory / f"zip-{commit}.git").absolute()
            await asyncio.to_thread(_put_in_place, building, final)
    except GitFailed as error:
        raise ArchiveRefused(
            "The archive could not be turned into a repository.", details=str(error)
        ) from error
    return Tree(mirror=str(final), commit=commit, branch=None, repository=name)


def _put_in_place(building: Path, final: Path) -> None:
    """The same content may be here already, or be put here by somebody else right now."""
    try:
        building.rename(final)
    except OSError:
        if not (final / "HEAD").exists():
            raise


def _write_stream(path: Path, target: Path, limits: ArchiveLimits) -> None:
    """The archive as input of `git fast-import`."""
    try:
        check_archive(path, limits)
        with zipfile.ZipFile(path) as archive, target.open("wb") as output:
            entries = read_entries(archive, path.stat().st_size, limits)
            output.write(_HEAD)
            for entry in entries:
                _write_entry(archive, entry, output)
            output.write(b"\ndone\n")
    except zipfile.BadZipFile as error:
        raise ArchiveRefused(
            "The file is no zip archive, or it is damaged.",
            details=str(error),
            resolution="Send a zip archive of the repository's folder.",
        ) from error
    except _UNREADABLE as error:
        raise ArchiveRefused(
            "The archive cannot be read.",
            details=f"{type(error).__name__}: {error}",
            resolution="Pack it again as an ordinary zip archive.",
        ) from error


def _write_entry(archive: zipfile.ZipFile, entry: Entry, output: BinaryIO) -> None:
    with archive.open(entry.info) as content:
        if entry.mode == "120000":
            _check_link(entry, content.read(entry.info.file_size))
            content.seek(0)
        output.write(f"M {entry.mode} inline {_quoted(entry.path)}\n".encode())
        output.write(f"data {entry.info.file_size}\n".encode())
        left = entry.info.file_size
        while chunk := content.read(_COPY_BYTES):
            left -= len(chunk)
            output.write(chunk)
    if left:
        # The importer would take what follows for this file's content.
        raise zipfile.BadZipFile(f"{entry.path!r} is not as long as the archive says")
    output.write(b"\n")


def _check_link(entry: Entry, target: bytes) -> None:
    if problem := link_problem(entry.path, target.decode(errors="surrogateescape")):
        raise ArchiveRefused(f"The archive's link `{entry.path}` {problem}.")


def _quoted(path: str) -> str:
    """As fast-import reads it: a quoted C string with everything unusual in octal."""
    plain = b'"\\'
    escaped = (
        chr(byte) if 32 <= byte < 127 and byte not in plain else f"\\{byte:03o}"
        for byte in path.encode()
    )
    return f'"{"".join(escaped)}"'
