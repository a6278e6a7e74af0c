"""Which environments have to go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sandbox.environments.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept at the most."""

    count: int = 20
    total_bytes: int = 40 * 1024**3
    unused_seconds: float = 14 * 24 * 3600.0


def choose_surplus(
    records: Sequence[Record], bounds: Bounds, *, now: float, in_use: Collection[str]
) -> list[Record]:
    """Everything over a bound, least recently used first; what is in use stays and counts."""
    kept, total = 0, 0
    surplus = []
    for record in sorted(records, key=lambda r: (r.key not in in_use, -r.used_at)):
        fits = (
            kept < bounds.count
            and total + record.size_bytes <= bounds.total_bytes
            and now - record.used_at <= bounds.unused_seconds
        )
        if fits or record.key in in_use:
            kept += 1
            total += record.size_bytes
        else:
            surplus.append(record)
    return surplus[::-1]
