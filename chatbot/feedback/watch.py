"""Looks at every open pull request and at the issues that may ask, in turns or when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial

import structlog

from chatbot.actions import Actions
from chatbot.config import Settings
from chatbot.feedback.issues import IssueReader
from chatbot.feedback.reader import PullReader
from chatbot.forge.errors import ForgeConflict, ForgeError, ForgeForbidden
from chatbot.forge.github import GitHubForge
from chatbot.history import pulls
from chatbot.history.pulls import WatchedPull
from chatbot.publish_rules import issue_repositories, publish_rules
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 0.3
"""A webhook's siblings come together: one look serves them all."""


class Watch:
    """One look after the other. ``wake`` is what a webhook calls."""

    def __init__(
        self, settings: Settings, actions: Actions, forge: GitHubForge, issues: IssueReader
    ) -> None:
        self._settings = settings
        self._actions = actions
        self._history = actions.history
        self._forge = forge
        self._reader = PullReader(forge.identity, clock=actions.clock)
        self._issues = issues
        self._woken: set[str] = set()
        self._wake = asyncio.Event()

    def wake(self, repository: str) -> None:
        """Something has happened there."""
        self._woken.add(repository)
        self._wake.set()

    async def run(self) -> None:
        pause = self._settings.forge.poll_seconds or None
        # What was told while nobody was here.
        await self.look()
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                await self.look()
                continue
            await asyncio.sleep(SETTLE_SECONDS)
            self._wake.clear()
            woken, self._woken = self._woken, set()
            for repository in woken:
                await self.look(repository)

    async def look(self, repository: str | None = None) -> None:
        """At everything, or at one repository; what fails is told to the log and tried again."""
        try:
            watched = await self._history.read(partial(pulls.open_pulls, repository=repository))
            for pull in watched:
                if publish_rules(self._settings, pull.repository).feedback:
                    await self._try(self.look_at(pull), f"{pull.repository}#{pull.number}")
            for name in issue_repositories(self._settings):
                if repository in {None, name}:
                    await self._try(self._issues.look(name), name)
        except ThreadsmithError as error:
            # The forge cannot be reached, or wants to be left alone: so it is until the next look.
            log.warning("forge_unread", error=str(error))

    async def _try(self, work: Awaitable[None], what: str) -> None:
        """One pull request's trouble is not another's; the forge's is everybody's."""
        try:
            await work
        except (ForgeForbidden, ForgeConflict) as error:
            log.warning("forge_unread", what=what, error=str(error))
        except ForgeError:
            raise
        except ThreadsmithError as error:
            log.warning("forge_unread", what=what, error=str(error))
        except (KeyError, TypeError, ValueError, AttributeError):
            log.exception("forge_misread", what=what)

    async def look_at(self, pull: WatchedPull) -> None:
        name, number = pull.repository, pull.number
        look = await self._reader.look(name, number, pull.seen)
        if look.is_news:
            await self._actions.record_feedback(name, number, look.news(), look.seen)
        elif look.seen != pull.seen:
            await self._actions.record_seen(name, number, look.seen)
        if look.state != "open":
            removed = False
            if publish_rules(self._settings, name).delete_branch and look.branch:
                await self._forge.delete_branch(name, look.branch)
                removed = True
            await self._actions.pull_ended(
                name, number, look.state, by=look.ended_by, branch_removed=removed
            )
