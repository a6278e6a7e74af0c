"""What a patch does, as the thread shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.story_fields import integer, sequence, string

MAX_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    path: str
    change: str = "modified"
    old_path: str = ""
    added: int = 0
    removed: int = 0
    binary: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchView:
    files: tuple[FileView, ...] = ()
    count: int = 0
    """Of files, also those that ``files`` leaves out."""
    added: int = 0
    removed: int = 0

    @property
    def sensitive(self) -> tuple[FileView, ...]:
        return tuple(file for file in self.files if file.sensitive)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> PatchView:
        found = [item for item in sequence(payload, "files") if isinstance(item, dict)]
        # Sensitive files first: none of them may fall off the end.
        found.sort(key=lambda item: item.get("sensitive") is not True)
        return cls(
            files=tuple(_file(item) for item in found[:MAX_FILES]),
            count=len(found),
            added=integer(payload, "added"),
            removed=integer(payload, "removed"),
        )


NO_PATCH = PatchView()


def _file(item: dict[str, Any]) -> FileView:
    return FileView(
        path=string(item, "path", 1000),
        change=string(item, "change") or "modified",
        old_path=string(item, "old_path", 1000),
        added=integer(item, "added"),
        removed=integer(item, "removed"),
        binary=item.get("binary") is True,
        sensitive=item.get("sensitive") is True,
    )
