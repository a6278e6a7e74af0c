"""How often a message is edited, so that all together keep the rate of a workspace. Pure."""

from __future__ import annotations

from chatbot.slack.slots import Slot

UPDATE_SECONDS = 3.0
"""Slack asks for no more than one edit of a message in this time."""
LIVE_SECONDS = 1.5
"""Slack takes about 50 edits a minute of all messages together: each live run adds its share."""
WAITING_SECONDS = 6.0
"""When a run ends, the places of all that wait move: they share what the live ones leave."""


def pace(slot: Slot, *, live: int, waiting: int) -> float:
    """Seconds between two edits of the slot's message, while so many runs work and wait."""
    if slot.is_final or not slot.is_paced:
        # What it ends with stands beside the result: it is not to say "Working…" for long.
        return UPDATE_SECONDS
    share = WAITING_SECONDS * waiting if slot.is_waiting else LIVE_SECONDS * live
    return max(UPDATE_SECONDS, share)
