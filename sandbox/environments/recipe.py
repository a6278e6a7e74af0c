"""What an environment is made from, and the key that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.errors import SourceError
from sandbox.git import GitFailed, GitOutputTooLong, git
from sandbox.lock_files import LOCK_FILES
from sandbox.seats import Install
from sandbox.sources.files import read_file
from sandbox.spec import Setup, Tree

SCRIPT_BYTES: Final = 256 * 1024
"""The longest script: a person has to read it."""
_FORMAT: Final = 1
_MAX_LOCK_FILES: Final = 1000
LISTING_BYTES: Final = 192 * 1024**2
"""Of a tree's listing: about two million files. A few hundred bytes may claim a billion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Two runs with equal recipes may share one environment."""

    repository: str
    """The mirror's folder name: one per address, so never shared between repositories."""
    scope: str
    """`default`, or whose unmerged work it holds: that never reaches the default branch's runs."""
    image_id: str
    scripts: tuple[tuple[str, str], ...]
    """Path and SHA-256 of the set-up and the maintenance script."""
    locks: tuple[tuple[str, str], ...]
    """Path and blob of each lock file."""
    variables: tuple[str, ...]
    agent: str = ""
    """What another agent than our own is installed by."""

    @property
    def key(self) -> str:
        parts = [
            *(_FORMAT, self.repository, self.scope, self.image_id),
            *(self.scripts, self.locks, sorted(self.variables)),
            *([self.agent] if self.agent else []),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def seat_key(image_id: str, install: Install, *, home: Path) -> str:
    """Of an image with another agent's program; any repository of one installation may use it.

    ``home`` is where that keeps its records: another one on the same engine has its own image.
    """
    parts = ["seat", _FORMAT, str(home.absolute()), image_id, install.digest]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


async def read_script(tree: Tree, path: str) -> bytes | None:
    """The script as it stands in the commit; None where it is no regular file."""
    return await read_file(tree, path, limit_bytes=SCRIPT_BYTES)


async def hash_scripts(tree: Tree, setup: Setup | None) -> tuple[tuple[str, str], ...]:
    paths = () if setup is None else (setup.path, setup.maintenance)
    found = []
    for path in paths:
        if path is not None and (data := await read_script(tree, path)) is not None:
            found.append((path, hashlib.sha256(data).hexdigest()))
    return tuple(found)


async def find_locks(tree: Tree) -> tuple[tuple[str, str], ...]:
    """Every lock file of the commit."""
    try:
        listing = await git(
            *("ls-tree", "-r", "-z", "--full-tree", tree.commit),
            git_dir=Path(tree.mirror),
            limit=LISTING_BYTES,
        )
    except GitOutputTooLong as error:
        raise SourceError("The tree has too many files.", details=str(error)) from error
    except GitFailed as error:
        raise SourceError("The source could not be read.", details=str(error)) from error
    # One pass in C over what may be a hundred thousand lines.
    pattern = re.compile(
        rb"(?:^|\0)\d{6} blob ([0-9a-f]+)\t((?:[^\0]*/)?%b)(?=\0)" % LOCK_FILES.pattern
    )
    found = [
        (path.decode(errors="surrogateescape"), blob.decode())
        for blob, path in pattern.findall(listing)
    ]
    return tuple(sorted(found)[:_MAX_LOCK_FILES])
