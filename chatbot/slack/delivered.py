"""What a thread was given, kept in the projection so that nothing is posted twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Sent:
    """One message as it stands in Slack."""

    ts: str
    """Empty where there is nothing to edit: a file, a message that was deleted or refused."""
    digest: str = ""
    """Of what it shows; empty: unknown."""
    level: int = 0
    """How far its blocks had to be made simpler: 0 as meant, 1 old blocks, 2 words alone."""
    sent_at: float = 0.0
    """When it was last written."""
    edited_at: float = 0.0
    """When it was last edited; 0: never."""


@dataclass(slots=True, kw_only=True)
class Delivered:
    """By slot key, and the reaction on each message by its ts."""

    messages: dict[str, Sent] = field(default_factory=dict)
    reactions: dict[str, str] = field(default_factory=dict)
    presence: str = ""
    """What Slack was last told that the bot does here; `refused` where it does not take it."""
    presence_at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Delivered:
        messages = {key: Sent(**sent) for key, sent in data.get("messages", {}).items()}
        return cls(
            messages=messages,
            reactions=dict(data.get("reactions", {})),
            presence=str(data.get("presence", "")),
            presence_at=float(data.get("presence_at", 0.0)),
        )
