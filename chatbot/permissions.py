"""Who may do what in which repository, by the configuration's `[[rules]]`. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chatbot.config import Settings

Act = Literal["ask", "steer", "approve", "approve_setup", "logs"]
Words = tuple[str, ...]
"""Ids of people, user groups and channels, and the words below."""

EVERYBODY = "everybody"
MEMBERS = "members"
"""Those in the thread's channel."""
REQUESTER = "requester"
"""Whoever asked for the task."""
_DOES = {
    "ask": "start tasks in {where}",
    "steer": "say what is to be done in {where}",
    "approve": "decide about pull requests in {where}",
    "approve_setup": "decide about set-up scripts in {where}",
    "logs": "read the logs of {where}",
}
_PERSON, _GROUP, _CHANNEL = re.compile(r"[UWB]\w+"), re.compile(r"S\w+"), re.compile(r"[CG]\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of a person who wants to do something; looked up only as far as the words ask."""

    person: str
    requester: str = ""
    groups: frozenset[str] = frozenset()
    """User groups that the person is in."""
    channels: frozenset[str] = frozenset()
    """Channels that the person is in."""
    channel: str = ""
    """The thread's."""


def who_may(settings: Settings, repository: str, act: Act) -> Words | None:
    """None: everybody. The later rule wins; `slack.approvers` stands where there is none."""
    found: Words | None = None
    if act in {"approve", "approve_setup"} and settings.slack.approvers:
        found = settings.slack.approvers
    for rule in settings.rules:
        given: Words | None = getattr(rule, act)
        if given is not None and matches(repository, rule.match):
            found = given
    return None if found is None or EVERYBODY in found else found


def spend_limit(settings: Settings, repository: str) -> tuple[str, float] | None:
    """The pattern and the money that one person may spend in a day on what it matches."""
    found = None
    for rule in settings.rules:
        if rule.spend is not None and matches(repository, rule.match):
            found = (rule.match, rule.spend)
    return found


def matches(repository: str, pattern: str) -> bool:
    """Forges take names in any letters: another spelling must not slip past a rule."""
    return fnmatch.fnmatchcase(repository.lower(), pattern.lower())


def groups_in(words: Words) -> list[str]:
    return [word for word in words if _GROUP.fullmatch(word)]


def channels_in(words: Words, channel: str) -> list[str]:
    """Whose members count; of `members` the thread's own."""
    named = [word for word in words if _CHANNEL.fullmatch(word)]
    return [*named, *([channel] if MEMBERS in words and channel else [])]


def people_in(words: Words) -> list[str]:
    return [word for word in words if _PERSON.fullmatch(word)]


def allows(words: Words, facts: Facts) -> bool:
    """Any of the words is enough."""
    is_requester = REQUESTER in words and facts.person == facts.requester != ""
    is_member = MEMBERS in words and facts.channel in facts.channels
    named = facts.person in words or bool({*facts.groups, *facts.channels} & set(words))
    return is_requester or is_member or named


def refusal(
    act: Act, repository: str, words: Words, names: Mapping[str, str], requester: str = ""
) -> str:
    """Names who can; ``requester``: the name of whoever asked, where there is somebody."""
    asked = f"{requester} (who asked for it)" if requester else "whoever asked for it"
    does = _DOES[act].format(where=repository or "this repository")
    who = [
        *(names.get(word, word) for word in people_in(words)[:10]),
        *(f"@{names.get(word, word)}" for word in groups_in(words)[:5]),
        *(f"members of #{names.get(word, word)}" for word in words if _CHANNEL.fullmatch(word)),
        *([asked] if REQUESTER in words else []),
        *(["members of this channel"] if MEMBERS in words else []),
    ]
    return f"Only {listed(who)} can {does}." if who else f"Nobody can {does}."


def listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
