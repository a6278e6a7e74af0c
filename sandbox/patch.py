"""Patches from containers: untrusted bytes, checked by applying them to an index of our own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Change = Literal["added", "modified", "deleted", "renamed", "mode"]


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
    """A file whose change deserves a second look: workflows, CODEOWNERS, our own settings."""


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


async def check_patch(
    mirror: Path, commit: str, patch: bytes, *, limit_bytes: int
) -> PatchSummary:
    """Apply the patch to a temporary index over ``commit``; raises PatchRefused.

    No working tree is ever made, so no hook, filter or link can act. The resulting tree's objects
    are written to the bare repository.
    """
    raise NotImplementedError
