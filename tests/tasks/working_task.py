"""What a working task is, and the catalogue of them: one TOML file each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

CATALOGUE = Path(__file__).parent / "catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One piece of a file: as the model finds it, and as it should be."""

    path: str
    right: str
    wrong: str
    hidden: bool = False
    """It is taken out because it would tell the answer; nobody has to bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTask:
    """A package of the index, what is asked of it, and how one sees that it was done."""

    name: str
    package: str
    """`name==version`."""
    sha256: str
    """Of its source archive."""
    kind: Literal["fault", "feature"]
    request: str
    test: str
    """The package's own tests near the change."""
    check: str
    """A Python program that fails unless the work is done; the model never sees it."""
    changes: tuple[Change, ...]
    source: str = "."
    """The folder that the check imports from."""

    def plant(self, files: dict[str, bytes]) -> dict[str, bytes]:
        """The tree that the model gets. Each piece is there exactly once, right or wrong."""
        planted = dict(files)
        for change in self.changes:
            text = planted[change.path].decode()
            if text.count(change.right) == 1:
                text = text.replace(change.right, change.wrong)
            assert text.count(change.wrong) == 1, (self.name, change.path)
            planted[change.path] = text.encode()
        return planted

    def mend(self, planted: dict[str, bytes]) -> dict[str, bytes]:
        """The tree as one who knows the answer leaves it."""
        mended = dict(planted)
        for change in self.changes:
            if not change.hidden:
                text = mended[change.path].decode()
                mended[change.path] = text.replace(change.wrong, change.right).encode()
        return mended


def load_tasks() -> dict[str, WorkingTask]:
    """Every task by its name, in the order of names."""
    return {path.stem: _load(path) for path in sorted(CATALOGUE.glob("*.toml"))}


def _load(path: Path) -> WorkingTask:
    data: dict[str, Any] = tomllib.loads(path.read_text())
    changes = tuple(Change(**change) for change in data.pop("change"))
    return WorkingTask(name=path.stem, changes=changes, **data)
