"""Patches from containers: untrusted bytes, checked by applying them to an index of our own."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.errors import PatchRefused
from sandbox.git import GitFailed, GitTimeout, git
from sandbox.lock_files import MAX_READ_BYTES, has_new_sources, is_lock_file
from sandbox.patch_rules import is_sensitive
from sandbox.paths import MAX_LINK_BYTES, link_problem, path_problem

Change = Literal["added", "modified", "deleted", "renamed", "mode"]

MAX_FILES = 20_000
MAX_FILE_BYTES = 64 * 1024**2
"""Of one file after the patch: a small binary delta can unfold to any size."""

_APPLY_SECONDS = 60.0
_APPLY_MEMORY_BYTES = 1024**3
# Git takes any number for a mode and makes entries of it that no tree should hold. A line of a
# file's content never starts a line of the patch, so only true headers are seen here.
_MODE_LINE = re.compile(
    rb"^(?:(?:new file|deleted file|new|old) mode |index [0-9a-f]+\.\.[0-9a-f]+ )(.*)$",
    re.MULTILINE,
)
_MODES = frozenset({b"100644", b"100755", b"120000", b"160000"})
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"
_NO_BLOB = "0" * 40
# Small windows, so that the memory limit does not depend on the size of the mirror's packs.
_APPLY_OPTIONS = (
    *("-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=256m"),
    *("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file of a patch, as git sees it after applying."""

    path: str
    change: Change
    old_path: str | None = None
    added: int = 0
    removed: int = 0
    binary: bool = False
    sensitive: bool = False
    """A file whose change deserves a second look: workflows, CODEOWNERS, our own settings, what
    becomes executable, lock files with new sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSummary:
    """What a patch does. ``tree`` is the id of the resulting git tree."""

    sha256: str
    bytes: int
    tree: str
    files: tuple[FileChange, ...]

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    def to_json(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "bytes": self.bytes,
            "tree": self.tree,
            "files": [asdict(file) for file in self.files],
            "added": self.added,
            "removed": self.removed,
        }


async def check_patch(mirror: Path, commit: str, patch: bytes, *, limit_bytes: int) -> PatchSummary:
    """Apply the patch to a temporary index over ``commit``; raises PatchRefused.

    No working tree is ever made, so no hook, filter or link can act. The resulting tree's objects
    are written to the bare repository, and only once every check has passed.
    """
    if len(patch) > limit_bytes:
        raise PatchRefused(
            f"The patch has {len(patch):,} bytes; the limit is {limit_bytes:,}.",
            resolution="Ask for a smaller change, or raise the limit in the settings.",
        )
    async with _quarantine(mirror) as place:
        if patch:
            await place.git("read-tree", commit)
            await _apply(place, patch)
            tree = (await place.git("write-tree")).decode().strip()
        else:
            tree = (await place.git("rev-parse", f"{commit}^{{tree}}")).decode().strip()
        files = await _changes(place, commit, tree)
        await asyncio.to_thread(_release, place.objects, mirror / "objects")
    return PatchSummary(
        sha256=hashlib.sha256(patch).hexdigest(), bytes=len(patch), tree=tree, files=files
    )


async def render_patch(mirror: Path, commit: str, tree: str) -> bytes:
    """The change from commit to tree in git's own words.

    What a container sent may hold words around the hunks that git ignores; this never does.
    """
    return await git(
        *("diff-tree", "-r", "-p", "-M", "--binary", "--full-index", "--no-color"),
        *("--no-ext-diff", "--no-textconv", commit, tree),
        git_dir=mirror,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An index and an object store that borrows the mirror's and can be thrown away."""

    mirror: Path
    directory: Path

    @property
    def objects(self) -> Path:
        return self.directory / "objects"

    async def git(self, *args: str, stdin: bytes | None = None, memory: int | None = None) -> bytes:
        return await git(
            *(*_APPLY_OPTIONS, *args),
            git_dir=self.mirror,
            env={
                "GIT_INDEX_FILE": str(self.directory / "index"),
                "GIT_OBJECT_DIRECTORY": str(self.objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.mirror / "objects"),
            },
            stdin=stdin,
            timeout=_APPLY_SECONDS,
            memory=memory,
        )


@asynccontextmanager
async def _quarantine(mirror: Path) -> AsyncIterator[_Place]:
    # Beside the mirror's own objects, so that releasing them is a rename.
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, ".tmp", "patch-", mirror))
    try:
        await asyncio.to_thread((directory / "objects").mkdir)
        yield _Place(mirror=mirror, directory=directory)
    finally:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _release(source: Path, target: Path) -> None:
    """Move loose objects: their names are their content, so one that is there is the same."""
    for path in source.glob("[0-9a-f][0-9a-f]/*"):
        place = target / path.parent.name / path.name
        place.parent.mkdir(exist_ok=True)
        path.rename(place)


