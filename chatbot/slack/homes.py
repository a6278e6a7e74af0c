"""Keeps the home tabs of those who look at them up to the story."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlite_utils import Database

from chatbot.config import Settings
from chatbot.history import defaults, home, spending
from chatbot.history.store import History, HistoryUnavailable
from chatbot.models import Person, Status, Task, shown_model
from chatbot.permissions import Act, who_may
from chatbot.repositories import Repositories
from chatbot.slack.access import Access
from chatbot.slack.blocks.home import SHOWN, SHOWN_REPOSITORIES, HomeView, make_home
from chatbot.slack.blocks.listing import Row
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

PACE_SECONDS = 3.0
"""Between two looks at what changed."""
SHARE_SECONDS = 0.75
"""Slack takes about a hundred homes a minute: each person who looks adds their share."""
LOOKED_SECONDS = 1800.0
"""So long after it was opened a home is kept up to date; whoever comes again sees it anew."""
CANDIDATES = 40


@dataclass(slots=True, kw_only=True)
class _Open:
    """One person's home, as it was published last."""

    until: float
    offset: int = 0
    """Of the last results."""
    repositories: int = 0
    """Of the list of repositories, where it is turned."""
    words: str = ""
    mark: str | None = None
    """Slack's hash of it: what somebody else published meanwhile is not overwritten unseen."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Homes:
    """``run`` follows the story for ever; cancel it to stop."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        client: AsyncWebClient,
        people: People,
        access: Access,
        repositories: Repositories,
        *,
        team: str,
        workspace_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._history = history
        self._client = client
        self._people = people
        self._access = access
        self._repositories = repositories
        self._team = team
        self._workspace_url = workspace_url
        self._clock = clock
        self._open: dict[str, _Open] = {}

    async def look(
        self,
        user_id: str,
        *,
        offset: int | None = None,
        repositories: int | None = None,
        mark: str = "",
    ) -> None:
        """Somebody opened it, or turned a page of either; ``mark``: the hash of what they see."""
        shown = self._open.setdefault(user_id, _Open(until=0.0))
        shown.until = self._clock() + LOOKED_SECONDS
        is_opened = offset is None and repositories is None
        if is_opened or offset is not None:
            shown.offset = offset or 0
        if is_opened or repositories is not None:
            shown.repositories = repositories or 0
        shown.mark = shown.mark or mark or None
        await self._publish(user_id, shown, always=True)

    async def run(self) -> None:
        while True:
            version = self._history.version
            now = self._clock()
            self._open = {who: shown for who, shown in self._open.items() if shown.until > now}
            try:
                for user_id, shown in list(self._open.items()):
                    await self._publish(user_id, shown)
            except HistoryUnavailable as error:
                log.error("homes_paused", details=error.details)
            await asyncio.sleep(max(PACE_SECONDS, SHARE_SECONDS * len(self._open)))
            await self._history.changed(version)

    async def _publish(self, user_id: str, shown: _Open, *, always: bool = False) -> None:
        async with shown.lock:
            view = make_home(await self._read(user_id, shown), self._workspace_url)
            words = json.dumps(view)
            if words == shown.words and not always:
                return
            try:
                answer = await self._client.views_publish(
                    user_id=user_id, view=view, hash=shown.mark
                )
            except SlackApiError as error:
                log.info("home_not_published", user=user_id, reason=str(error))
                # Somebody was quicker: what stands there is looked at anew, with the next change.
                shown.mark, shown.words = None, ""
                return
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("home_not_published", user=user_id, reason=str(error))
                return
            shown.words, shown.mark = words, str(answer["view"]["hash"])

    async def _read(self, user_id: str, shown: _Open) -> HomeView:
        offset = shown.offset
        person = await self._people.get(user_id)
        view, others = await self._history.read(
            lambda db: self._of_story(db, user_id, offset, self._clock())
        )
        waiting = [
            task
            for task, took_part in others
            if (took_part or await self._decides(task, person)) and await self._sees(task, person)
        ]
        rows = await self._history.read(lambda db: _rows(db, waiting))
        return HomeView(
            at_work=view.at_work,
            waiting=view.waiting,
            others=rows,
            ended=view.ended,
            offset=offset,
            defaults=view.defaults,
            model=shown_model(self._settings.model.default),
            repositories=await self._usable(person, shown.repositories),
            repositories_offset=shown.repositories,
            setups=view.setups,
            mended=view.mended,
            spent_today=view.spent_today,
        )

    def _of_story(
        self, db: Database, user_id: str, offset: int, now: float
    ) -> tuple[HomeView, list[tuple[Task, bool]]]:
        of = (db, self._team, user_id)
        more = SHOWN + 1
        view = HomeView(
            at_work=_rows(db, home.of_person(*of, "at_work", limit=more)),
            waiting=_rows(db, home.of_person(*of, "waiting", limit=more)),
            ended=_rows(db, home.of_person(*of, "ended", limit=more, offset=offset)),
            defaults=defaults.get(db, self._team, "person", user_id),
            setups=home.allowed_setups(db, user_id, limit=SHOWN),
            mended=home.mended(db, user_id, limit=SHOWN),
            spent_today=spending.of_person(db, user_id, spending.day_of(now)).usd,
        )
        return view, home.waiting_of_others(*of, limit=CANDIDATES)

    async def _decides(self, task: Task, person: Person) -> bool:
        """Named by a rule: where everybody decides it waits for nobody in particular."""
        act: Act = "approve_setup" if task.status == Status.WAITING else "approve"
        if who_may(self._settings, task.source.repository, act) is None:
            return False
        try:
            await self._access.check(act, task, person)
        except ThreadsmithError:
            return False
        return True

    async def _sees(self, task: Task, person: Person) -> bool:
        """Whether the thread is one that they may look into."""
        return task.thread is not None and await self._access.sees(person, task.thread.channel)

    async def _usable(self, person: Person, offset: int) -> list[str]:
        """A page of them, and one more where there are more."""
        known = await self._repositories.known()
        found = await self._access.usable(known, person, "", limit=offset + SHOWN_REPOSITORIES + 1)
        return list(found[offset:])


def _rows(db: Database, tasks: list[Task]) -> list[Row]:
    return [Row(task=task, cost_usd=spending.of_task(db, task).usd) for task in tasks]
