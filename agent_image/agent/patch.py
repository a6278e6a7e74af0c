"""The change so far as one patch against the base commit, made without touching git's own index."""

from __future__ import annotations

import os
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

from agent_image.agent.git import GitFailed, git
from agent_image.agent.output import escape_unsafe
from agent_image.agent.places import Places

PREPARED = "threadsmith-prepared"
"""In the .git folder: what the set-up phase changed; untouched since, it is no part of a patch."""

_LINK_TO_REPOSITORY = "160000"
_GIGANTIC = 50
"""Times the patch's limit: so much in new files is not even given to git."""
_RAW = ("--raw", "-r", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
_PATCH = (
    *("-p", "--binary", "--full-index", "-M", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=none"),
)


class PatchProblem(Exception):
    """There is no patch; fatal where the run's work is lost to it."""

    def __init__(self, brief: str, details: str = "", *, is_fatal: bool = True) -> None:
        self.brief = brief
        self.details = details
        self.is_fatal = is_fatal
        super().__init__(brief)


class Patch(NamedTuple):
    data: bytes
    notes: Tuple[str, ...]
    """What people should know: things that are not part of it."""


class _Entry(NamedTuple):
    """One difference to the base commit: modes and blobs, old and new."""

    path: bytes
    old: Tuple[str, str]
    new: Tuple[str, str]


def make_patch(places: Places, base: str, *, limit_bytes: int) -> Patch:
    """Everything that differs from ``base`` and is not ignored; raises PatchProblem."""
    workspace = places.workspace
    index = os.path.join(places.scratch, "index")
    try:
        try:
            _seed(workspace, index)
            return _make(workspace, base, index, limit_bytes)
        except GitFailed:
            # The index itself may be broken; the base commit's is as good, only slower.
            git(workspace, "read-tree", base, index=index)
            return _make(workspace, base, index, limit_bytes)
    except GitFailed as failure:
        raise PatchProblem(
            "The workspace's .git folder was removed or damaged, so the change cannot be read.",
            str(failure),
        ) from failure


def keep_prepared(places: Places, base: str) -> None:
    """Remember what differs from ``base`` right now, so that later patches leave it out."""
    workspace = places.workspace
    index = os.path.join(places.scratch, "index")
    _seed(workspace, index)
    _add(workspace, index)
    changed = git(workspace, "diff-index", "--cached", *_RAW, base, "--", index=index)
    with open(os.path.join(workspace, ".git", PREPARED), "wb") as file:
        file.write(changed)


def _seed(workspace: str, index: str) -> None:
    """A copy: git then knows which files it need not read again, and what was added by force.

    The copy keeps the index's own time: by it git tells which files may have changed within the
    same second, and reads those again. A later time would hide such a change.
    """
    for leftover in (index, index + ".lock"):
        if os.path.lexists(leftover):
            os.unlink(leftover)
    try:
        with open(os.path.join(workspace, ".git", "index"), "rb") as own, open(index, "wb") as copy:
            facts = os.fstat(own.fileno())
            for chunk in iter(lambda: own.read(1024**2), b""):
                copy.write(chunk)
        os.utime(index, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    except OSError as error:
        raise GitFailed(str(error)) from error


def _make(workspace: str, base: str, index: str, limit_bytes: int) -> Patch:
    _check_new_files(workspace, index, limit_bytes)
    notes = _add(workspace, index)
    entries = _entries(git(workspace, "diff-index", "--cached", *_RAW, base, "--", index=index))
    prepared = read_prepared(workspace)
    undone = [entry for entry in entries if _LINK_TO_REPOSITORY in (entry.new[0], entry.old[0])]
    notes += [_nested_note(entry.path) for entry in undone]
    undone += [entry for entry in entries if prepared.get(entry.path) == entry.new]
    if undone:
        lines = [" ".join(entry.old).encode() + b"\t" + entry.path + b"\0" for entry in undone]
        git(workspace, "update-index", "-z", "--index-info", stdin=b"".join(lines), index=index)
    if len(undone) == len(entries):
        return Patch(b"", tuple(notes))
    with open(index + ".patch", "w+b") as file:
        git(workspace, "diff-index", "--cached", *_PATCH, base, "--", index=index, output=file)
        size = file.seek(0, os.SEEK_END)
        if size > limit_bytes:
            raise _too_large(workspace, size, limit_bytes, [entry.path for entry in entries])
        file.seek(0)
        return Patch(file.read(), tuple(notes))


def _add(workspace: str, index: str) -> List[str]:
    """Take the whole tree into the index; answers what could not be taken."""
    add = ("add", "--all", "--ignore-errors", "--", ".")
    try:
        git(workspace, *add, index=index)
        return []
    except GitFailed as failure:
        nested = sorted(_find_repositories(workspace))
        notes = [_nested_note(os.fsencode(path)) for path in nested]
        try:
            excluded = [":(exclude,literal)" + path for path in nested]
            git(workspace, *add, *excluded, index=index)
        except GitFailed:
            # Files that cannot be read are left as they were; the rest was taken.
            notes.append("Not all files could be read: " + str(failure)[:500])
        return notes


def _find_repositories(workspace: str) -> Set[str]:
    found = set()
    for place, folders, names in os.walk(workspace):
        if place != workspace and (".git" in folders or ".git" in names):
            found.add(os.path.relpath(place, workspace))
            folders.clear()
        if ".git" in folders:
            folders.remove(".git")
    return found


def _nested_note(path: bytes) -> str:
    return "`{}` is a git repository of its own; its files are not part of the change.".format(
        _shown(path)
    )


def _entries(raw: bytes) -> List[_Entry]:
    fields = raw.split(b"\0")[:-1]
    entries = []
    for head, path in zip(fields[::2], fields[1::2]):  # noqa: B905 - Python 3.8 has no `strict`
        old_mode, new_mode, old_blob, new_blob, _ = head.decode().lstrip(":").split(" ")
        old = ("0" if old_mode == "000000" else old_mode, old_blob)
        entries.append(_Entry(path, old, (new_mode, new_blob)))
    return entries


def read_prepared(workspace: str) -> Dict[bytes, Tuple[str, str]]:
    """What the set-up phase changed, and to what."""
    try:
        with open(os.path.join(workspace, ".git", PREPARED), "rb") as file:
            return {entry.path: entry.new for entry in _entries(file.read())}
    except OSError:
        return {}


def _check_new_files(workspace: str, index: str, limit_bytes: int) -> None:
    listed = git(workspace, "ls-files", "--others", "--exclude-standard", "-z", index=index)
    paths = listed.split(b"\0")[:-1]
    size = sum(_size(workspace, path) for path in paths)
    if size > limit_bytes * _GIGANTIC:
        raise _too_large(workspace, size, limit_bytes, paths)


def _size(workspace: str, path: bytes) -> int:
    try:
        return os.lstat(os.path.join(os.fsencode(workspace), path)).st_size
    except OSError:
        return 0


def _too_large(workspace: str, size: int, limit_bytes: int, paths: Sequence[bytes]) -> PatchProblem:
    largest = sorted(((_size(workspace, path), path) for path in paths), reverse=True)[:5]
    listing = "\n".join("{:>14,}  {}".format(size, _shown(path)) for size, path in largest)
    brief = "The change has {:,} bytes; the limit is {:,}.".format(size, limit_bytes)
    return PatchProblem(brief, "The largest files:\n" + listing)


def _shown(path: bytes) -> str:
    return escape_unsafe(path.decode(errors="replace"))
