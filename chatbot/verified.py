"""What the host found when it tried a change in a clean container, for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.story_fields import mapping, number, sequence, string


@dataclass(frozen=True, slots=True)
class Checked:
    """One command that was run."""

    command: str
    said: str
    """What its output sums up to, else how it ended."""
    is_fine: bool
    output: str


@dataclass(frozen=True, slots=True)
class Verified:
    state: str
    """`verified`, `failed` or `unverified`; empty: there was nothing to verify."""
    reason: str
    checks: tuple[Checked, ...]

    @property
    def headline(self) -> str:
        match self.state:
            case "verified":
                return "Verified in a clean container"
            case "failed":
                return "Failed in a clean container"
            case "unverified":
                return f"Not verified: {self.reason}" if self.reason else "Not verified"
            case _:
                return ""


def read_verified(ended: dict[str, Any]) -> Verified:
    """Out of a `run_finished`, whatever it holds."""
    found = mapping(ended, "verification")
    checks = [_checked(item) for item in sequence(found, "checks") if isinstance(item, dict)]
    state = string(found, "state", 20)
    known = state if state in {"verified", "failed", "unverified"} else ""
    return Verified(known, string(found, "reason", 300), tuple(checks[:10]))


def _checked(item: dict[str, Any]) -> Checked:
    code = item.get("exit_code")
    seconds = number(item, "seconds")
    ended = "took too long" if code is None else ("passed" if code == 0 else f"exit {code}")
    said = string(item, "summary", 200) or ended
    took = f" ({seconds:.1f} s)" if seconds else ""
    output = string(item, "output", 8000)
    return Checked(string(item, "command", 1000), f"{said}{took}", code == 0, output)
