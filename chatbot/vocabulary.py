"""The names that the configuration gives to repositories and models, for reading requests."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.config import Settings
from chatbot.listing import Listing
from chatbot.request import Vocabulary, understand
from chatbot.request.resolving import resolve
from chatbot.request.told import as_json, as_text

_WILD = re.compile(r"[*?\[]")


def configured_repositories(settings: Settings) -> tuple[str, ...]:
    """Those that are named whole."""
    named = [rule.match for rule in settings.repositories if not _WILD.search(rule.match)]
    named += [channel.repository for channel in settings.channels if channel.repository]
    return tuple(dict.fromkeys(named))


def configured_keywords(settings: Settings) -> dict[str, tuple[str, ...]]:
    """By repository; a pattern of several gives no answer."""
    return {
        rule.match: rule.keywords
        for rule in settings.repositories
        if rule.keywords and not _WILD.search(rule.match)
    }


def channel_repository(settings: Settings, channel: str) -> str | None:
    """What the configuration says; the later table wins."""
    found = [rule.repository for rule in settings.channels if rule.id == channel]
    return next((name for name in reversed(found) if name), None)


def make_vocabulary(
    settings: Settings, known: Iterable[str | None], *, default: str | None = None
) -> Vocabulary:
    return Vocabulary(
        repositories=tuple(dict.fromkeys(name for name in known if name)),
        models=settings.model.aliases,
        forge_url=settings.forge.url,
        default=default,
    )


_TYPED_NAME = re.compile(r"^\s*@threadsmith\b[,:]?\s*", re.IGNORECASE)


def explain_request(
    settings: Settings, words: str, *, default: str | None, known: tuple[str, ...]
) -> Listing:
    """What would be done with these words in a channel that has this default.

    The bot's name is left out as it is typed; Slack sends it as a mention.
    """
    words = _TYPED_NAME.sub("", words)
    names = [*known, default, *configured_repositories(settings)]
    vocabulary = make_vocabulary(settings, names, default=default)
    request = understand(words, vocabulary)
    resolution = resolve(
        request,
        channel=default,
        keywords=configured_keywords(settings),
        known=vocabulary.repositories,
    )
    return Listing(data=as_json(request, resolution), text=as_text(request, resolution))
