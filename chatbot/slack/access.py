"""Whether a Slack user may do something: the rules, and who is in which group and channel."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.config import Settings
from chatbot.models import Person, Task
from chatbot.permissions import (
    REQUESTER,
    Act,
    Facts,
    Words,
    allows,
    channels_in,
    groups_in,
    people_in,
    refusal,
    who_may,
)
from chatbot.slack.people import People
from sandbox.errors import ThreadsmithError

log = structlog.get_logger(__name__)

KEPT_SECONDS = 300.0
LOOKUP_SECONDS = 1.5
"""A form is to be answered within three seconds, all told."""
NAME_SECONDS = 0.5
MAX_PAGES = 50
AT_ONCE = 250
"""Names that are held against the rules in one go."""
_OPEN = "open:"
_SLACK_USER = re.compile(r"[UWB][A-Z0-9]{2,}")
"""Apps without a user of their own speak by their bot's id."""


class NotAllowed(ThreadsmithError):
    """Somebody else decides here."""

    code = "not_allowed"


class MembersUnknown(ThreadsmithError):
    """Slack did not say who is allowed to do this."""

    code = "members_unknown"
    resolution = "Try again in a moment; the Slack app needs usergroups:read and channels:read."


@dataclass(frozen=True, slots=True)
class _Found:
    found: frozenset[str]
    """Those that the person is in."""
    fault: MembersUnknown | None
    """Of one that Slack did not tell of: another may be enough."""


async def _none_public() -> frozenset[str]:
    return frozenset()


