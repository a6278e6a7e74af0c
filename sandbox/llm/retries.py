"""Tries a reply again where it broke off for a reason that passes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from sandbox.errors import ProviderError
from sandbox.llm.provider import Reply

ATTEMPTS: Final = 3
"""Of one reply whose stream breaks off; before it begins the SDKs retry by themselves."""
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; doubled for each one after it."""


class Passing(Exception):
    """The reply broke off; another attempt may fare better."""

    def __init__(self, failure: ProviderError) -> None:
        super().__init__(failure.brief)
        self.failure = failure
        """What it is if it does not."""


THOUGHT: Final = 2
"""A model that thinks has as much for it as for its answer, and providers count both together."""
SENSELESS: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What an event raises that is not what the protocol says: the SDKs do not check them."""


async def persist(attempt: Callable[[], Awaitable[Reply]], *, attempts: int) -> Reply:
    """The first whole reply; after so many attempts the last failure is raised."""
    for number in range(attempts):
        try:
            return await attempt()
        except Passing as passing:
            if number == attempts - 1:
                raise passing.failure from passing
            # Not all runs at once: what overloaded the server would do so again.
            await asyncio.sleep(PAUSE_SECONDS * 2**number * random.uniform(0.75, 1.25))  # noqa: S311
    raise AssertionError