async def _apply(place: _Place, patch: bytes) -> None:
    if odd := set(_MODE_LINE.findall(patch)) - _MODES:
        raise PatchRefused("The patch names a file mode that git does not use.", details=str(odd))
    try:
        await place.git(
            *("apply", "--cached", "--binary", "--whitespace=nowarn", "-"),
            stdin=patch,
            memory=_APPLY_MEMORY_BYTES,
        )
    except GitTimeout as error:
        raise PatchRefused("The patch takes too long to apply.", details=str(error)) from error
    except GitFailed as error:
        raise PatchRefused(
            "The patch does not apply to the commit it was made for.", details=error.stderr.strip()
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """One entry of `git diff-tree --raw -z`."""

    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    status: str
    old_path: str
    path: str


async def _changes(place: _Place, commit: str, tree: str) -> tuple[FileChange, ...]:
    options = ("diff-tree", "-r", "-M", "-z", "--no-ext-diff", "--no-textconv", "--no-abbrev")
    entries = _parse_raw(await place.git(*options, "--raw", commit, tree))
    if len(entries) > MAX_FILES:
        raise PatchRefused(f"The patch changes {len(entries):,} files; the limit is {MAX_FILES:,}.")
    for entry in entries:
        _check_entry(entry)
    await _check_blobs(place, entries)
    opened = {e.path for e in entries if await _opens_sources(place, e)}
    counts = _parse_numstat(await place.git(*options, "--numstat", commit, tree))
    return tuple(
        _file_change(entry, *counts[entry.path], opens_sources=entry.path in opened)
        for entry in entries
    )


async def _opens_sources(place: _Place, entry: _Raw) -> bool:
    """Whether it is a lock file that takes its packages from where it did not before."""
    if entry.status == "D" or not is_lock_file(entry.path) or entry.old_blob == entry.new_blob:
        return False
    old, new = [
        b"" if blob == _NO_BLOB else await place.git("cat-file", "blob", blob)
        for blob in (entry.old_blob, entry.new_blob)
    ]
    # A new lock file, or one too long to look into, is for a person in any case.
    is_long = max(len(old), len(new)) > MAX_READ_BYTES
    return is_long or entry.old_blob == _NO_BLOB or has_new_sources(old, new)


def _parse_raw(output: bytes) -> list[_Raw]:
    fields = iter(_texts(output))
    entries = []
    for head in fields:
        old_mode, new_mode, old_blob, new_blob, status = head.removeprefix(":").split(" ")
        old_path = next(fields)
        entries.append(
            _Raw(
                old_mode=old_mode,
                new_mode=new_mode,
                old_blob=old_blob,
                new_blob=new_blob,
                status=status[0],
                old_path=old_path,
                path=next(fields) if status[0] in "RC" else old_path,
            )
        )
    return entries


def _parse_numstat(output: bytes) -> dict[str, tuple[str, str]]:
    """New path -> lines added and removed, "-" for a binary file."""
    fields = iter(_texts(output))
    counts = {}
    for head in fields:
        added, removed, path = head.split("\t", 2)
        if not path:
            _, path = next(fields), next(fields)
        counts[path] = (added, removed)
    return counts


def _texts(output: bytes) -> list[str]:
    return output.decode(errors="surrogateescape").split("\0")[:-1]


def _check_entry(entry: _Raw) -> None:
    if _SUBMODULE in (entry.old_mode, entry.new_mode):
        raise PatchRefused(f"The patch changes the submodule `{_shown(entry.path)}`.")
    if entry.status != "D" and (problem := path_problem(entry.path)):
        raise PatchRefused(f"The patch's path `{_shown(entry.path)}` {problem}.")


async def _check_blobs(place: _Place, entries: list[_Raw]) -> None:
    """Sizes of everything new, and the targets of new links."""
    new = [entry for entry in entries if entry.new_blob not in (entry.old_blob, _NO_BLOB)]
    listing = "".join(f"{entry.new_blob}\n" for entry in new).encode()
    answer = await place.git("cat-file", "--batch-check=%(objectsize)", stdin=listing)
    for entry, size in zip(new, map(int, answer.split()), strict=True):
        if size > (MAX_LINK_BYTES if entry.new_mode == _LINK else MAX_FILE_BYTES):
            raise PatchRefused(f"The patch makes `{_shown(entry.path)}` {size:,} bytes large.")
    for entry in entries:
        # A link that moved points elsewhere though its words are the same.
        if entry.new_mode == _LINK:
            target = await place.git("cat-file", "blob", entry.new_blob)
            text = target.decode(errors="surrogateescape")
            if problem := link_problem(entry.path, text):
                raise PatchRefused(f"The patch's link `{_shown(entry.path)}` {problem}.")


def _file_change(entry: _Raw, added: str, removed: str, *, opens_sources: bool) -> FileChange:
    renamed = entry.status == "R"
    return FileChange(
        path=_shown(entry.path),
        change=_change(entry),
        old_path=_shown(entry.old_path) if renamed else None,
        added=0 if added == "-" else int(added),
        removed=0 if removed == "-" else int(removed),
        binary=added == "-",
        sensitive=opens_sources
        or is_sensitive(entry.path)
        or (renamed and is_sensitive(entry.old_path))
        or (entry.new_mode == _EXECUTABLE and entry.old_mode != _EXECUTABLE),
    )


def _change(entry: _Raw) -> Change:
    match entry.status:
        case "A":
            return "added"
        case "D":
            return "deleted"
        case "R":
            return "renamed"
        case _:
            return "mode" if entry.old_blob == entry.new_blob else "modified"


def _shown(path: str) -> str:
    """Fit for JSON and SQLite: a name that is no UTF-8 keeps its look, not its bytes."""
    return path.encode(errors="surrogateescape").decode(errors="replace")
