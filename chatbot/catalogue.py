"""The forge's repositories as they are known here: kept, and looked at again now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from chatbot.forge.listing import Listing
from chatbot.history.known import Known, all_known, put_known
from chatbot.history.store import History
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)


class Catalogue:
    """``run`` looks for ever; cancel it to stop. ``all`` never waits for the forge."""

    def __init__(
        self, history: History, listing: Listing, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._history = history
        self._listing = listing
        self._clock = clock
        self._known: tuple[Known, ...] | None = None

    async def all(self) -> tuple[Known, ...]:
        """As they were seen last, maybe by an earlier process; the last pushed to first."""
        if self._known is None:
            self._known = await self._history.read(all_known)
        return self._known

    async def run(self, *, pause_seconds: float) -> None:
        while True:
            await self.look()
            await asyncio.sleep(pause_seconds)

    async def look(self) -> None:
        """What fails is told to the log; what was known before stays."""
        try:
            found = await self._listing.read()
        except ThreadsmithError as error:
            log.warning("repositories_unread", error=str(error))
            return
        except (KeyError, TypeError, ValueError, AttributeError):
            log.exception("repositories_misread")
            return
        await self._history.write(lambda db: put_known(db, found, at=self._clock()))
        self._known = await self._history.read(all_known)
        log.info("repositories_listed", count=len(found))
