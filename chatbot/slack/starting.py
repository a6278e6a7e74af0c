"""Tasks that begin otherwise than by a message: the bot begins the thread, and says who asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from chatbot.config import Settings
from chatbot.history import defaults, delivery, queries, unbegun
from chatbot.history.given import NewGiven
from chatbot.history.store import History, HistoryUnavailable
from chatbot.intake import Intake
from chatbot.models import Person, Task, Thread, shown_model
from chatbot.request import plain
from chatbot.slack.blocks.new_task import Filled, Place, Wanted, make_new_task
from chatbot.slack.blocks.text import Block, escape
from chatbot.slack.faults import explain
from chatbot.slack.given import given_of, said_above
from chatbot.slack.incoming import app_name, read_attachments
from chatbot.slack.message_text import words_of
from chatbot.slack.threads import PlaceRefused, Threads
from chatbot.slack.uploads import Uploads
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

PAUSES_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""While Slack is at fault."""


class NothingAsked(ThreadsmithError):
    """There is nothing to do in these words."""

    code = "nothing_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody sent and is to begin."""

    key: str
    place: Place
    person: Person
    wanted: Wanted

    def to_json(self) -> dict[str, Any]:
        return {name: asdict(getattr(self, name)) for name in ("place", "person", "wanted")}

    @classmethod
    def from_json(cls, key: str, what: dict[str, Any]) -> Asked:
        return cls(
            key=key,
            place=Place(**what["place"]),
            person=Person(**what["person"]),
            wanted=Wanted(**what["wanted"]),
        )


