"""Fields of an event's payload, whatever stands in them: a container may have sent it."""

from __future__ import annotations

from typing import Any


def string(payload: dict[str, Any], name: str, limit: int = 200) -> str:
    value = payload.get(name)
    return value[:limit] if isinstance(value, str) else ""


def integer(payload: dict[str, Any], name: str) -> int:
    value = payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def number(payload: dict[str, Any], name: str) -> float:
    value = payload.get(name)
    # JSON can hold numbers that are too large for anything.
    return float(value) if isinstance(value, int | float) and abs(value) < 1e15 else 0.0


def sequence(payload: dict[str, Any], name: str) -> list[Any]:
    value = payload.get(name)
    return value if isinstance(value, list) else []


def mapping(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def strings(payload: dict[str, Any], name: str, limit: int) -> tuple[str, ...]:
    """At most so many of the list's texts, each cut to a line's length."""
    return tuple(item[:500] for item in sequence(payload, name)[:limit] if isinstance(item, str))
