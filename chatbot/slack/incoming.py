"""A message of a person, out of Slack's event; everything else that comes as a message is none."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

_SPOKEN = frozenset({None, "file_share", "thread_broadcast"})
"""Subtypes that are a person speaking; edits, deletions, joins and the like are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    name: str
    url: str
    size: int
    is_zip: bool
    media_type: str = ""
    """By Slack's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    team: str
    channel: str
    ts: str
    thread_ts: str | None
    """Of the thread it stands in; None where it would begin one."""
    user: str
    words: str
    """Without the bot's mention."""
    is_addressed: bool
    """Said to the bot: with its name, or in a direct message."""
    attachments: tuple[Attachment, ...] = ()
    app_name: str = ""
    """Of another app that is allowed to speak; empty: a person does."""

    @property
    def key(self) -> str:
        """The same for every delivery of the message, as mention or as message."""
        return f"slack:{self.team}:{self.channel}:{self.ts}"


def find_incoming(
    event: dict[str, Any],
    *,
    team: str,
    bot_user_id: str,
    bot_id: str = "",
    bots: Container[str] = (),
) -> Incoming | None:
    """None where no person speaks, nor one of the ``bots`` that are allowed to.

    ``bot_id``: our own, whose words are nobody's, whatever is allowed.
    """
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    app = event.get("bot_id")
    if app and app != event.get("user") and (app in bots or user in bots):
        user = user or app
        spoken = event.get("subtype") in {*_SPOKEN, "bot_message"}
    else:
        spoken = event.get("subtype") in _SPOKEN and not app
    if app and app == bot_id:
        return None
    if not spoken or not user or not channel or not ts or user in {bot_user_id, "USLACKBOT"}:
        return None
    text = str(event.get("text") or "")
    mention = re.compile(rf"<@{re.escape(bot_user_id)}(?:\|[^>]*)?>")
    thread_ts = event.get("thread_ts")
    direct = event.get("channel_type") == "im" or str(channel).startswith("D")
    return Incoming(
        team=team,
        channel=str(channel),
        ts=str(ts),
        thread_ts=str(thread_ts) if thread_ts and thread_ts != ts else None,
        user=str(user),
        app_name=app_name(event) if app else "",
        words=mention.sub(" ", text).strip(),
        is_addressed=direct or mention.search(text) is not None,
        attachments=read_attachments(event),
    )


def read_attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    """Its files."""
    files = message.get("files") or []
    return tuple(_attachment(file) for file in files if isinstance(file, dict))


def app_name(event: dict[str, Any]) -> str:
    """Of the app that wrote it."""
    profile = event.get("bot_profile") or {}
    return str(event.get("username") or profile.get("name") or "an app")[:100]


def _attachment(file: dict[str, Any]) -> Attachment:
    name = str(file.get("name") or "")
    # A file that only links to another place is not Slack's to hand out.
    url = "" if file.get("is_external") else str(file.get("url_private_download") or "")
    size = file.get("size")
    return Attachment(
        name=name,
        url=url,
        size=size if isinstance(size, int) else 0,
        media_type=str(file.get("mimetype") or "")[:100],
        is_zip=name.lower().endswith(".zip") or file.get("filetype") == "zip",
    )