class Starting:
    def __init__(
        self,
        settings: Settings,
        history: History,
        intake: Intake,
        threads: Threads,
        uploads: Uploads,
        *,
        team: str,
    ) -> None:
        self._settings = settings
        self._history = history
        self._intake = intake
        self._threads = threads
        self._uploads = uploads
        self._team = team

    async def form(
        self, user_id: str, *, channel: str = "", message: dict[str, Any] | None = None
    ) -> Block:
        """For a new task, filled with what is settled here; ``message``: what it is about."""
        person = Person(user_id, user_id)
        thread = Thread(team=self._team, channel=channel, thread_ts="", message_ts="")
        own = await self._history.read(
            partial(defaults.get, team=self._team, kind="person", of=user_id)
        )
        of_channel = await self._intake.repositories.of_channel(thread) if channel else None
        filled = Filled(
            channel=channel,
            repository=of_channel or own.repository,
            model=own.model,
            usual_model=shown_model(self._settings.model.default),
        )
        if message is None:
            return make_new_task(filled)
        words = words_of(message)
        named = await self._intake.named_in(escape(words), author=person, thread=thread)
        filled = replace(
            filled,
            repository=named or filled.repository,
            words=words,
            thread_ts=str(message.get("thread_ts") or message["ts"]),
            message_ts=str(message["ts"]),
            author=(str(message.get("user") or ""), app_name(message)),
            files=len(read_attachments(message)),
        )
        return make_new_task(filled)

    async def take(self, place: Place, person: Person, wanted: Wanted, *, key: str) -> Asked:
        """Check and store it, with no word in Slack yet; raises ThreadsmithError.

        What is stored is begun, also where the program ends in between.
        """
        thread = self._thread(place)
        if await self._task_in(thread) is None:
            wanted = await self._checked(wanted, person, thread)
        elif not plain(wanted.words):
            raise NothingAsked
        asked = Asked(key=key, place=place, person=person, wanted=wanted)
        now = time.time()
        await self._history.write(
            partial(unbegun.put, key=key, team=self._team, what=asked.to_json(), at=now)
        )
        return asked

    async def begin(self, asked: Asked, *, is_again: bool = False) -> Task:
        """In a thread of its own, or that of the message it is about; once for each key.

        Tried again while Slack is at fault; raises what refuses it for good. ``is_again``: an
        earlier process may have done a part.
        """
        pauses = iter(PAUSES_SECONDS)
        while True:
            try:
                if asked.place.message_ts:
                    task = await self._begin_at(asked, is_again=is_again)
                else:
                    task = await self._begin_new(asked)
            except ThreadsmithError as error:
                pause = next(pauses, None)
                if pause is None or not _is_passing(error):
                    await self._history.write(partial(unbegun.drop, key=asked.key))
                    raise
                log.info("begins_later", key=asked.key, reason=error.details)
                await asyncio.sleep(pause)
                is_again = True
            else:
                await self._history.write(partial(unbegun.drop, key=asked.key))
                return task

    async def go_on(self, asked: Asked, *, is_again: bool = False) -> None:
        """`begin`, where nobody waits for it: who asked is told of a refusal, with their words."""
        try:
            await self.begin(asked, is_again=is_again)
        except ThreadsmithError as error:
            words = "\n".join(f"> {line}" for line in asked.wanted.words.splitlines())
            await self._threads.tell(asked.person.id, f"{explain(error)}\n{words}")

    async def left(self) -> list[Asked]:
        """What an earlier process stored and did not begin."""
        found = await self._history.read(partial(unbegun.left, team=self._team))
        return [Asked.from_json(key, what) for key, what in found]

    async def _begin_new(self, asked: Asked) -> Task:
        """Where a thread was begun for the key before, it is found again in any case."""
        words, person = plain(asked.wanted.words), asked.person
        thread = await self._threads.open(asked.place.channel, words, asked.key, by=person.id)
        return await self._ask(asked.wanted, person, thread, asked.key)

    async def _begin_at(self, asked: Asked, *, is_again: bool) -> Task:
        """With all that is given there. Where a task is spoken of, it is a reply to that."""
        thread, wanted, person = self._thread(asked.place), asked.wanted, asked.person
        message = await self._threads.message(thread)
        attached = read_attachments(message)
        about = words_of(message)
        known = await self._task_in(thread)
        if known is not None and not (is_again and await self._is_seen(asked.key)):
            along = given_of(attached, is_first=False)
            reply = await self._intake.reply(
                known, wanted.words, author=person, key=asked.key, along=along, about=about
            )
            if reply == "duplicate":
                return known
        archive = await self._uploads.find_archive(attached) if known is None else None
        # A form's words are seen by nobody else: the thread says who asks for what.
        await self._threads.note(
            thread, plain(wanted.words), asked.key, by=person.id, is_again=is_again
        )
        if known is not None:
            return known
        above = said_above(thread.channel, thread.thread_ts, f"{time.time():.6f}")
        along = [above, *given_of(attached, is_first=True)]
        return await self._ask(
            wanted, person, thread, asked.key, archive=archive, along=along, about=about
        )

    def _thread(self, place: Place) -> Thread:
        return Thread(
            team=self._team,
            channel=place.channel,
            thread_ts=place.thread_ts,
            message_ts=place.message_ts,
        )

    async def _task_in(self, thread: Thread) -> Task | None:
        if not thread.thread_ts:
            return None
        return await self._history.read(
            partial(
                queries.find_task_by_thread,
                team=thread.team,
                channel=thread.channel,
                thread_ts=thread.thread_ts,
            )
        )

    async def _is_seen(self, key: str) -> bool:
        return await self._history.read(partial(delivery.is_seen, key=key))

    async def _checked(self, wanted: Wanted, person: Person, thread: Thread) -> Wanted:
        """Raise where it would begin nothing, while the person can still put it right."""
        if not plain(wanted.words):
            raise NothingAsked
        if wanted.is_usual and await self._intake.named_in(
            wanted.words, author=person, thread=thread
        ):
            # Nobody chose the menu's: what the words name was.
            wanted = replace(wanted, repository="")
        await self._intake.check_begin(
            wanted.words,
            author=person,
            thread=thread,
            repository=wanted.repository or None,
            ref=wanted.ref,
            model=wanted.model,
            image=wanted.image,
        )
        return wanted

    async def _ask(
        self,
        wanted: Wanted,
        person: Person,
        thread: Thread,
        key: str,
        *,
        archive: Path | None = None,
        along: Sequence[NewGiven] = (),
        about: str = "",
    ) -> Task:
        return await self._intake.ask(
            wanted.words,
            author=person,
            origin="slack",
            thread=thread,
            key=key,
            repository=wanted.repository or None,
            ref=wanted.ref or None,
            mode=wanted.mode,
            model=wanted.model or None,
            image=wanted.image or None,
            draft=wanted.draft,
            archive=archive,
            along=along,
            about=about,
        )


def _is_passing(error: ThreadsmithError) -> bool:
    if isinstance(error, PlaceRefused):
        return error.is_passing
    return isinstance(error, HistoryUnavailable)
