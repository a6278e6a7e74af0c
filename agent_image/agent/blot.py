"""Takes a set-up's secrets out of the files it left: the environment outlives the phase."""

from __future__ import annotations

import base64
import os
import stat
from typing import Iterable, Iterator, List
from urllib.parse import quote

_SKIPPED = frozenset({"/proc", "/sys", "/dev", "/run/threadsmith", "/opt/threadsmith"})
MAX_BYTES = 64 * 1024**2
"""A larger file is no place for a password, and would take too long."""


def blot_out(secrets: Iterable[str], *, since: float, root: str = "/") -> List[str]:
    """Overwrite each value in every file that changed since then; answers those files.

    Tools keep passwords in their settings (.npmrc, .netrc, pip.conf): without a network they are
    of no use to the agent, and it should not read them.
    """
    needles = [needle for secret in secrets if secret for needle in _forms(secret.encode())]
    if not needles:
        return []
    return [path for path in _changed(root, since) if _blot(path, needles)]


def _forms(secret: bytes) -> List[bytes]:
    """As it is, and as the tools' settings hold it."""
    return [secret, base64.b64encode(secret), quote(secret, safe="").encode()]


def _changed(root: str, since: float) -> Iterator[str]:
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if os.path.join(place, name) not in _SKIPPED]
        for name in names:
            path = os.path.join(place, name)
            try:
                facts = os.lstat(path)
            except OSError:
                continue
            is_new = max(facts.st_mtime, facts.st_ctime) >= since - 1.0
            if stat.S_ISREG(facts.st_mode) and is_new and 0 < facts.st_size <= MAX_BYTES:
                yield path


def _blot(path: str, needles: List[bytes]) -> bool:
    try:
        with open(path, "rb") as file:
            data = file.read()
        clean = data
        for needle in needles:
            clean = clean.replace(needle, b"*" * len(needle))
        if clean == data:
            return False
        with open(path, "r+b") as file:
            file.write(clean)
    except OSError:
        return False
    return True
