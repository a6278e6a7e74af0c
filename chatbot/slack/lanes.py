"""Calls that Slack counts together go one after the other once it has refused one of them."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_SPACING = 0.5
MAX_SPACING = 4.0
MIN_SPACING = 0.1
"""Below that a lane is free again."""
MAX_WAITING = 1000


@dataclass(slots=True)
class _Lane:
    free_at: float = 0.0
    spacing: float = 0.0
    """Seconds between two calls; 0: nothing was refused lately."""
    kept: dict[str, float] = field(default_factory=dict)
    """Whose turn comes when."""


class Lanes:
    """A refusal closes the lane; from its end each caller has a turn of its own.

    Without that all who wait would call at the same moment, to be refused again but for one.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}

    def wait(self, name: str, caller: str, now: float) -> float:
        """Seconds until this caller's turn; 0: now."""
        lane = self._lanes.get(name)
        if lane is None:
            return 0.0
        turn = lane.kept.get(caller)
        if turn is None:
            turn = max(now, lane.free_at)
            lane.free_at = turn + lane.spacing
            if lane.spacing:
                lane.kept[caller] = turn
        if turn > now:
            return turn - now
        lane.kept.pop(caller, None)
        return 0.0

    def refused(self, name: str, seconds: float, now: float) -> None:
        """Nobody is to call for so long."""
        lane = self._lanes.setdefault(name, _Lane())
        if not lane.spacing or not lane.kept:
            lane.spacing = min(MAX_SPACING, max(FIRST_SPACING, 2 * lane.spacing))
        # Calls that were under way are refused together: their turns begin again.
        lane.kept.clear()
        lane.free_at = now + seconds

    def taken(self, name: str) -> None:
        """A call went through."""
        lane = self._lanes.get(name)
        if lane is None:
            return
        lane.spacing *= 0.9
        if len(lane.kept) > MAX_WAITING:
            lane.kept.clear()
        if lane.spacing < MIN_SPACING:
            del self._lanes[name]
