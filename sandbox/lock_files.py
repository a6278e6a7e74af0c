"""Lock files: which they are, and where what they name comes from."""

from __future__ import annotations

import re
from typing import Final

LOCK_FILES: Final = re.compile(
    rb"(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?"
    rb"|poetry\.lock|uv\.lock|pdm\.lock|Pipfile\.lock|[\w.-]*requirements[\w.-]*\.txt"
    rb"|environment\.ya?ml|conda-lock\.yml|Cargo\.lock|go\.sum|Gemfile\.lock|composer\.lock"
    rb"|mix\.lock|gradle\.lockfile|packages\.lock\.json|Package\.resolved|flake\.lock)"
)
MAX_READ_BYTES: Final = 8 * 1024**2
_SOURCE: Final = re.compile(
    rb"(?:[a-z][a-z0-9+.-]*://|git@)(?:[^\s/\"'@]*@)?([\w.-]+)", re.IGNORECASE
)
_LOCAL: Final = re.compile(rb"(?:[\"' ]|^)(?:file:|link:|\.\.?/)", re.MULTILINE)


def is_lock_file(path: str) -> bool:
    name = path.rpartition("/")[2].encode(errors="surrogateescape")
    return LOCK_FILES.fullmatch(name) is not None


def has_new_sources(old: bytes, new: bytes) -> bool:
    """Whether the file names a host, or this machine's own files, that it did not name before."""
    hosts = {host.lower() for host in _SOURCE.findall(new)}
    known = {host.lower() for host in _SOURCE.findall(old)}
    return bool(hosts - known) or (bool(_LOCAL.search(new)) and not _LOCAL.search(old))
