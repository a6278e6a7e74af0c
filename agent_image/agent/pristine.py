"""How the container was before the model came: kept aside, and brought back when it may stay.

A later run finds what a new container would show it: the base commit, the work so far over it, and
nothing of the commands that ran. Only files that git ignores stay in the tree.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import Dict, NamedTuple, Optional, Set, Tuple

from agent_image.agent.git import GitFailed, git
from agent_image.agent.patch import PatchProblem, make_patch, read_prepared
from agent_image.agent.places import Places

MAX_BYTES = 64 * 1024**2
MAX_FILES = 20_000
"""A repository whose own files are more than this is not worth keeping them in memory."""
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")
_OBJECTS = "objects"


class _File(NamedTuple):
    mode: int
    content: bytes
    is_link: bool


class Pristine:
    """Of the repository everything but its objects; of the other places the names."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._git = _read_folder(os.path.join(places.workspace, ".git"))
        own, scratch = os.path.split(places.scratch)
        folders = dict.fromkeys([*_SHARED, own])
        self._shared = {folder: _names(folder) - {scratch} for folder in folders}
        self._home = _facts(places.home)

    def restore(self, places: Places, base: str, patch: bytes, *, limit_bytes: int) -> bool:
        """Bring it back with that patch over it; False where something is not as it was."""
        if self._git is None or not self._clear_places():
            return False
        try:
            os.mkdir(places.scratch, 0o700)
            self._write_git(self._git)
            _lay(places, base, patch)
            return make_patch(places, base, limit_bytes=limit_bytes).data == patch
        except (OSError, GitFailed, PatchProblem):
            return False
        finally:
            shutil.rmtree(places.scratch, ignore_errors=True)

    def _clear_places(self) -> bool:
        """Remove what is new; what was there already must not have changed."""
        for folder, kept in self._shared.items():
            for name in _names(folder) - kept:
                _remove(os.path.join(folder, name))
        home = self._places.home
        for name in _names(home) - self._home.keys():
            _remove(os.path.join(home, name))
        if _facts(home) != self._home:
            return False
        return not any(_names(folder) - kept for folder, kept in self._shared.items())

    def _write_git(self, files: Dict[str, _File]) -> None:
        root = os.path.join(self._places.workspace, ".git")
        for name in _names(root) - {_OBJECTS}:
            _remove(os.path.join(root, name))
        for path, file in files.items():
            target = os.path.join(root, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if file.is_link:
                os.symlink(file.content, os.fsencode(target))
                continue
            with open(target, "wb") as out:
                out.write(file.content)
            os.chmod(target, file.mode)
        for folder in ("refs/heads", "refs/tags"):
            os.makedirs(os.path.join(root, folder), exist_ok=True)


def _lay(places: Places, base: str, patch: bytes) -> None:
    """The index is the base commit with the patch over it; so is the tree, and what set-up made."""
    workspace = places.workspace
    git(workspace, "reset", "--quiet", "--mixed", base)
    if patch:
        git(workspace, "apply", "--binary", "--whitespace=nowarn", "--cached", "-", stdin=patch)
    changed = git(workspace, "diff-index", "--cached", "--name-only", "--no-renames", "-z", base)
    ours = set(changed.split(b"\0"))
    lines = [
        " ".join(entry).encode() + b"\t" + path + b"\0"
        for path, entry in read_prepared(workspace).items()
        if path not in ours
    ]
    index = os.path.join(places.scratch, "index")
    shutil.copyfile(os.path.join(workspace, ".git", "index"), index)
    if lines:
        git(workspace, "update-index", "-z", "--index-info", stdin=b"".join(lines), index=index)
    git(workspace, "checkout-index", "--quiet", "--force", "--all", index=index)
    git(workspace, "clean", "--quiet", "-d", "--force", "--force", index=index)
    git(workspace, "update-index", "-q", "--refresh")


def _names(folder: str) -> Set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _facts(folder: str) -> Dict[str, Tuple[int, int]]:
    """Each file or folder right below it, and for a file when it was changed last."""
    found = {}
    for name in _names(folder):
        facts = os.lstat(os.path.join(folder, name))
        is_folder = stat.S_ISDIR(facts.st_mode)
        found[name] = (stat.S_IFMT(facts.st_mode), 0 if is_folder else facts.st_ctime_ns)
    return found


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            os.unlink(path)
        except OSError:
            pass  # what could not be removed is seen afterwards


def _read_folder(root: str) -> Optional[Dict[str, _File]]:
    """Every file by its path but the objects; None where it is no folder, or holds too much."""
    if not os.path.isdir(root) or os.path.islink(root):
        return None
    found: Dict[str, _File] = {}
    size = 0
    for place, folders, names in os.walk(root):
        if place == root and _OBJECTS in folders:
            folders.remove(_OBJECTS)
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in names + links:
            path = os.path.join(place, name)
            facts = os.lstat(path)
            is_link = stat.S_ISLNK(facts.st_mode)
            if not is_link and not stat.S_ISREG(facts.st_mode):
                continue
            size += facts.st_size
            if size > MAX_BYTES or len(found) >= MAX_FILES:
                return None
            if is_link:
                content = os.fsencode(os.readlink(path))
            else:
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, root)] = _File(facts.st_mode & 0o777, content, is_link)
    return found
