"""Takes what people say in Slack: a new task, or a reply to one; stored before it is acknowledged.

Slack delivers a message again until it is acknowledged, and a mention twice in any case, as
mention and as message. What was taken is known by the message's own key.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.history import apps, delivery, muting, queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Person, Task, Thread
from chatbot.request import find_default, find_link
from chatbot.request.asides import find_mute, is_aside
from chatbot.request.small_talk import asks_nothing
from chatbot.slack.admission import Admission
from chatbot.slack.command_line import HOW_TO_ASK, is_question, read_command
from chatbot.slack.commands import Commands
from chatbot.slack.given import given_with, words_for
from chatbot.slack.incoming import Incoming
from chatbot.slack.people import People
from chatbot.slack.uploads import Uploads

log = structlog.get_logger(__name__)

MAX_REFUSED = 1000
APPS_IN_TURN = 3
APP_TASKS_PER_HOUR = 30
ENOUGH = (
    f"Other apps have spoken {APPS_IN_TURN} times in turn here. I listen to them again once a"
    " person has said something."
)
_ANSWERS = {
    "repository_needed": "I could not read a repository in that. Pick one above, or reply with"
    " `owner/name`.",
    "nothing_to_stop": "Nothing is running here.",
    "no_pull_request": "There is no open pull request here.",
}


class Reception:
    """One message at a time in each thread, in the order in which they came."""

    def __init__(
        self,
        history: History,
        actions: Actions,
        intake: Intake,
        *,
        client: AsyncWebClient,
        people: People,
        uploads: Uploads,
        linking: Linking,
        admission: Admission,
    ) -> None:
        self._history = history
        self._actions = actions
        self._intake = intake
        self._client = client
        self._people = people
        self._uploads = uploads
        self._linking = linking
        self._admission = admission
        self.commands: Commands | None = None
        """What is asked for by a word alone, as in `/code list`; set by the front."""
        self._refused: set[tuple[str, str]] = set()
        """Who was told in which thread, so that talk among guests is not answered each time."""
        self._apps: set[str] = set()
        """Those that are no people, of all who spoke."""
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def take(self, said: Incoming) -> None:
        if said.thread_ts is None and not said.is_addressed:
            return
        thread_ts = said.thread_ts or said.ts
        async with self.lock(said.channel, thread_ts):
            task, is_seen = await self._history.read(
                lambda db: (
                    queries.find_task_by_thread(db, said.team, said.channel, thread_ts),
                    delivery.is_seen(db, said.key),
                )
            )
            if is_seen or (task is None and not said.is_addressed):
                return
            if not await self._is_for_us(said, task) or await self._is_going_round(said, task):
                await self._actions.first_sight(said.key)
                return
            author = await self._author(said)
            login = find_link(said.words) if said.is_addressed else None
            if login is not None:
                await self._say(said, await self._linking.link(author, login))
            elif task is None and self.commands is not None and is_question(said.words):
                await self._show(said, self.commands)
            elif task is None and (repository := find_default(said.words)) is not None:
                told = await self._intake.repositories.settle(
                    said.team, said.channel, repository, author
                )
                await self._say(said, told)
            elif (
                task is None
                and not said.attachments
                and asks_nothing(said.words, alone=said.thread_ts is None)
            ):
                # Apps would go on thanking each other.
                if not said.app_name:
                    await self._say(said, HOW_TO_ASK)
            elif task is None:
                await self._ask(said, thread_ts, author)
            elif task.thread is None or task.thread.message_ts != said.ts:
                await self._reply(task, said, author)
            # Only now: what fails before this is taken when Slack delivers it again. What was
            # stored under its key is known by that, and need not be written twice.
            if not await self._history.read(lambda db: delivery.is_seen(db, said.key)):
                await self._actions.first_sight(said.key)

    async def _is_going_round(self, said: Incoming, task: Task | None) -> bool:
        """Apps that answer what is said here, and are answered in turn: up to a bound."""
        if not said.app_name:
            return False
        self._apps.add(said.user)
        if task is None:
            since = time.time() - 3600
            begun = await self._history.read(
                lambda db: apps.begun_by(db, said.team, said.user, since=since)
            )
            if begun < APP_TASKS_PER_HOUR:
                return False
            log.warning("app_refused", app=said.user, channel=said.channel, tasks=begun)
            return True
        in_turn, newest = await self._history.read(lambda db: apps.in_turn(db, task, self._apps))
        if in_turn < APPS_IN_TURN:
            return False
        if await self._actions.first_sight(f"apps:{task.id}:{newest}"):
            await self._say(said, ENOUGH)
        return True

    async def _author(self, said: Incoming) -> Person:
        if said.app_name:
            return Person(said.user, said.app_name)
        return await self._people.get(said.user)

    async def _is_for_us(self, said: Incoming, task: Task | None) -> bool:
        """Said by somebody who may, and not past us."""
        if task is not None and is_aside(said.words):
            return False
        is_past = task is not None and not said.is_addressed and await self._is_muted(task)
        if is_past and find_mute(said.words) is not False:
            return False
        refusal = None if said.app_name else await self._admission.refusal(said.user)
        if refusal is not None:
            await self._refuse(said, refusal)
            return False
        if task is None:
            return True
        wish = find_mute(said.words)
        if wish is None:
            if said.is_addressed:
                await self._mute(task, said, on=False)
            return True
        await self._mute(task, said, on=wish)
        words = "I stay out of this thread until I am mentioned." if wish else "I listen again."
        await self._tell_alone(said, words)
        return False

    async def _is_muted(self, task: Task) -> bool:
        return await self._history.read(lambda db: muting.is_muted(db, task.id))

    async def _mute(self, task: Task, said: Incoming, *, on: bool) -> None:
        if on != await self._is_muted(task):
            await self._actions.set_muted(task.id, await self._author(said), on=on)

    async def _refuse(self, said: Incoming, words: str) -> None:
        log.info("not_admitted", user=said.user, channel=said.channel)
        place = (said.thread_ts or said.ts, said.user)
        if said.is_addressed or place not in self._refused:
            await self._tell_alone(said, words)
        if len(self._refused) >= MAX_REFUSED:
            self._refused.clear()
        self._refused.add(place)

    async def _show(self, said: Incoming, commands: Commands) -> None:
        """Tasks are for whoever asks: in a channel the others are not shown them."""
        line = read_command(said.words)
        found = await commands.run(line, channel=said.channel, user_id=said.user, key=said.key)
        shown: dict[str, Any] = {
            "channel": said.channel,
            "text": found.text,
            "blocks": list(found.blocks),
        }
        if said.channel.startswith("D"):
            await self._client.chat_postMessage(**shown, thread_ts=said.ts)
        else:
            await self._client.chat_postEphemeral(**shown, user=said.user)

    async def _tell_alone(self, said: Incoming, words: str) -> None:
        try:
            await self._client.chat_postEphemeral(
                channel=said.channel, user=said.user, thread_ts=said.thread_ts, text=words
            )
        except SlackApiError as error:
            log.warning("not_told", user=said.user, reason=str(error))

    def lock(self, channel: str, thread_ts: str) -> asyncio.Lock:
        """One at a time in each thread."""
        return self._locks.setdefault((channel, thread_ts), asyncio.Lock())

    async def _ask(self, said: Incoming, thread_ts: str, author: Person) -> None:
        await self._intake.ask(
            said.words,
            author=author,
            origin="slack",
            thread=Thread(
                team=said.team, channel=said.channel, thread_ts=thread_ts, message_ts=said.ts
            ),
            key=said.key,
            archive=await self._uploads.find_archive(said.attachments),
            along=given_with(said, is_first=True),
        )

    async def _reply(self, task: Task, said: Incoming, author: Person) -> None:
        words = said.words
        if not words and said.attachments:
            words = words_for(said.attachments)
        if not words and not said.is_addressed:
            return
        along = given_with(said, is_first=False)
        reply = await self._intake.reply(task, words, author=author, key=said.key, along=along)
        if reply in _ANSWERS:
            await self._say(said, _ANSWERS[reply])

    async def _say(self, said: Incoming, text: str) -> None:
        await self._client.chat_postMessage(
            channel=said.channel, thread_ts=said.thread_ts or said.ts, text=text
        )
