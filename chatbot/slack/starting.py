"""Tasks that begin otherwise than by a message: the bot begins the thread, and says who asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from chatbot.config import Settings
from chatbot.history import defaults, queries
from chatbot.history.given import NewGiven
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Person, Task, Thread, shown_model
from chatbot.request import plain
from chatbot.slack.blocks.new_task import Filled, Place, Wanted, make_new_task
from chatbot.slack.blocks.text import Block, escape
from chatbot.slack.given import given_of, said_above
from chatbot.slack.incoming import app_name, read_attachments
from chatbot.slack.message_text import words_of
from chatbot.slack.threads import Threads
from chatbot.slack.uploads import Uploads
from sandbox.errors import ThreadsmithError


class NothingAsked(ThreadsmithError):
    """There is nothing to do in these words."""

    code = "nothing_asked"


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

    async def begin(self, channel: str, person: Person, wanted: Wanted, *, key: str) -> Task:
        """In a thread of its own; raises ThreadNotOpened. Once for each ``key``."""
        place = Thread(team=self._team, channel=channel, thread_ts="", message_ts="")
        wanted = await self._checked(wanted, person, place)
        thread = await self._threads.open(channel, plain(wanted.words), key, by=person.id)
        return await self._ask(wanted, person, thread, key)

    async def begin_at(self, place: Place, person: Person, wanted: Wanted, *, key: str) -> Task:
        """In the thread of a message that stands there already, with all that is given there.

        Where a task is spoken of there, it is a reply to that.
        """
        thread = Thread(
            team=self._team,
            channel=place.channel,
            thread_ts=place.thread_ts,
            message_ts=place.message_ts,
        )
        known = await self._history.read(
            partial(
                queries.find_task_by_thread,
                team=thread.team,
                channel=thread.channel,
                thread_ts=thread.thread_ts,
            )
        )
        if known is None:
            wanted = await self._checked(wanted, person, thread)
        elif not plain(wanted.words):
            raise NothingAsked
        message = await self._threads.message(thread)
        attached = read_attachments(message)
        about = words_of(message)
        if known is not None:
            along = given_of(attached, is_first=False)
            reply = await self._intake.reply(
                known, wanted.words, author=person, key=key, along=along, about=about
            )
            if reply != "duplicate":
                await self._threads.note(thread, plain(wanted.words), by=person.id)
            return known
        archive = await self._uploads.find_archive(attached)
        # A form's words are seen by nobody else: the thread says who asks for what.
        await self._threads.note(thread, plain(wanted.words), by=person.id)
        above = said_above(thread.channel, thread.thread_ts, f"{time.time():.6f}")
        along = [above, *given_of(attached, is_first=True)]
        return await self._ask(
            wanted, person, thread, key, archive=archive, along=along, about=about
        )

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
