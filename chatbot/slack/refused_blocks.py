"""Kinds of blocks that a workspace does not take: remembered, so that not each message is tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from chatbot.slack.blocks.elements import Content
from chatbot.slack.blocks.text import Block

KEPT_SECONDS = 6 * 3600.0
"""Workspaces learn: after that time they are tried again."""


class RefusedBlocks:
    """Of one workspace, while the program runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[frozenset[str], float] = {}

    def level(self, content: Content) -> int:
        """Where to begin with a message: 0 as meant, 1 with simpler blocks."""
        newer, now = _newer(content), self._clock()
        known = (kinds for kinds, until in self._until.items() if until > now)
        return int(any(kinds <= newer for kinds in known))

    def note(self, content: Content, named: Iterable[str]) -> None:
        """``named``: kinds that the refusal spoke of; else it may have been any newer one."""
        newer = _newer(content)
        for kinds in [frozenset({kind}) for kind in named if kind in newer] or [newer]:
            if kinds:
                self._until[kinds] = self._clock() + KEPT_SECONDS


def _newer(content: Content) -> frozenset[str]:
    """Kinds that only the blocks as meant have."""
    return frozenset(_kinds(content.blocks)) - frozenset(_kinds(content.simple))


def _kinds(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield str(block["type"])
        yield from _kinds(block.get("child_blocks") or ())
