"""The repositories that are known here, found by what people type of their names."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from sqlite_utils import Database

from chatbot.config import Settings
from chatbot.history import defaults
from chatbot.history.known import Known
from chatbot.history.store import History
from chatbot.history.used import heard_of, used_repositories
from chatbot.models import Person, Thread
from chatbot.vocabulary import channel_repository, configured_repositories
from sandbox.errors import SourceError
from sandbox.sources.addresses import check_address

Listed = Callable[[], Awaitable[Sequence[Known]]]
"""What the forge itself lists; empty where it does not tell."""
MAX_OPTIONS = 100
"""Slack's limit of a select."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
"""A repository of the forge, as `owner/name`."""


async def nothing_listed() -> Sequence[Known]:
    return ()


class Repositories:
    """From the configuration, from the past, and from the forge.

    Not everybody may know of each: see `chatbot.gatekeeper`.
    """

    def __init__(
        self, settings: Settings, history: History, *, listed: Listed = nothing_listed
    ) -> None:
        self._settings = settings
        self._history = history
        self.listed = listed

    async def familiar(self) -> tuple[str, ...]:
        """Worked in here before, the last used first, or named by the configuration."""
        used = await self._history.read(used_repositories)
        return _once([*used, *configured_repositories(self._settings)])

    async def known(self) -> tuple[str, ...]:
        """The familiar ones come first."""
        return _once([*await self.familiar(), *(one.name for one in await self.listed())])

    async def heard_of(self, thread: Thread) -> frozenset[str]:
        """No secret in the thread's channel, in small letters."""
        used = await self._history.read(partial(heard_of, team=thread.team, channel=thread.channel))
        return frozenset(name.lower() for name in [*used, await self.of_channel(thread)] if name)

    async def search(self, typed: str) -> tuple[str, ...]:
        """Those that hold what was typed, the nearest first."""
        return rank(typed, await self.known())

    async def public(self) -> frozenset[str]:
        """What everybody may know of, in small letters."""
        return frozenset(one.name.lower() for one in await self.listed() if not one.is_private)

    async def of_channel(self, thread: Thread) -> str | None:
        """What was said in the channel, else what the configuration says."""
        said = await self._history.read(
            partial(defaults.get, team=thread.team, kind="channel", of=thread.channel)
        )
        return said.repository or channel_repository(self._settings, thread.channel)

    async def settle(self, team: str, channel: str, repository: str, by: Person) -> str:
        """The channel's repository from now on, empty: none; answers what people are told."""
        forge = f"{self._settings.forge.url.rstrip('/')}/"
        short = repository.removeprefix(forge).removesuffix(".git")
        name = short if NAME.fullmatch(short) else repository
        now = time.time()

        def change(db: Database) -> None:
            before = defaults.get(db, team, "channel", channel)
            chosen = replace(before, repository=name)
            defaults.put(db, team, "channel", channel, chosen, by=by, at=now)

        await self._history.write(change)
        if name:
            return f"Requests here that name no repository are about `{name}` from now on."
        if configured := channel_repository(self._settings, channel):
            return f"Forgotten. The configuration has `{configured}` for this channel."
        return "Forgotten: requests here have to name their repository."

    async def of_person(self, team: str, person: Person) -> str | None:
        """What they settled on for themselves."""
        own = await self._history.read(
            partial(defaults.get, team=team, kind="person", of=person.id)
        )
        return own.repository or None


def is_whole(typed: str) -> bool:
    """Whether it is a repository's name in full, or the address of one."""
    if NAME.fullmatch(typed):
        return True
    try:
        check_address(typed)
    except SourceError:
        return False
    return True


def _once(names: Sequence[str]) -> tuple[str, ...]:
    """Each repository by the first of its spellings."""
    return tuple({name.lower(): name for name in reversed(names)}.values())[::-1]


def rank(typed: str, names: Sequence[str]) -> tuple[str, ...]:
    """A name's own beginning before its middle; each part of what was typed has to be there."""
    parts = re.split(r"[\s/]+", typed.strip().lower())
    parts = [part for part in parts if part]
    found = []
    for place, name in enumerate(names):
        whole = name.lower()
        if not all(part in whole for part in parts):
            continue
        tail = whole.rpartition("/")[2]
        near = 0 if not parts or tail == parts[-1] else 1 if tail.startswith(parts[-1]) else 2
        found.append((near, place, name))
    return tuple(name for _, _, name in sorted(found))
