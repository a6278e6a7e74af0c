"""Takes what people say in Slack: a new task, or a reply to one; stored before it is acknowledged.

Slack delivers a message again until it is acknowledged, and a mention twice in any case, as
mention and as message. What was taken is known by the message's own key.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.history import delivery, queries
from chatbot.history.store import History
from chatbot.intake import Intake
from chatbot.linking import Linking
from chatbot.models import Person, Task, Thread
from chatbot.request import find_default, find_link
from chatbot.slack.given import given_with, words_for
from chatbot.slack.incoming import Incoming
from chatbot.slack.people import People
from chatbot.slack.uploads import Uploads

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
    ) -> None:
        self._history = history
        self._actions = actions
        self._intake = intake
        self._client = client
        self._people = people
        self._uploads = uploads
        self._linking = linking
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def take(self, said: Incoming) -> None:
        if said.thread_ts is None and not said.is_addressed:
            return
        thread_ts = said.thread_ts or said.ts
        lock = self._locks.setdefault((said.channel, thread_ts), asyncio.Lock())
        async with lock:
            task = await self._history.read(
                lambda db: queries.find_task_by_thread(db, said.team, said.channel, thread_ts)
            )
            if task is None and not said.is_addressed:
                return
            if await self._history.read(lambda db: delivery.is_seen(db, said.key)):
                return
            author = await self._people.get(said.user)
            login = find_link(said.words) if said.is_addressed else None
            if login is not None:
                await self._say(said, await self._linking.link(author, login))
            elif task is None and (repository := find_default(said.words)) is not None:
                told = await self._intake.repositories.settle(
                    said.team, said.channel, repository, author
                )
                await self._say(said, told)
            elif task is None:
                await self._ask(said, thread_ts, author)
            elif task.thread is None or task.thread.message_ts != said.ts:
                await self._reply(task, said, author)
            # Only now: what fails before this is taken when Slack delivers it again.
            await self._actions.first_sight(said.key)

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