class Access:
    """Asks Slack as far as the rules need it, and remembers for a few minutes."""

    def __init__(
        self,
        settings: Settings,
        client: AsyncWebClient,
        people: People,
        *,
        public: Callable[[], Awaitable[frozenset[str]]] = _none_public,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``public``: repositories that everybody may know of, in small letters."""
        self._settings = settings
        self._public = public
        self._client = client
        self._people = people
        self._clock = clock
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._names: dict[str, str] = {}
        self._shared: dict[str, tuple[float, bool]] = {}
        """Channels, and until when that is known."""

    def forget(self, channel: str) -> None:
        """Somebody came or went."""
        self._known.pop(channel, None)

    async def check_ask(self, repository: str, author: Person, channel: str) -> None:
        """Raise NotAllowed where the author may not start a task there."""
        await self._check("ask", repository, author, channel, author.id)

    async def check(self, act: Act, task: Task, person: Person) -> None:
        """Raise NotAllowed where the person may not do that with the task."""
        channel = task.thread.channel if task.thread else ""
        await self._check(act, task.source.repository, person, channel, task.author.id)

    async def _check(
        self, act: Act, repository: str, person: Person, channel: str, requester: str
    ) -> None:
        words = who_may(self._settings, repository, act)
        if words is None or not _SLACK_USER.fullmatch(person.id):
            return  # whoever holds the API's token has the host's own rights
        facts = Facts(person=person.id, requester=requester, channel=channel)
        is_allowed, unknown = await self._allows(words, facts)
        if not is_allowed:
            if unknown is not None:
                raise unknown
            log.info("not_allowed", act=act, repository=repository, user=person.id)
            names = await self._name_all(words, requester)
            told = refusal(act, repository, words, names, names.get(requester, ""))
            raise NotAllowed(told)

    async def usable(
        self,
        names: Iterable[str],
        person: Person,
        channel: str,
        *,
        heard: Container[str] | None = None,
        limit: int | None = None,
    ) -> tuple[str, ...]:
        """See `chatbot.gatekeeper`. Guests know of what is public, or given to them by a rule.

        Where other organisations read along, nothing else is said aloud that is not public.
        """
        is_slack = _SLACK_USER.fullmatch(person.id) is not None
        is_inside = not is_slack or await self._people.standing(person.id) == "member"
        is_shared = heard is not None and await self._is_shared(channel)
        public = await self._public() if is_shared or not is_inside else frozenset()
        facts = Facts(person=person.id, requester=person.id, channel=channel)
        decided: dict[Words, bool] = {}
        found: list[str] = []
        for index, name in enumerate(names):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # thousands, by many rules: nobody else waits for all
            plain = name.lower()
            words = who_may(self._settings, name, "ask")
            is_open = plain in public or (words is None and not is_shared)
            if heard is not None and not is_open and plain not in heard:
                may = False
            elif words is None:
                may = is_inside or plain in public
            else:
                if words not in decided:
                    decided[words] = (await self._allows(words, facts))[0] or not is_slack
                may = decided[words]
            if may:
                found.append(name)
            if len(found) == limit:
                break
        return tuple(found)

    async def _is_shared(self, channel: str) -> bool:
        """With another organisation; so it is taken to be where Slack does not say."""
        until, known = self._shared.get(channel, (0.0, True))
        if until > self._clock():
            return known
        info = await self._ask(partial(self._client.conversations_info, channel=channel))
        shown = info.get("channel")
        if not isinstance(shown, dict):
            return True
        is_shared = bool(shown.get("is_ext_shared") or shown.get("is_pending_ext_shared"))
        self._shared[channel] = (self._clock() + KEPT_SECONDS, is_shared)
        return is_shared

    async def sees(self, person: Person, channel: str) -> bool:
        """Whether the channel is open to everybody, or the person is in it; not told: no."""
        try:
            if person.id in await self._members(channel, self._channel):
                return True
            return bool(await self._members(f"{_OPEN}{channel}", self._if_open))
        except MembersUnknown:
            return False

    async def _allows(self, words: Words, facts: Facts) -> tuple[bool, MembersUnknown | None]:
        """With the fault where Slack did not say enough."""
        if allows(words, facts):
            return True, None
        groups, channels = await asyncio.gather(
            self._those_with(facts.person, groups_in(words), self._group),
            self._those_with(facts.person, channels_in(words, facts.channel), self._channel),
        )
        known = replace(facts, groups=groups.found, channels=channels.found)
        return allows(words, known), groups.fault or channels.fault

    async def _those_with(
        self, person: str, ids: list[str], read: Callable[[str], Awaitable[frozenset[str]]]
    ) -> _Found:
        asked = (self._members(each, read) for each in ids)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found, fault = set(), None
        for each, answer in zip(ids, answers, strict=True):
            if isinstance(answer, MembersUnknown):
                fault = answer
            elif isinstance(answer, BaseException):
                raise answer
            elif person in answer:
                found.add(each)
        return _Found(frozenset(found), fault)

    async def _members(
        self, each: str, read: Callable[[str], Awaitable[frozenset[str]]]
    ) -> frozenset[str]:
        until, known = self._known.get(each, (0.0, None))
        if known is not None and until > self._clock():
            return known
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await read(each)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("members_unknown", of=each, reason=str(error))
            if known is not None:
                return known  # what it was a while ago is better than nothing
            raise MembersUnknown(details=str(error)) from error
        self._known[each] = (self._clock() + KEPT_SECONDS, found)
        return found

    async def _group(self, group: str) -> frozenset[str]:
        answer = await self._client.usergroups_users_list(usergroup=group)
        return frozenset(answer.get("users") or ())

    async def _channel(self, channel: str) -> frozenset[str]:
        found: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            answer = await self._client.conversations_members(
                channel=channel, limit=1000, cursor=cursor
            )
            found |= set(answer.get("members") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return frozenset(found)

    async def _if_open(self, channel: str) -> frozenset[str]:
        """Something where everybody may look into it."""
        channel = channel.removeprefix(_OPEN)
        info = (await self._client.conversations_info(channel=channel)).get("channel") or {}
        is_open = info.get("is_channel") is True and info.get("is_private") is False
        return frozenset({channel}) if is_open else frozenset()

    async def _name_all(self, words: Words, requester: str) -> dict[str, str]:
        """Ids stand for what has no name."""
        people, groups = people_in(words)[:10], groups_in(words)
        if REQUESTER in words and _SLACK_USER.fullmatch(requester):
            people = [*people, requester]
        channels = [each for each in channels_in(words, "") if each not in self._names]
        named, listed, *infos = await asyncio.gather(
            asyncio.gather(*(self._people.get(each) for each in people)),
            self._ask(self._client.usergroups_list) if groups else _nothing(),
            *(
                self._ask(partial(self._client.conversations_info, channel=each))
                for each in channels
            ),
        )
        for group in listed.get("usergroups") or ():
            self._names[str(group["id"])] = str(group.get("handle") or group.get("name"))
        for channel, info in zip(channels, infos, strict=True):
            if name := (info.get("channel") or {}).get("name"):
                self._names[channel] = str(name)
        return self._names | {person.id: person.name for person in named}

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(NAME_SECONDS):
                data: dict[str, Any] = (await call()).data
                return data
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("name_unknown", reason=str(error))
            return {}


async def _nothing() -> dict[str, Any]:
    return {}
