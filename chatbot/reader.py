"""Reads requests with what is known here: repositories, the channel's own, models' names.

What a person may not ask for is not known to them, and no word of theirs leads to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.config import Settings
from chatbot.gatekeeper import Gatekeeper
from chatbot.models import Person, Thread
from chatbot.repositories import Repositories
from chatbot.request import Request, Vocabulary, plain, understand
from chatbot.request.resolving import MAX_LIKELY, Resolution, resolve
from chatbot.request.short_names import matching
from chatbot.vocabulary import configured_keywords, make_vocabulary
from sandbox.spec import AGENTS

_IN_FULL = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    request: Request
    resolution: Resolution

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person has to know of it."""
        request, notes = self.request, []
        if request.unsure:
            said = ", ".join(f"“{words[:80]}”" for words in request.unsure[:5])
            notes.append(f"Read as part of the task, not as a choice: {said}.")
        if request.agent is not None and not self.agent:
            notes.append(f"{request.agent} is not set up here; Threadsmith's own agent works.")
        return tuple(notes)

    @property
    def agent(self) -> str:
        """The program that was named, where it may do the work here; else empty: as configured."""
        named = self.request.agent or ""
        return named if named in AGENTS else ""


class Reader:
    def __init__(self, settings: Settings, repositories: Repositories) -> None:
        self._settings = settings
        self._repositories = repositories
        self.gatekeepers: dict[str, Gatekeeper] = {}
        """By Slack's team; set by the front that knows its people."""

    async def read(self, words: str, *, thread: Thread | None, person: Person) -> Reading:
        """A request as it is said in a thread, or elsewhere."""
        default = None if thread is None else await self._repositories.of_channel(thread)
        own = None if thread is None else await self._repositories.of_person(thread.team, person)
        named = await self._named(words, thread, person)

        def understood(*more: str) -> Request:
            names = [*named, *more, default, own]
            known = make_vocabulary(self._settings, names, default=default or own)
            return understand(words, known)

        request = understood()
        said = request.unknown
        usual = {name.lower() for name in (default, own) if name}
        if (name := request.repository) is not None and name.lower() not in usual:
            # By less than its name another that the forge lists may be meant as well.
            said = None if name.lower() in words.lower() else name.rpartition("/")[2]
        if said is not None and (found := await self._called(said, thread, person)):
            request = understood(*found)
        keywords = configured_keywords(self._settings)
        resolution = resolve(
            request,
            channel=default,
            person=own,
            keywords={name: keywords[name] for name in await self.usable(keywords, thread, person)},
        )
        return Reading(request=request, resolution=resolution)

    async def read_answer(self, words: str, *, thread: Thread | None, person: Person) -> Request:
        """Said when somebody was asked for the repository: its name alone is enough."""
        named = await self._named(words, thread, person)
        request = understand(words, make_vocabulary(self._settings, named))
        if request.repository is None:
            found = await self._called(plain(words).strip(" `.!。"), thread, person)
            if len(found) == 1:
                return Request(task="", repository=found[0])
        return request

    async def likely(
        self, reading: Reading, *, thread: Thread | None, person: Person
    ) -> tuple[str, ...]:
        """For the buttons: what may be meant, then what was used last; all, where it is few."""
        known = await self._repositories.known()
        offered = known if len(known) <= MAX_LIKELY else await self._repositories.familiar()
        shown = await self.usable(offered, thread, person, aloud=True, limit=MAX_LIKELY)
        return tuple(dict.fromkeys([*reading.resolution.likely, *shown]))[:MAX_LIKELY]

    async def usable(
        self,
        names: Iterable[str],
        thread: Thread | None,
        person: Person,
        *,
        aloud: bool = False,
        limit: int | None = None,
    ) -> tuple[str, ...]:
        """Those that the person may ask for; outside of Slack nobody is kept out.

        ``aloud``: and that may be named to everybody who reads the thread.
        """
        gatekeeper = self.gatekeeper(thread)
        if gatekeeper is None or thread is None:
            return tuple(names)[:limit]
        is_shared = aloud and not thread.channel.startswith("D")
        heard = await self._repositories.heard_of(thread) if is_shared else None
        return await gatekeeper.usable(names, person, thread.channel, heard=heard, limit=limit)

    def gatekeeper(self, thread: Thread | None) -> Gatekeeper | None:
        """Of the workspace that the thread is in."""
        return None if thread is None else self.gatekeepers.get(thread.team)

    async def _named(self, words: str, thread: Thread | None, person: Person) -> tuple[str, ...]:
        """The familiar ones, and of those that the forge lists whatever is named in full.

        By less than that a listed one is meant only where it is called a repository: among
        thousands there is one for nearly every word.
        """
        said = {name.strip(".-") for name in _IN_FULL.findall(words.lower())}
        listed = [one.name for one in await self._repositories.listed() if said]
        spoken = [name for name in listed if name.lower() in said]
        return await self.usable([*await self._repositories.familiar(), *spoken], thread, person)

    async def _called(self, said: str, thread: Thread | None, person: Person) -> tuple[str, ...]:
        """Every known one of that short name; of those spelt alike the very one."""
        names = matching(said, Vocabulary(repositories=await self._repositories.known()))
        return await self.usable(names, thread, person)
