"""Tasks that begin otherwise than by a message: the bot begins the thread, and says who asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from chatbot.history import defaults, queries
from chatbot.history.defaults import Defaults
from chatbot.history.given import NewGiven
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.models import Person, Task, Thread
from chatbot.request import plain
from chatbot.slack.threads import Threads
from sandbox.errors import ThreadsmithError
from sandbox.spec import Mode


class NothingAsked(ThreadsmithError):
    """There is nothing to do in these words."""

    code = "nothing_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person filled in; what is empty is taken from the words or the defaults."""

    words: str
    repository: str = ""
    ref: str = ""
    mode: Mode | None = None


class Starting:
    def __init__(self, history: History, intake: Intake, threads: Threads, *, team: str) -> None:
        self._history = history
        self._intake = intake
        self._threads = threads
        self._team = team

    async def begin(self, channel: str, person: Person, wanted: Wanted, *, key: str) -> Task:
        """In a thread of its own; raises ThreadNotOpened. Once for each ``key``."""
        words = plain(wanted.words)
        if not words:
            raise NothingAsked
        await self._intake.check_begin(
            wanted.words,
            author=person,
            thread=Thread(team=self._team, channel=channel, thread_ts="", message_ts=""),
            repository=wanted.repository or None,
        )
        thread = await self._threads.open(channel, words, key, by=person.id)
        return await self._ask(wanted, person, thread, key)

    async def begin_at(self, thread: Thread, person: Person, wanted: Wanted, *, key: str) -> Task:
        """In the thread of a message that stands there already, with what was said in it.

        Where a task is spoken of there, it is a reply to that.
        """
        words = plain(wanted.words)
        if not words:
            raise NothingAsked
        known = await self._history.read(
            partial(
                queries.find_task_by_thread,
                team=thread.team,
                channel=thread.channel,
                thread_ts=thread.thread_ts,
            )
        )
        if known is not None:
            reply = await self._intake.reply(known, wanted.words, author=person, key=key)
            if reply != "duplicate":
                await self._threads.note(thread, words, by=person.id)
            return known
        await self._intake.check_begin(
            wanted.words, author=person, thread=thread, repository=wanted.repository or None
        )
        # A form's words are seen by nobody else: the thread says who asks for what.
        await self._threads.note(thread, words, by=person.id)
        origin = {
            "from": "slack_thread",
            "channel": thread.channel,
            "thread_ts": thread.thread_ts,
            "before": f"{time.time():.6f}",
        }
        above = NewGiven(kind="text", name="what was said above", origin=origin)
        return await self._ask(wanted, person, thread, key, along=[above])

    async def _ask(
        self,
        wanted: Wanted,
        person: Person,
        thread: Thread,
        key: str,
        along: Sequence[NewGiven] = (),
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
            along=along,
        )

    async def channel_repository(self, channel: str) -> str:
        found = await self._history.read(
            partial(defaults.get, team=self._team, kind="channel", of=channel)
        )
        return found.repository

    async def use(self, channel: str, person: Person, repository: str) -> None:
        """The channel's repository from now on; empty: none."""
        await self._history.write(
            lambda db: defaults.put(
                *(db, self._team, "channel", channel, Defaults(repository=repository)),
                by=person,
                at=time.time(),
            )
        )
