"""Rules for paths that strangers name: in patches, in archives. Pure."""

from __future__ import annotations

import re

MAX_LINK_BYTES = 4096
MAX_DEPTH = 64
MAX_PATH_BYTES = 4096

# Code points that HFS+ leaves out when it compares names; git knows the same list (utf8.c).
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def is_git_name(component: str) -> bool:
    """Whether some file system takes the name for `.git`: HFS+, NTFS and plain ones."""
    plain = _IGNORED_BY_HFS.sub("", component).casefold()
    # NTFS drops trailing dots and blanks, and what follows a colon names a stream of the file.
    plain = plain.partition(":")[0].rstrip(" .")
    return plain in (".git", "git~1")


def path_problem(path: str) -> str | None:
    """Why a path may not stand in a tree; None where it may."""
    if not path or path.startswith("/"):
        return "is absolute"
    components = re.split(r"[/\\]", path)
    if any(part == ".." for part in components):
        return "climbs out of the tree"
    if any(is_git_name(part) for part in components):
        return "reaches into git's own folder"
    if any(part in ("", ".") for part in path.split("/")):
        return "is no plain path"
    if len(components) > MAX_DEPTH or len(path.encode(errors="surrogateescape")) > MAX_PATH_BYTES:
        return "is too deep or too long"
    return None


def link_problem(path: str, target: str) -> str | None:
    """Why a symbolic link at ``path`` may not stand in a tree; None where it may.

    `..` may only lead: after a folder's name it could follow another link, and then the way out
    cannot be read from the words alone.
    """
    if (
        not target
        or "\0" in target
        or len(target.encode(errors="surrogateescape")) > MAX_LINK_BYTES
    ):
        return "has no usable target"
    if target.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", target):
        return "points to an absolute path"
    parts = [part for part in target.split("/") if part not in ("", ".")]
    rises = 0
    while rises < len(parts) and parts[rises] == "..":
        rises += 1
    if rises > path.count("/") or ".." in parts[rises:]:
        return "points out of the tree"
    if any(is_git_name(part) for part in parts):
        return "points into git's own folder"
    return None
