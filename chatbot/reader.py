"""Reads requests with what is known here: repositories, the channel's own, models' names."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.config import Settings
from chatbot.models import Person, Thread
from chatbot.repositories import Repositories
from chatbot.request import Request, plain, understand
from chatbot.request.resolving import Resolution, resolve
from chatbot.request.short_names import matching
from chatbot.vocabulary import configured_keywords, make_vocabulary
from sandbox.spec import AGENTS


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
        if request.count > 1:
            notes.append(f"One attempt is made: {request.count} at a time are not offered yet.")
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

    async def read(self, words: str, *, thread: Thread | None, person: Person) -> Reading:
        """A request as it is said in a thread, or elsewhere."""
        default = None if thread is None else await self._repositories.of_channel(thread)
        own = None if thread is None else await self._repositories.of_person(thread.team, person)
        known = await self._repositories.known()
        vocabulary = make_vocabulary(
            self._settings, [*known, default, own], has_default=bool(default or own)
        )
        request = understand(words, vocabulary)
        resolution = resolve(
            request,
            channel=default,
            person=own,
            keywords=configured_keywords(self._settings),
            known=vocabulary.repositories,
        )
        return Reading(request=request, resolution=resolution)

    async def read_answer(self, words: str) -> Request:
        """Said when somebody was asked for the repository: its name alone is enough."""
        vocabulary = make_vocabulary(self._settings, await self._repositories.known())
        request = understand(words, vocabulary)
        if request.repository is None:
            named = matching(plain(words).strip(" `.!。"), vocabulary)
            if len(named) == 1:
                return Request(task="", repository=named[0])
        return request
