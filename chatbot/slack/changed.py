"""Messages that were edited or deleted, and places that opened again, out of Slack's events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.actions import Actions
from chatbot.history import queries
from chatbot.history.store import HistoryUnavailable
from chatbot.intake import Intake
from chatbot.models import Person, Task
from chatbot.slack.access import Access
from chatbot.slack.faults import explain
from chatbot.slack.incoming import Incoming, find_incoming
from chatbot.slack.people import People
from chatbot.slack.reception import Reception
from chatbot.slack.reporter import Reporter
from chatbot.slack.thread_messages import METADATA
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

Json = dict[str, Any]

DELETED = "deleted"
"""Why a run ends whose request is no longer there."""
GONE = "channel"
"""Why it ends where its channel is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    actions: Actions
    intake: Intake
    reception: Reception
    people: People
    reporter: Reporter
    access: Access
    client: AsyncWebClient
    team: str
    bot_user_id: str
    bot_id: str

    async def edited(self, event: Json) -> None:
        message, before = event.get("message"), event.get("previous_message")
        if not isinstance(message, dict) or not isinstance(before, dict):
            return
        if message.get("text") == before.get("text"):
            return  # Slack has added a preview, or counts replies.
        place = {"channel": event.get("channel"), "channel_type": event.get("channel_type")}
        said = find_incoming({**message, **place}, team=self.team, bot_user_id=self.bot_user_id)
        if said is None:
            return
        stamp = (message.get("edited") or {}).get("ts") or event.get("ts")
        thread_ts = said.thread_ts or said.ts
        async with self.reception.lock(said.channel, thread_ts):
            task = await self._task(said.channel, thread_ts)
            if task is not None:
                try:
                    await self._edit(task, said, f"edit:{said.key}:{stamp}")
                except HistoryUnavailable:
                    raise  # Slack brings it again.
                except ThreadsmithError as error:
                    await self._refuse(said, thread_ts, error)
        earlier = find_incoming({**before, **place}, team=self.team, bot_user_id=self.bot_user_id)
        if task is None and earlier is not None and not earlier.is_addressed:
            # The bot's name was written into it only now.
            await self.reception.take(said)

    async def _edit(self, task: Task, said: Incoming, key: str) -> None:
        await self.intake.edit(
            task,
            said.words,
            said=None if _is_request(task, said.ts) else said.key,
            author=await self.people.get(said.user),
            key=key,
        )

    async def _refuse(self, said: Incoming, thread_ts: str, error: ThreadsmithError) -> None:
        """To the one who edited it alone."""
        try:
            await self.client.chat_postEphemeral(
                channel=said.channel, user=said.user, thread_ts=thread_ts, text=explain(error)
            )
        except SlackApiError as refused:
            log.warning("fault_untold", reason=str(refused))

    async def deleted(self, event: Json) -> None:
        before = event.get("previous_message")
        if not isinstance(before, dict):
            return
        channel, ts = str(event.get("channel")), str(event.get("deleted_ts"))
        if before.get("bot_id") == self.bot_id:
            await self._ours(before)
            return
        task = await self._task(channel, str(before.get("thread_ts") or ts))
        if task is None or before.get("bot_id") or not before.get("user"):
            return
        by = await self.people.get(str(before["user"]))
        said = f"slack:{self.team}:{channel}:{ts}"
        key = f"delete:{said}"
        if _is_request(task, ts):
            await self.actions.stop_task(task.id, by, key=key, why=DELETED)
        else:
            await self.actions.withdraw_said(task.id, said, by, key=key)

    async def _ours(self, message: Json) -> None:
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        if metadata.get("event_type") == METADATA:
            await self.reporter.lost(str(payload.get("task_id")), str(payload.get("kind")))

    def closed(self, channel: str, reason: str) -> None:
        """Archived, or the bot was taken out: a run there goes on.

        Nobody said that the work is not wanted, it is paid for, and the channel may open again: its
        result is kept, on the task's page as well, and the thread is brought up to it then.
        """
        log.info("channel_closed", channel=channel, reason=reason)
        self.reporter.close(channel, reason)

    async def gone(self, event: Json) -> None:
        """The channel was deleted for good: nobody will see a result there, nor steer or stop."""
        channel = str(event.get("channel"))
        self.closed(channel, "channel_not_found")
        by = Person(str(event.get("actor_id") or "slack"), "Slack")
        for task in await self.actions.history.read(
            partial(queries.open_tasks_in, team=self.team, channel=channel)
        ):
            key = f"gone:{self.team}:{channel}:{task.id}"
            await self.actions.stop_task(task.id, by, key=key, why=GONE)

    async def opened(self, channel: str) -> None:
        """The channel was unarchived, or the bot is in it again."""
        await self.reporter.reopen(channel)

    async def joined(self, event: Json) -> None:
        channel = str(event.get("channel"))
        self.access.forget(channel)
        if event.get("user") == self.bot_user_id:
            await self.opened(channel)

    def left(self, event: Json) -> None:
        channel = str(event.get("channel"))
        self.access.forget(channel)
        if event.get("user") == self.bot_user_id:
            self.closed(channel, "not_in_channel")

    def uninstalled(self) -> None:
        """The app was removed, or its token taken back, and it is the only one here."""
        log.error(
            "slack_app_removed",
            team=self.team,
            resolution="Install the app again, set slack.bot_token, and start anew.",
        )

    async def _task(self, channel: str, thread_ts: str) -> Task | None:
        return await self.actions.history.read(
            partial(
                queries.find_task_by_thread,
                team=self.team,
                channel=channel,
                thread_ts=thread_ts,
            )
        )


def _is_request(task: Task, ts: str) -> bool:
    return task.thread is not None and task.thread.message_ts == ts
